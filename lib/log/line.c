#include "lib/log/line.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/text.h"

/* What must still fit behind the last field. */
#define END ",\"truncated\":true}\n"

/* The rest of the line: what is written moves `at`, and does not fit behind `end`. */
struct rest {
    char *at;
    const char *end;
};

/* Inlined, so that the sizes of what the source says are known: that is most of a line. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

static ALWAYS_INLINE bool put(struct rest *rest, const char *text, size_t size)
{
    if ((size_t)(rest->end - rest->at) < size)
        return false;
    memcpy(rest->at, text, size);
    rest->at += size;
    return true;
}

static ALWAYS_INLINE bool put_raw(struct rest *rest, const char *text)
{
    return put(rest, text, strlen(text));
}

/* How much of a text is logged: whole code points only. */
static size_t clipped(const char *text, size_t size)
{
    if (size <= INK_LOG_TEXT_MAX)
        return size;
    size_t end = INK_LOG_TEXT_MAX - strlen("...");
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80)
        end--;
    return end;
}

/* Code points that JSON lets stand, and that what shows the log may obey or hide: C1 controls,
 * which are a terminal's escape sequences in one character; line ends that are not "\n"; the marks
 * that reverse the order of what follows; and what has no width. */
static bool is_trick(uint32_t c)
{
    return (c >= 0x80 && c <= 0x9F) || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

/* The code point that a sequence of two or three bytes has; 0 for others, which are no trick. */
static uint32_t code_point(const unsigned char *text, size_t step)
{
    if (step == 2)
        return (uint32_t)(text[0] & 0x1F) << 6 | (text[1] & 0x3F);
    if (step == 3)
        return (uint32_t)(text[0] & 0x0F) << 12 | (uint32_t)(text[1] & 0x3F) << 6 |
               (text[2] & 0x3F);
    return 0;
}

/* One character that is more than plain ASCII, as it is, as an escape that a reader of JSON takes
 * for the same, or as U+FFFD. *ret_step: its bytes. */
static bool put_other(struct rest *rest, const char *text, size_t size, size_t *ret_step)
{
    size_t step = ink_utf8_sequence(text, size);
    *ret_step = step != 0 ? step : 1;
    if (step == 0)
        return put_raw(rest, "\xEF\xBF\xBD");
    uint32_t c = step == 1 ? (unsigned char)*text : code_point((const unsigned char *)text, step);
    if (step > 1 && !is_trick(c))
        return put(rest, text, step);
    char escape[INK_JSON_ESCAPE_MAX];
    return put(rest, escape, ink_json_escape(c, escape));
}

static bool put_escaped(struct rest *rest, const char *text, size_t size)
{
    for (size_t at = 0, step = 0;; at += step) {
        size_t plain = ink_ascii_plain(text + at, size - at);
        if (!put(rest, text + at, plain))
            return false;
        at += plain;
        if (at == size)
            return true;
        if (!put_other(rest, text + at, size - at, &step))
            return false;
    }
}

static bool put_text(struct rest *rest, const char *text)
{
    size_t size = strnlen(text, INK_LOG_TEXT_MAX + 1), end = clipped(text, size);
    return put_raw(rest, "\"") && put_escaped(rest, text, end) &&
           put_raw(rest, end < size ? "...\"" : "\"");
}

static bool put_integer(struct rest *rest, int64_t value)
{
    char digits[INK_DECIMAL_MAX + 1];
    char *at = ink_decimal(value < 0 ? -(uint64_t)value : (uint64_t)value, digits + sizeof(digits));
    if (value < 0)
        *--at = '-';
    return put(rest, at, (size_t)(digits + sizeof(digits) - at));
}

/* With three decimals: times are in milliseconds. JSON has neither NaN nor infinity. */
static bool put_real(struct rest *rest, double value)
{
    if (!isfinite(value))
        return put_raw(rest, "null");
    char text[32];
    if (fabs(value) > 1e15) {
        snprintf(text, sizeof(text), "%.6g", value);
        return put_raw(rest, text);
    }
    int64_t thousandths = llround(fabs(value) * 1000);
    if (value < 0 && thousandths != 0 && !put_raw(rest, "-"))
        return false;
    if (!put_integer(rest, thousandths / 1000))
        return false;
    if (thousandths % 1000 == 0)
        return true;
    char decimals[] = {'.', (char)('0' + thousandths / 100 % 10),
                       (char)('0' + thousandths / 10 % 10), (char)('0' + thousandths % 10)};
    size_t size = sizeof(decimals);
    while (decimals[size - 1] == '0')
        size--;
    return put(rest, decimals, size);
}

static bool put_value(struct rest *rest, const struct ink_log_field *field)
{
    switch (field->kind) {
    case INK_LOG_TEXT:
        return put_text(rest, field->text);
    case INK_LOG_INTEGER:
        return put_integer(rest, field->integer);
    case INK_LOG_REAL:
        return put_real(rest, field->real);
    case INK_LOG_TRUTH:
        return put_raw(rest, field->truth ? "true" : "false");
    case INK_LOG_END:
        break;
    }
    return false;
}

/* Writes the field, or nothing when the line would become too long. Keys come from the source and
 * have nothing to escape. */
static bool put_field(struct rest *rest, const struct ink_log_field *field)
{
    if (field->kind == INK_LOG_TEXT && field->text == NULL)
        return true;
    char *before = rest->at;
    if (put_raw(rest, ",\"") && put_raw(rest, field->key) && put_raw(rest, "\":") &&
        put_value(rest, field))
        return true;
    rest->at = before;
    return false;
}

/* "2026-11-22T10:00:00.123456Z". A thread makes all but the fraction once a second. */
static void put_time(struct rest *rest)
{
    static _Thread_local int64_t second = INT64_MIN;
    static _Thread_local char text[INK_RFC3339_SIZE];
    int64_t now = ink_wall_clock();
    if (now / 1000000 != second) {
        second = now / 1000000;
        ink_rfc3339(second, 0, text);
    }
    char fraction[] = ".000000Z";
    for (int64_t left = now % 1000000, i = 6; left > 0; left /= 10, i--)
        fraction[i] = (char)('0' + left % 10);
    put(rest, text, strlen("2026-11-22T10:00:00"));
    put(rest, fraction, strlen(fraction));
}

static void put_head(struct rest *rest, const char *service, enum ink_log_level level)
{
    put_raw(rest, "{\"ts\":\"");
    put_time(rest);
    put_raw(rest, "\",\"level\":\"");
    put_raw(rest, ink_log_levels[level]);
    put_raw(rest, "\",\"service\":");
    put_text(rest, service);
}

static const char *none_if_empty(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static bool put_ids(struct rest *rest, const struct ink_ctx *ctx)
{
    const struct ink_log_field ids[] = {
        INK_LOG_STR("request_id", none_if_empty(ctx->request_id)),
        INK_LOG_STR("trace_id", none_if_empty(ctx->trace.trace_id)),
        INK_LOG_STR("span_id", none_if_empty(ctx->trace.span_id)),
    };
    bool fits = true;
    for (size_t i = 0; i < INK_COUNT(ids); i++)
        fits = put_field(rest, &ids[i]) && fits;
    return fits;
}

size_t ink_log_line(char *out, const char *service, enum ink_log_level level,
                    const struct ink_ctx *ctx, const char *message,
                    const struct ink_log_field *fields)
{
    struct rest rest = {out, out + INK_LOG_LINE_MAX - strlen(END)};
    put_head(&rest, service, level);
    bool fits = put_field(&rest, &INK_LOG_STR("msg", message));
    if (ctx != NULL)
        fits = put_ids(&rest, ctx) && fits;
    for (; fields->kind != INK_LOG_END; fields++)
        fits = put_field(&rest, fields) && fits;
    rest.end = out + INK_LOG_LINE_MAX;
    put_raw(&rest, fits ? "}\n" : END);
    return (size_t)(rest.at - out);
}
