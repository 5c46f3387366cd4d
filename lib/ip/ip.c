#define _GNU_SOURCE
#include "lib/ip/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/text.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(const struct ink_ip *ip)
{
    return memcmp(ip->bytes, mapped, sizeof(mapped)) == 0;
}

static struct ink_ip from_v4(const void *four)
{
    struct ink_ip ip;
    memcpy(ip.bytes, mapped, sizeof(mapped));
    memcpy(ip.bytes + sizeof(mapped), four, 4);
    return ip;
}

bool ink_ip_parse(const char *text, size_t size, struct ink_ip *ret_ip)
{
    char copy[INK_IP_TEXT];
    struct in_addr four;
    struct ink_ip ip;
    if (size == 0 || size >= sizeof(copy) || memchr(text, '\0', size) != NULL)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (inet_pton(AF_INET, copy, &four) == 1)
        ip = from_v4(&four);
    else if (inet_pton(AF_INET6, copy, ip.bytes) != 1)
        return false;
    *ret_ip = ip;
    return true;
}

bool ink_ip_from_sockaddr(const struct sockaddr *address, struct ink_ip *ret_ip)
{
    if (address->sa_family == AF_INET)
        *ret_ip = from_v4(&((const struct sockaddr_in *)(const void *)address)->sin_addr);
    else if (address->sa_family == AF_INET6)
        memcpy(ret_ip->bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    else
        return false;
    return true;
}

/* Each request has its client as text, and inet_ntop() prints by printf. */
static void put_v4(const uint8_t *four, char *out)
{
    for (size_t i = 0; i < 4; i++) {
        char digits[INK_DECIMAL_MAX], *end = digits + sizeof(digits);
        const char *at = ink_decimal(four[i], end);
        out = mempcpy(out, at, (size_t)(end - at));
        *out++ = i < 3 ? '.' : '\0';
    }
}

void ink_ip_text(const struct ink_ip *ip, char out[INK_IP_TEXT])
{
    if (is_v4(ip))
        put_v4(ip->bytes + sizeof(mapped), out);
    else
        inet_ntop(AF_INET6, ip->bytes, out, INK_IP_TEXT);
}

bool ink_ip_equal(const struct ink_ip *a, const struct ink_ip *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

struct ink_ip ink_ip_client(const struct ink_ip *ip)
{
    struct ink_ip client = *ip;
    if (!is_v4(ip))
        memset(client.bytes + 8, 0, 8);
    return client;
}
