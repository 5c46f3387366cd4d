#include "gateway/media_type.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"

/* Whether `text` begins with the media type, and what follows is one of `ends` or the end. */
static bool is_type(const char *text, const char *type, const char *ends)
{
    size_t size = strlen(type);
    return strncasecmp(text, type, size) == 0 && strchr(ends, text[size]) != NULL;
}

/* The value of a parameter of a media type, up to the next comma; NULL when there is none. */
static const char *parameter(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *c = text; *c != '\0' && *c != ','; c++) {
        if (*c != ';')
            continue;
        c += 1 + strspn(c + 1, BLANKS);
        if (strncasecmp(c, name, size) == 0 && c[size] == '=')
            return c + size + 1;
        c--;
    }
    return NULL;
}

bool gateway_is_json(const char *content_type)
{
    if (content_type == NULL || !is_type(content_type, "application/json", BLANKS ";"))
        return false;
    const char *charset = parameter(content_type, "charset");
    if (charset == NULL)
        return true;
    charset += *charset == '"';
    return strncasecmp(charset, "utf-8", 5) == 0 && strchr(BLANKS ";\"", charset[5]) != NULL;
}

bool gateway_accepts(const char *accept, const char *type)
{
    for (const char *item = accept; item != NULL; item = strchr(item, ',')) {
        item += strspn(item, "," BLANKS);
        if (!is_type(item, type, BLANKS ";,"))
            continue;
        const char *q = parameter(item, "q");
        return q == NULL || strspn(q, "0.") != strcspn(q, BLANKS ",;");
    }
    return false;
}
