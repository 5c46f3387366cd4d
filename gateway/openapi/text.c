#include <string.h>

#include "gateway/openapi/internal.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_"

/* What a reader knows a field of the contract by; NULL when there is no such field. */
static const char *outside_name(const struct openapi *o, const char *name, size_t size)
{
    size_t count;
    const struct ink_message *const *messages = ink_contract_messages(o->contract, &count);
    for (size_t i = 0; i < count; i++) {
        const struct ink_field *field = ink_message_field(messages[i], name, size);
        if (field != NULL)
            return field->header != NULL ? field->header : field->json_name;
    }
    return NULL;
}

/* A comment speaks of fields by their names in the .proto file: "next_page_token" becomes
 * "nextPageToken". */
const char *openapi_prose(struct openapi *o, const char *comment)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf out = INK_BUF_INIT;
    for (const char *c = comment; *c != '\0';) {
        size_t size = strspn(c, NAME_CHARS);
        const char *name =
            size == 0 || memchr(c, '_', size) == NULL ? NULL : outside_name(o, c, size);
        if (name != NULL)
            ink_buf_puts(&out, name);
        else
            ink_buf_append(&out, c, size == 0 ? 1 : size);
        c += size == 0 ? 1 : size;
    }
    return ink_arena_strndup(o->arena, out.data == NULL ? "" : out.data, out.len);
}

/* Behind the first sentence: a full stop and a blank, or the end. */
static const char *sentence_end(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (*c == '.' && (c[1] == ' ' || c[1] == '\n' || c[1] == '\0'))
            return c + 1;
    return text + strlen(text);
}

const char *openapi_put_summary(struct openapi *o, const char *comment)
{
    const char *text = openapi_prose(o, comment);
    const char *end = sentence_end(text);
    size_t size = (size_t)(end - text);
    size -= size > 0 && end[-1] == '.';
    char *summary = ink_arena_strndup(o->arena, text, size);
    for (char *c = summary; *c != '\0'; c++)
        if (*c == '\n')
            *c = ' ';
    if (*summary != '\0')
        openapi_put_text(o, "summary", summary);
    return end + strspn(end, " \n");
}

void openapi_put_description(struct openapi *o, const char *comment)
{
    if (*comment != '\0')
        openapi_put_text(o, "description", openapi_prose(o, comment));
}
