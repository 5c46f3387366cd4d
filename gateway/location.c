/*
 * The Location of what was created: "/api/v1/blogs/{id}" with the id of the response.
 */
#include <string.h>

#include "gateway/exchange.h"
#include "lib/base/buf.h"

/* The string field named from `name` up to the closing brace; NULL when it is none. */
static const struct ink_field *string_field(const struct ink_message *type, const char *name,
                                            size_t size)
{
    const struct ink_field *field = ink_message_field(type, name, size);
    if (field == NULL || field->repeated || field->map || field->c->type != PROTOBUF_C_TYPE_STRING)
        return NULL;
    return field;
}

struct ink_status gateway_location_check(struct ink_arena *arena, const char *location,
                                         const struct ink_message *type)
{
    for (const char *c = location; (c = strchr(c, '{')) != NULL; c++) {
        size_t size = strcspn(c + 1, "}");
        if (c[1 + size] != '}' || string_field(type, c + 1, size) == NULL)
            return ink_errorf(arena, INK_INVALID_ARGUMENT,
                              "the location \"%s\" does not name a string field of %s", location,
                              type->full_name);
    }
    return ink_ok();
}

/* Escapes all but the unreserved characters (RFC 3986, section 2.3). */
static void append_escaped(struct ink_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~", c) != NULL)
            ink_buf_putc(out, *text);
        else
            ink_buf_printf(out, "%%%02X", c);
    }
}

const char *gateway_location(struct ink_arena *arena, const char *location,
                             const struct ink_message *type, const ProtobufCMessage *message)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf out = INK_BUF_INIT;
    for (const char *c = location; *c != '\0'; c++) {
        if (*c != '{') {
            ink_buf_putc(&out, *c);
            continue;
        }
        size_t size = strcspn(c + 1, "}");
        const struct ink_field *field = string_field(type, c + 1, size);
        const char *value = *(char *const *)((const char *)message + field->c->offset);
        append_escaped(&out, value == NULL ? "" : value);
        c += size + 1;
    }
    return ink_arena_strndup(arena, out.data == NULL ? "" : out.data, out.len);
}
