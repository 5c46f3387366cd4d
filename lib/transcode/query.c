#include "lib/transcode/query.h"

#include <string.h>

#include "lib/base/text.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that the escape at `text` (a "%" and more) stands for, or -1. */
static int escaped_byte(const char *text, size_t size)
{
    if (size < 3)
        return -1;
    int high = hex_digit(text[1]), low = hex_digit(text[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Returns the end of what was written to `out`, or NULL for a bad escape. */
static char *decode(const char *text, size_t size, enum ink_decode how, char *out)
{
    for (size_t at = 0; at < size;) {
        if (text[at] == '%') {
            int byte = escaped_byte(text + at, size - at);
            if (byte < 0)
                return NULL;
            if (byte != '/' || how != INK_DECODE_KEEP_SLASH) {
                *out++ = (char)byte;
            } else {
                memcpy(out, text + at, 3);
                out += 3;
            }
            at += 3;
        } else {
            char c = text[at++];
            *out++ = c == '+' && how == INK_DECODE_FORM ? ' ' : c;
        }
    }
    return out;
}

const char *ink_percent_decode(struct ink_arena *arena, const char *text, size_t size,
                               enum ink_decode how, const char **ret_text, size_t *ret_size)
{
    char *out = ink_arena_alloc(arena, size + 1);
    char *end = decode(text, size, how, out);
    if (!end)
        return "has a \"%\" that no two hexadecimal digits follow";
    *end = '\0';
    size_t length = (size_t)(end - out);
    if (memchr(out, '\0', length))
        return "has a NUL character";
    if (!ink_utf8_valid(out, length))
        return "is not valid UTF-8";
    *ret_text = out;
    *ret_size = length;
    return NULL;
}

static struct ink_status parse_parameter(struct ink_arena *arena, const char *text, size_t size,
                                         struct ink_query_parameter *ret_parameter)
{
    const char *equals = memchr(text, '=', size);
    size_t name_size = equals ? (size_t)(equals - text) : size;
    const char *value = equals ? equals + 1 : text + size;
    struct ink_query_parameter parameter;
    const char *problem = ink_percent_decode(arena, text, name_size, INK_DECODE_FORM,
                                             &parameter.name, &parameter.name_size);
    if (problem)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "the name of a query parameter %s", problem);
    if (parameter.name_size == 0)
        return ink_error(INK_INVALID_ARGUMENT, "a query parameter has no name");
    problem = ink_percent_decode(arena, value, (size_t)(text + size - value), INK_DECODE_FORM,
                                 &parameter.value, &parameter.value_size);
    if (problem)
        return ink_invalid_field(arena, parameter.name, "%s", problem);
    *ret_parameter = parameter;
    return ink_ok();
}

/* One more than the number of "&", up to the limit and one above. */
static size_t count_pieces(const char *query, size_t size)
{
    size_t count = 1;
    for (size_t at = 0; at < size && count <= INK_QUERY_MAX_PARAMETERS; at++)
        count += query[at] == '&';
    return count;
}

struct ink_status ink_query_parse(struct ink_arena *arena, const char *query, size_t size,
                                  struct ink_query_parameter **ret_parameters, size_t *ret_count)
{
    size_t count = 0;
    if (size == 0) {
        *ret_parameters = NULL;
        *ret_count = 0;
        return ink_ok();
    }
    size_t pieces = count_pieces(query, size);
    if (pieces > INK_QUERY_MAX_PARAMETERS)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "the query has more than %d parameters",
                          INK_QUERY_MAX_PARAMETERS);
    struct ink_query_parameter *parameters = ink_arena_calloc(arena, pieces, sizeof(*parameters));
    for (const char *at = query, *end = query + size; at < end;) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (!stop)
            stop = end;
        if (stop > at) {
            struct ink_status status =
                parse_parameter(arena, at, (size_t)(stop - at), &parameters[count]);
            if (!ink_is_ok(status))
                return status;
            count++;
        }
        at = stop + 1;
    }
    *ret_parameters = parameters;
    *ret_count = count;
    return ink_ok();
}
