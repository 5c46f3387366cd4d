#include "lib/mesh/plaintext.h"

#include <arpa/inet.h>
#include <string.h>

#define LONGEST_HOST 255

static bool is_loopback_host(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (strcmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* One of "host:port", "host" and "[v6]:port". */
static bool is_loopback_one(const char *text, size_t size)
{
    char host[LONGEST_HOST + 1];
    if (size == 0 || size > LONGEST_HOST)
        return false;
    if (text[0] == '[') {
        const char *end = memchr(text, ']', size);
        if (end == NULL)
            return false;
        size = (size_t)(end - ++text);
    } else {
        const char *colon = memchr(text, ':', size);
        if (colon != NULL)
            size = (size_t)(colon - text);
    }
    memcpy(host, text, size);
    host[size] = '\0';
    return is_loopback_host(host);
}

/* gRPC's names begin with the resolver: "ipv4:1.2.3.4:1", "dns:///host:1", "dns://asked/host:1". */
static const char *skip_scheme(const char *target)
{
    static const char *const plain[] = {"ipv4:", "ipv6:", "dns:"};
    const char *authority = strstr(target, "://");
    if (authority != NULL) {
        const char *path = strchr(authority + 3, '/');
        return path == NULL ? "" : path + 1;
    }
    for (size_t i = 0; i < INK_COUNT(plain); i++)
        if (strncmp(target, plain[i], strlen(plain[i])) == 0)
            return target + strlen(plain[i]);
    return target;
}

bool ink_mesh_is_loopback(const char *address)
{
    if (strncmp(address, "unix:", 5) == 0)
        return true;
    address = skip_scheme(address);
    for (;;) {
        size_t size = strcspn(address, ",");
        if (!is_loopback_one(address, size))
            return false;
        if (address[size] == '\0')
            return true;
        address += size + 1;
    }
}

struct ink_status ink_mesh_check_plaintext(struct ink_arena *arena, const char *setting,
                                           const char *address, const char *tls_setting)
{
    if (ink_mesh_is_loopback(address))
        return ink_ok();
    return ink_errorf(
        arena, INK_INVALID_ARGUMENT,
        "%s %s is not only of this machine, and there is no TLS: set %s and what goes "
        "with it, or ALLOW_PLAINTEXT=true if nobody else can reach it",
        setting, address, tls_setting);
}
