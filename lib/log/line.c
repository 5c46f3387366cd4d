#include "lib/log/line.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/text.h"

/* What must still fit behind the last field. */
#define END ",\"truncated\":true}\n"

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

/* Writes such code points as \uXXXX, which a reader of JSON takes for the same, in the string that
 * begins at `start` and is valid UTF-8. */
static void escape_tricks(struct ink_buf *out, size_t start)
{
    struct ink_buf plain = INK_BUF_INIT;
    size_t done = start;
    for (size_t at = start, step; at < out->len; at += step) {
        step = ink_utf8_sequence(out->data + at, out->len - at);
        uint32_t c = code_point((const unsigned char *)out->data + at, step);
        if (!is_trick(c))
            continue;
        ink_buf_append(&plain, out->data + done, at - done);
        ink_buf_printf(&plain, "\\u%04x", (unsigned)c);
        done = at + step;
    }
    if (done > start) {
        ink_buf_append(&plain, out->data + done, out->len - done);
        out->len = start;
        ink_buf_append(out, plain.data, plain.len);
    }
    ink_buf_release(&plain);
}

static void put_text(struct ink_buf *out, const char *text)
{
    size_t size = strnlen(text, INK_LOG_TEXT_MAX + 1), end = clipped(text, size);
    size_t start = out->len;
    ink_buf_json_string(out, text, end);
    escape_tricks(out, start);
    if (end < size) {
        out->len--;
        ink_buf_puts(out, "...\"");
    }
}

/* Keys come from the source and have nothing to escape. */
static void put_key(struct ink_buf *out, const char *key)
{
    ink_buf_puts(out, ",\"");
    ink_buf_puts(out, key);
    ink_buf_puts(out, "\":");
}

/* With three decimals: times are in milliseconds. JSON has neither NaN nor infinity. */
static void put_real(struct ink_buf *out, double value)
{
    if (!isfinite(value)) {
        ink_buf_puts(out, "null");
        return;
    }
    if (fabs(value) > 1e15) {
        ink_buf_printf(out, "%.6g", value);
        return;
    }
    int64_t thousandths = llround(fabs(value) * 1000);
    if (value < 0 && thousandths != 0)
        ink_buf_putc(out, '-');
    ink_buf_integer(out, thousandths / 1000);
    if (thousandths % 1000 == 0)
        return;
    char decimals[] = {'.', (char)('0' + thousandths / 100 % 10),
                       (char)('0' + thousandths / 10 % 10), (char)('0' + thousandths % 10)};
    size_t size = sizeof(decimals);
    while (decimals[size - 1] == '0')
        size--;
    ink_buf_append(out, decimals, size);
}

static void put_field(struct ink_buf *out, const struct ink_log_field *field)
{
    put_key(out, field->key);
    switch (field->kind) {
    case INK_LOG_TEXT:
        put_text(out, field->text);
        break;
    case INK_LOG_INTEGER:
        ink_buf_integer(out, field->integer);
        break;
    case INK_LOG_REAL:
        put_real(out, field->real);
        break;
    case INK_LOG_TRUTH:
        ink_buf_puts(out, field->truth ? "true" : "false");
        break;
    case INK_LOG_END:
        break;
    }
}

/* Appends the field, or nothing when the line would become too long. */
static bool try_field(struct ink_buf *out, size_t start, const struct ink_log_field *field)
{
    if (field->kind == INK_LOG_TEXT && field->text == NULL)
        return true;
    size_t before = out->len;
    put_field(out, field);
    if (out->len - start + strlen(END) <= INK_LOG_LINE_MAX)
        return true;
    out->len = before;
    return false;
}

static void put_head(struct ink_buf *out, const char *service, enum ink_log_level level)
{
    char ts[INK_RFC3339_SIZE];
    int64_t now = ink_wall_clock();
    ink_rfc3339(now / 1000000, (int32_t)(now % 1000000) * 1000, ts);
    ink_buf_puts(out, "{\"ts\":\"");
    ink_buf_puts(out, ts);
    ink_buf_puts(out, "\",\"level\":\"");
    ink_buf_puts(out, ink_log_levels[level]);
    ink_buf_puts(out, "\",\"service\":");
    put_text(out, service);
}

static const char *none_if_empty(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static bool put_ids(struct ink_buf *out, size_t start, const struct ink_ctx *ctx)
{
    const struct ink_log_field ids[] = {
        INK_LOG_STR("request_id", none_if_empty(ctx->request_id)),
        INK_LOG_STR("trace_id", none_if_empty(ctx->trace.trace_id)),
        INK_LOG_STR("span_id", none_if_empty(ctx->trace.span_id)),
    };
    bool fits = true;
    for (size_t i = 0; i < INK_COUNT(ids); i++)
        fits = try_field(out, start, &ids[i]) && fits;
    return fits;
}

void ink_log_line(struct ink_buf *out, const char *service, enum ink_log_level level,
                  const struct ink_ctx *ctx, const char *message,
                  const struct ink_log_field *fields)
{
    size_t start = out->len;
    put_head(out, service, level);
    bool fits = try_field(out, start, &INK_LOG_STR("msg", message));
    if (ctx != NULL)
        fits = put_ids(out, start, ctx) && fits;
    for (; fields->kind != INK_LOG_END; fields++)
        fits = try_field(out, start, fields) && fits;
    ink_buf_puts(out, fits ? "}\n" : END);
}
