#include <string.h>

#include "lib/ip/ip.h"

static bool is_port(const char *text, size_t size)
{
    if (size < 2 || size > 6 || text[0] != ':')
        return false;
    for (size_t i = 1; i < size; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return true;
}

/* An address, in brackets or not, with a port or not. */
static bool parse_entry(const char *text, size_t size, struct ink_ip *ret_ip)
{
    const char *end = text + size, *colon;
    if (size > 0 && text[0] == '[') {
        const char *bracket = memchr(text, ']', size);
        if (bracket == NULL || memchr(text, ':', (size_t)(bracket - text)) == NULL ||
            (bracket + 1 != end && !is_port(bracket + 1, (size_t)(end - bracket - 1))))
            return false;
        return ink_ip_parse(text + 1, (size_t)(bracket - text - 1), ret_ip);
    }
    colon = memchr(text, ':', size);
    if (colon != NULL && memchr(text, '.', (size_t)(colon - text)) != NULL) {
        if (!is_port(colon, (size_t)(end - colon)))
            return false;
        end = colon;
    }
    return ink_ip_parse(text, (size_t)(end - text), ret_ip);
}

/* The entry that ends at *end, without blanks; *end moves to the comma before it, or to `begin`. */
static const char *take_last(const char *begin, const char **end, size_t *ret_size)
{
    const char *last = *end, *first = last;
    while (first > begin && first[-1] != ',')
        first--;
    *end = first > begin ? first - 1 : NULL;
    while (first < last && (*first == ' ' || *first == '\t'))
        first++;
    while (last > first && (last[-1] == ' ' || last[-1] == '\t'))
        last--;
    *ret_size = (size_t)(last - first);
    return first;
}

struct ink_ip ink_ip_forwarded(const struct ink_ip_list *trusted, const struct ink_ip *peer,
                               const char *const *values, size_t n_values)
{
    struct ink_ip client = *peer;
    unsigned left = INK_IP_FORWARDED_MAX;
    for (size_t i = n_values; i > 0; i--) {
        const char *end = values[i - 1] + strlen(values[i - 1]);
        while (end != NULL) {
            size_t size;
            const char *entry = take_last(values[i - 1], &end, &size);
            if (!ink_ip_list_has(trusted, &client) || left-- == 0 ||
                !parse_entry(entry, size, &client))
                return client;
        }
    }
    return client;
}
