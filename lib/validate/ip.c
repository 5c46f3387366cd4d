/* IP addresses as RFC 3986 (3.2.2) writes them: inet_pton() is laxer in places and takes no size.
 */
#include <string.h>

#include "lib/validate/chars.h"
#include "lib/validate/formats.h"

#define GROUPS 8

/* One decimal octet without leading zeros at *at; moves it on. */
static bool take_octet(const char *text, size_t size, size_t *at, uint8_t *ret_octet)
{
    size_t start = *at;
    unsigned number = 0;
    while (*at < size && *at - start < 4 && ink_char_digit(text[*at]))
        number = number * 10 + (unsigned)(text[(*at)++] - '0');
    size_t digits = *at - start;
    if (digits == 0 || number > 255 || digits > 3 || (digits > 1 && text[start] == '0'))
        return false;
    *ret_octet = (uint8_t)number;
    return true;
}

bool ink_parse_ipv4(const char *text, size_t size, uint8_t ret_address[4])
{
    uint8_t address[4];
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        if (i > 0 && (at >= size || text[at++] != '.'))
            return false;
        if (!take_octet(text, size, &at, &address[i]))
            return false;
    }
    if (at != size)
        return false;
    memcpy(ret_address, address, sizeof(address));
    return true;
}

struct groups {
    uint16_t value[GROUPS];
    size_t count;
    size_t gap; /* how many groups came before "::"; GROUPS + 1 when there was none */
};

/* The last 32 bits in dotted form, when that is what comes. */
static bool take_dotted(const char *text, size_t size, struct groups *groups)
{
    uint8_t octets[4];
    if (groups->count > GROUPS - 2 || !ink_parse_ipv4(text, size, octets))
        return false;
    groups->value[groups->count++] = (uint16_t)(octets[0] << 8 | octets[1]);
    groups->value[groups->count++] = (uint16_t)(octets[2] << 8 | octets[3]);
    return true;
}

/* 1 to 4 hexadecimal digits; how many bytes they take, or 0. */
static size_t take_group(const char *text, size_t size, struct groups *groups)
{
    size_t digits = 0;
    unsigned value = 0;
    while (digits < size && digits < 4 && ink_char_hex(text[digits]))
        value = value << 4 | ink_char_hex_value(text[digits++]);
    if (digits != 0 && groups->count < GROUPS)
        groups->value[groups->count++] = (uint16_t)value;
    else
        digits = 0;
    return digits;
}

/* What follows a group: nothing, ":" with a group after it, or the one "::". */
static bool take_separator(const char *text, size_t size, size_t *at, struct groups *groups)
{
    if (text[*at] != ':' || *at + 1 >= size)
        return false;
    (*at)++;
    if (text[*at] != ':')
        return true;
    if (groups->gap <= GROUPS)
        return false;
    groups->gap = groups->count;
    (*at)++;
    return true;
}

static bool take_groups(const char *text, size_t size, struct groups *groups)
{
    size_t at = 0;
    if (size >= 2 && text[0] == ':' && !take_separator(text, size, &at, groups))
        return false;
    if (at == 1) /* a single colon in front */
        return false;
    while (at < size) {
        if (take_dotted(text + at, size - at, groups))
            return true;
        size_t digits = take_group(text + at, size - at, groups);
        if (digits == 0)
            return false;
        at += digits;
        if (at < size && !take_separator(text, size, &at, groups))
            return false;
    }
    return true;
}

bool ink_parse_ipv6(const char *text, size_t size, uint8_t ret_address[16])
{
    struct groups groups = {.gap = GROUPS + 1};
    if (size < 2 || !take_groups(text, size, &groups))
        return false;
    bool gap = groups.gap <= GROUPS;
    if (gap ? groups.count >= GROUPS : groups.count != GROUPS)
        return false;
    size_t front = gap ? groups.gap : GROUPS;
    size_t back = groups.count - (gap ? groups.gap : groups.count);
    memset(ret_address, 0, 16);
    for (size_t i = 0; i < groups.count; i++) {
        size_t place = i < front ? i : GROUPS - back + (i - front);
        ret_address[2 * place] = (uint8_t)(groups.value[i] >> 8);
        ret_address[2 * place + 1] = (uint8_t)groups.value[i];
    }
    return true;
}

bool ink_is_ipv4(const char *text, size_t size)
{
    uint8_t address[4];
    return ink_parse_ipv4(text, size, address);
}

bool ink_is_ipv6(const char *text, size_t size)
{
    const char *percent = memchr(text, '%', size);
    size_t length = percent == NULL ? size : (size_t)(percent - text);
    if (percent != NULL && (length + 1 == size || memchr(percent, '\0', size - length) != NULL))
        return false;
    uint8_t address[16];
    return ink_parse_ipv6(text, length, address);
}
