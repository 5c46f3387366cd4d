#include <string.h>

#include "lib/base/buf.h"
#include "lib/transcode/problem.h"

/* Where the subscript at `at` ("[...]", whose quoted keys may hold anything) ends. */
static const char *subscript_end(const char *at)
{
    bool quoted = false;
    for (at++; *at != '\0' && (quoted || *at != ']'); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (*at == '\\' && quoted && at[1] != '\0')
            at++;
    }
    return *at == ']' ? at + 1 : at;
}

/* The message that a step into the field leads to, or NULL. A map leads to its values. */
static const struct ink_message *message_below(const struct ink_field *field)
{
    if (field == NULL || field->message == NULL)
        return NULL;
    return field->map ? field->message->fields[1].message : field->message;
}

const char *ink_path_to_json(struct ink_arena *arena, const struct ink_message *type,
                             const char *path)
{
    struct ink_buf out = INK_BUF_INIT;
    const struct ink_field *field = NULL;
    if (type == NULL || *path == '\0')
        return path;
    for (const char *at = path; *at != '\0';) {
        const char *stop = at;
        if (*at == '.') {
            type = message_below(field);
            stop = at + 1;
            ink_buf_putc(&out, '.');
        } else if (*at == '[') {
            stop = subscript_end(at);
            ink_buf_append(&out, at, (size_t)(stop - at));
        } else {
            stop = at + strcspn(at, ".[");
            field = type == NULL ? NULL : ink_message_field(type, at, (size_t)(stop - at));
            if (field != NULL)
                ink_buf_puts(&out, field->header == NULL ? field->json_name : field->header);
            else
                ink_buf_append(&out, at, (size_t)(stop - at));
        }
        at = stop;
    }
    const char *result = ink_arena_strndup(arena, out.data, out.len);
    ink_buf_release(&out);
    return result;
}
