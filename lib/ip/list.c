#include <stdlib.h>
#include <string.h>

#include "lib/ip/ip.h"

/* The bits behind the prefix. */
static bool has_rest(const struct ink_ip_network *network)
{
    for (unsigned bit = network->bits; bit < 128; bit++)
        if ((network->ip.bytes[bit / 8] & (0x80 >> bit % 8)) != 0)
            return true;
    return false;
}

static bool parse_bits(const char *text, unsigned most, unsigned *ret_bits)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 3 || text[digits] != '\0')
        return false;
    unsigned bits = (unsigned)strtoul(text, NULL, 10);
    if (bits > most)
        return false;
    *ret_bits = bits;
    return true;
}

static bool parse_network(const char *text, struct ink_ip_network *ret_network)
{
    size_t size = strcspn(text, "/");
    /* By how it is written: ::ffff:10.0.0.0/104 counts 128 bits. */
    unsigned length = memchr(text, ':', size) == NULL ? 32 : 128, bits = length;
    struct ink_ip_network network;
    if (!ink_ip_parse(text, size, &network.ip))
        return false;
    if (text[size] == '/' && !parse_bits(text + size + 1, length, &bits))
        return false;
    network.bits = bits + 128 - length;
    if (has_rest(&network))
        return false;
    *ret_network = network;
    return true;
}

struct ink_status ink_ip_list_parse(struct ink_arena *arena, const char *text,
                                    struct ink_ip_list *ret_list)
{
    struct ink_ip_list list = {0};
    if (text == NULL || text[0] == '\0') {
        *ret_list = list;
        return ink_ok();
    }
    size_t most = 1;
    for (const char *c = text; *c != '\0'; c++)
        most += *c == ',';
    struct ink_ip_network *networks = ink_arena_calloc(arena, most, sizeof(*networks));
    char *rest = ink_arena_strdup(arena, text);
    for (char *part; (part = strsep(&rest, ",")) != NULL;) {
        part += strspn(part, " ");
        part[strcspn(part, " ")] = '\0';
        if (!parse_network(part, &networks[list.count++]))
            return ink_errorf(arena, INK_INVALID_ARGUMENT,
                              "\"%s\" is not an address or a network such as 10.0.0.0/8", part);
    }
    list.networks = networks;
    *ret_list = list;
    return ink_ok();
}

static bool contains(const struct ink_ip_network *network, const struct ink_ip *ip)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    if (memcmp(network->ip.bytes, ip->bytes, whole) != 0)
        return false;
    return rest == 0 || ((network->ip.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest)) == 0;
}

bool ink_ip_list_has(const struct ink_ip_list *list, const struct ink_ip *ip)
{
    for (size_t i = 0; i < list->count; i++)
        if (contains(&list->networks[i], ip))
            return true;
    return false;
}
