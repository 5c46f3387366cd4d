#include "lib/validate/formats.h"

#include <string.h>

#include "lib/validate/chars.h"

#define MAX_LABEL 63
#define MAX_HOSTNAME 253

static bool is_label(const char *text, size_t size)
{
    if (size == 0 || size > MAX_LABEL || text[0] == '-' || text[size - 1] == '-')
        return false;
    for (size_t i = 0; i < size; i++)
        if (!ink_char_alnum(text[i]) && text[i] != '-')
            return false;
    return true;
}

static bool only_digits(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!ink_char_digit(text[i]))
            return false;
    return size != 0;
}

/* Labels with dots between them; `ret_last` is where the last one starts. */
static bool is_labels(const char *text, size_t size, size_t *ret_last)
{
    size_t start = 0;
    for (;;) {
        const char *dot = memchr(text + start, '.', size - start);
        size_t end = dot == NULL ? size : (size_t)(dot - text);
        if (!is_label(text + start, end - start))
            return false;
        if (dot == NULL)
            break;
        start = end + 1;
    }
    *ret_last = start;
    return true;
}

bool ink_is_email(const char *text, size_t size)
{
    const char *at = memchr(text, '@', size);
    if (at == NULL || at == text)
        return false;
    for (const char *c = text; c < at; c++)
        if (!ink_char_alnum(*c) && !ink_char_in(*c, ".!#$%&'*+/=?^_`{|}~-"))
            return false;
    size_t last;
    return is_labels(at + 1, size - (size_t)(at + 1 - text), &last);
}

bool ink_is_hostname(const char *text, size_t size)
{
    if (size != 0 && text[size - 1] == '.')
        size--;
    size_t last;
    return size <= MAX_HOSTNAME && is_labels(text, size, &last) &&
           !only_digits(text + last, size - last);
}

bool ink_is_ip(const char *text, size_t size)
{
    return ink_is_ipv4(text, size) || ink_is_ipv6(text, size);
}

bool ink_is_address(const char *text, size_t size)
{
    return ink_is_hostname(text, size) || ink_is_ip(text, size);
}

/* Decimal without leading zeros, at most `limit`. */
static bool parse_small(const char *text, size_t size, unsigned limit, unsigned *ret_number)
{
    if (!only_digits(text, size) || size > 5 || (size > 1 && text[0] == '0'))
        return false;
    unsigned number = 0;
    for (size_t i = 0; i < size; i++)
        number = number * 10 + (unsigned)(text[i] - '0');
    if (number > limit)
        return false;
    *ret_number = number;
    return true;
}

bool ink_is_host_and_port(const char *text, size_t size)
{
    size_t colon = size;
    while (colon > 0 && text[colon - 1] != ':')
        colon--;
    unsigned port;
    if (colon == 0 || !parse_small(text + colon, size - colon, 65535, &port))
        return false;
    size_t host = colon - 1;
    if (host >= 2 && text[0] == '[')
        return text[host - 1] == ']' && ink_is_ipv6(text + 1, host - 2);
    return ink_is_hostname(text, host) || ink_is_ipv4(text, host);
}

static bool rest_is_zero(const uint8_t *address, size_t size, unsigned bits)
{
    for (unsigned bit = bits; bit < size * 8; bit++)
        if ((address[bit / 8] & (0x80 >> bit % 8)) != 0)
            return false;
    return true;
}

/* ADDRESS/LENGTH of the version that has `bytes` bytes. */
static bool is_prefix(const char *text, size_t size, size_t bytes, bool strict)
{
    const char *slash = memchr(text, '/', size);
    if (slash == NULL)
        return false;
    size_t split = (size_t)(slash - text);
    unsigned bits;
    if (!parse_small(slash + 1, size - split - 1, (unsigned)bytes * 8, &bits))
        return false;
    uint8_t address[16];
    bool valid =
        bytes == 4 ? ink_parse_ipv4(text, split, address) : ink_parse_ipv6(text, split, address);
    return valid && (!strict || rest_is_zero(address, bytes, bits));
}

bool ink_is_ipv4_with_prefixlen(const char *text, size_t size)
{
    return is_prefix(text, size, 4, false);
}

bool ink_is_ipv6_with_prefixlen(const char *text, size_t size)
{
    return is_prefix(text, size, 16, false);
}

bool ink_is_ip_with_prefixlen(const char *text, size_t size)
{
    return ink_is_ipv4_with_prefixlen(text, size) || ink_is_ipv6_with_prefixlen(text, size);
}

bool ink_is_ipv4_prefix(const char *text, size_t size)
{
    return is_prefix(text, size, 4, true);
}

bool ink_is_ipv6_prefix(const char *text, size_t size)
{
    return is_prefix(text, size, 16, true);
}

bool ink_is_ip_prefix(const char *text, size_t size)
{
    return ink_is_ipv4_prefix(text, size) || ink_is_ipv6_prefix(text, size);
}

bool ink_is_tuuid(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!ink_char_hex(text[i]))
            return false;
    return size == 32;
}

bool ink_is_header_name(const char *text, size_t size)
{
    size_t start = size != 0 && text[0] == ':'; /* HTTP/2's pseudo-headers */
    for (size_t i = start; i < size; i++)
        if (!ink_char_alnum(text[i]) && !ink_char_in(text[i], "!#$%&'*+,-.^_|~`"))
            return false;
    return size > start;
}

static bool is_one_line(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] == '\0' || text[i] == '\n' || text[i] == '\r')
            return false;
    return true;
}

bool ink_is_header_name_loose(const char *text, size_t size)
{
    return size != 0 && is_one_line(text, size);
}

bool ink_is_header_value(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7F)
            return false;
    return true;
}

bool ink_is_header_value_loose(const char *text, size_t size)
{
    return is_one_line(text, size);
}

bool ink_is_ipv4_bytes(const char *data, size_t size)
{
    (void)data;
    return size == 4;
}

bool ink_is_ipv6_bytes(const char *data, size_t size)
{
    (void)data;
    return size == 16;
}

bool ink_is_ip_bytes(const char *data, size_t size)
{
    return ink_is_ipv4_bytes(data, size) || ink_is_ipv6_bytes(data, size);
}
