#include "lib/etag/etag.h"

#include <string.h>

static const char *skip_space(const char *text)
{
    return text + strspn(text, " \t");
}

/* etagc: any visible character but the quote, and everything beyond ASCII. */
static bool is_etagc(unsigned char c)
{
    return c == 0x21 || (c >= 0x23 && c != 0x7F);
}

bool ink_etag_next(const char **list, struct ink_etag *ret_tag)
{
    const char *at = skip_space(*list);
    while (*at == ',') /* empty elements: section 5.6.1 */
        at = skip_space(at + 1);
    bool weak = strncmp(at, "W/", 2) == 0;
    at += weak ? 2 : 0;
    if (*at != '"')
        return false;
    const char *opaque = ++at;
    while (is_etagc((unsigned char)*at))
        at++;
    if (*at != '"')
        return false;
    size_t size = (size_t)(at - opaque);
    at = skip_space(at + 1);
    if (*at != ',' && *at != '\0')
        return false;
    *ret_tag = (struct ink_etag){.opaque = opaque, .size = size, .weak = weak};
    *list = at;
    return true;
}

bool ink_etag_at_end(const char *list)
{
    return list[strspn(list, " \t,")] == '\0';
}

bool ink_etag_is_any(const char *list)
{
    list = skip_space(list);
    return *list == '*' && *skip_space(list + 1) == '\0';
}

bool ink_etag_list_has(const char *list, const char *etag)
{
    struct ink_etag wanted, tag;
    if (ink_etag_is_any(list))
        return true;
    if (!ink_etag_next(&etag, &wanted))
        return false;
    while (ink_etag_next(&list, &tag))
        if (tag.size == wanted.size && memcmp(tag.opaque, wanted.opaque, tag.size) == 0)
            return true;
    return false;
}
