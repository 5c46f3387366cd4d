#include "lib/transcode/well_known.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

#define FIRST_SECOND INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define LAST_SECOND INT64_C(253402300799)  /* 9999-12-31T23:59:59Z */
#define LONGEST_DURATION INT64_C(315576000000)

const char *ink_timestamp_read(const char *text, size_t size, Google__Protobuf__Timestamp *time)
{
    /* RFC 3339 lets 't' and 'z' pass, the JSON mapping does not. */
    if (memchr(text, 't', size) != NULL || memchr(text, 'z', size) != NULL ||
        !ink_rfc3339_parse(text, size, &time->seconds, &time->nanos))
        return "must be an RFC 3339 time such as \"2026-01-31T12:00:00Z\"";
    return NULL;
}

const char *ink_timestamp_write(const Google__Protobuf__Timestamp *time, struct ink_buf *out)
{
    if (time->seconds < FIRST_SECOND || time->seconds > LAST_SECOND)
        return "a Timestamp out of range";
    if (time->nanos < 0 || time->nanos > 999999999)
        return "a Timestamp whose nanos are out of range";
    char text[INK_RFC3339_SIZE];
    ink_rfc3339(time->seconds, time->nanos, text);
    ink_buf_putc(out, '"');
    ink_buf_puts(out, text);
    ink_buf_putc(out, '"');
    return NULL;
}

/* Up to `most` digits into *ret, as if there were `most` of them; returns where they end, or NULL
 * when there are none or too many. */
static const char *take_digits(const char *at, const char *end, int most, bool fill, int64_t *ret)
{
    int64_t value = 0;
    int count = 0;
    for (; at != end && *at >= '0' && *at <= '9'; at++, count++) {
        if (count == most)
            return NULL;
        value = value * 10 + (*at - '0');
    }
    if (count == 0)
        return NULL;
    for (; fill && count < most; count++)
        value *= 10;
    *ret = value;
    return at;
}

static bool read_duration(const char *at, const char *end, int64_t *ret_seconds, int64_t *ret_nanos)
{
    int64_t seconds, nanos = 0;
    at = take_digits(at, end, 18, false, &seconds);
    if (at != NULL && at != end && *at == '.')
        at = take_digits(at + 1, end, 9, true, &nanos);
    if (at == NULL || end - at != 1 || *at != 's' || seconds > LONGEST_DURATION)
        return false;
    *ret_seconds = seconds;
    *ret_nanos = nanos;
    return true;
}

const char *ink_duration_read(const char *text, size_t size, Google__Protobuf__Duration *duration)
{
    bool negative = size != 0 && text[0] == '-';
    int64_t seconds, nanos;
    if (!read_duration(text + negative, text + size, &seconds, &nanos))
        return "must be a duration in seconds such as \"1.5s\"";
    duration->seconds = negative ? -seconds : seconds;
    duration->nanos = (int32_t)(negative ? -nanos : nanos);
    return NULL;
}

const char *ink_duration_write(const Google__Protobuf__Duration *duration, struct ink_buf *out)
{
    int64_t seconds = duration->seconds;
    int32_t nanos = duration->nanos;
    if (seconds < -LONGEST_DURATION || seconds > LONGEST_DURATION)
        return "a Duration out of range";
    if (nanos < -999999999 || nanos > 999999999)
        return "a Duration whose nanos are out of range";
    if ((seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0))
        return "a Duration whose seconds and nanos have different signs";
    ink_buf_printf(out, "\"%s%" PRId64, seconds < 0 || nanos < 0 ? "-" : "",
                   seconds < 0 ? -seconds : seconds);
    nanos = abs(nanos);
    if (nanos % 1000000 == 0 && nanos != 0)
        ink_buf_printf(out, ".%03d", nanos / 1000000);
    else if (nanos % 1000 == 0 && nanos != 0)
        ink_buf_printf(out, ".%06d", nanos / 1000);
    else if (nanos != 0)
        ink_buf_printf(out, ".%09d", nanos);
    ink_buf_puts(out, "s\"");
    return NULL;
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* One path from lowerCamelCase to the proto names; false when it is not of that form. */
static bool path_from_json(struct ink_arena *arena, const char *text, size_t size, char **ret_path)
{
    char *path = ink_arena_alloc(arena, 2 * size + 1), *out = path;
    bool start = true;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool digit = c >= '0' && c <= '9';
        if (c == '.' ? start : !is_lower(c) && !is_upper(c) && (!digit || start))
            return false;
        start = c == '.';
        if (is_upper(c)) {
            *out++ = '_';
            c |= 0x20;
        }
        *out++ = c;
    }
    *out = '\0';
    *ret_path = path;
    return !start;
}

const char *ink_field_mask_read(struct ink_arena *arena, const char *text, size_t size,
                                Google__Protobuf__FieldMask *mask)
{
    size_t count = size != 0;
    for (size_t i = 0; i < size; i++)
        count += text[i] == ',';
    char **paths = ink_arena_calloc(arena, count, sizeof(*paths));
    const char *at = text, *end = text + size;
    for (size_t i = 0; i < count; i++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end;
        if (!path_from_json(arena, at, (size_t)(stop - at), &paths[i]))
            return "must be field paths in lowerCamelCase, joined by commas";
        at = stop + 1;
    }
    mask->paths = paths;
    mask->n_paths = count;
    return NULL;
}

/* One path to lowerCamelCase; false when it could not be read back. */
static bool path_to_json(const char *path, struct ink_buf *out)
{
    bool raise = false;
    for (; *path != '\0'; path++) {
        char c = *path;
        if (is_upper(c) || (raise && !is_lower(c)) || c == '"' || c == '\\' || c == ',' ||
            (unsigned char)c < 0x20 || (unsigned char)c >= 0x7f)
            return false;
        if (c != '_')
            ink_buf_putc(out, raise ? (char)(c - 0x20) : c);
        raise = c == '_';
    }
    return !raise;
}

const char *ink_field_mask_write(const Google__Protobuf__FieldMask *mask, struct ink_buf *out)
{
    ink_buf_putc(out, '"');
    for (size_t i = 0; i < mask->n_paths; i++) {
        if (i != 0)
            ink_buf_putc(out, ',');
        if (!path_to_json(mask->paths[i], out))
            return "a FieldMask path that lowerCamelCase cannot tell";
    }
    ink_buf_putc(out, '"');
    return NULL;
}
