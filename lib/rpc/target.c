#include "lib/rpc/target.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < 6 && text[digits] == '\0' && atoi(text) > 0 && atoi(text) < 65536;
}

/* "10.0.0.1:3001" or "localhost:3001". */
static bool put_ipv4(struct ink_buf *out, char *host, const char *port)
{
    struct in_addr address;
    if (strcmp(host, "localhost") == 0)
        host = (char *)(uintptr_t) "127.0.0.1";
    if (inet_pton(AF_INET, host, &address) != 1)
        return false;
    ink_buf_printf(out, "%s%s:%s", out->len == 0 ? "ipv4:" : ",", host, port);
    return true;
}

/* "[::1]:3001"; in an URI's path brackets are escaped (RFC 3986, section 3.3). */
static bool put_ipv6(struct ink_buf *out, char *host, const char *port)
{
    struct in6_addr address;
    size_t size = strlen(host);
    if (size < 2 || host[0] != '[' || host[size - 1] != ']')
        return false;
    host[size - 1] = '\0';
    if (inet_pton(AF_INET6, host + 1, &address) != 1)
        return false;
    ink_buf_printf(out, "%s%%5B%s%%5D:%s", out->len == 0 ? "ipv6:" : ",", host + 1, port);
    return true;
}

static bool put_all(struct ink_buf *out, char *list,
                    bool (*put)(struct ink_buf *out, char *host, const char *port))
{
    char *saved;
    for (char *one = strtok_r(list, ", ", &saved); one != NULL;
         one = strtok_r(NULL, ", ", &saved)) {
        char *colon = strrchr(one, ':');
        if (colon == NULL || !is_port(colon + 1))
            return false;
        *colon = '\0';
        if (!put(out, one, colon + 1))
            return false;
    }
    return out->len > 0;
}

static bool is_list(const char *text)
{
    static const char *const schemes[] = {"dns:", "ipv4:", "ipv6:", "unix:", "xds:"};
    for (size_t i = 0; i < INK_COUNT(schemes); i++)
        if (strncmp(text, schemes[i], strlen(schemes[i])) == 0)
            return false;
    return strchr(text, ',') != NULL;
}

struct ink_status ink_rpc_target(struct ink_arena *arena, const char *text, const char **ret_target)
{
    struct ink_buf out = INK_BUF_INIT;
    if (!is_list(text)) {
        *ret_target = text;
        return ink_ok();
    }
    bool good = put_all(&out, ink_arena_strdup(arena, text), put_ipv4);
    if (!good) {
        ink_buf_clear(&out);
        good = put_all(&out, ink_arena_strdup(arena, text), put_ipv6);
    }
    if (good)
        *ret_target = ink_arena_strdup(arena, out.data);
    ink_buf_release(&out);
    if (good)
        return ink_ok();
    return ink_errorf(arena, INK_INVALID_ARGUMENT,
                      "\"%s\" is no list of IPv4 addresses with ports, nor of IPv6 ones; for "
                      "replicas behind a name give it one name: dns:///NAME:PORT",
                      text);
}
