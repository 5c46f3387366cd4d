#include "gateway/cors.h"

#include <stdlib.h>
#include <string.h>

#include "lib/ip/ip.h"

/* What a page may read besides the headers that it always may (Fetch Standard). */
#define EXPOSED                                                                                    \
    "Access-Control-Expose-Headers: Allow, ETag, Location, RateLimit, RateLimit-Policy, "          \
    "Retry-After, WWW-Authenticate, X-Request-Id\r\n"

struct gateway_cors_origin {
    const char *origin;
    const char *lines;
};

static const char *const labels = "abcdefghijklmnopqrstuvwxyz0123456789-_";

/* Names as browsers have them: labels between single dots, perhaps one more at the end. One that
 * ends in a number is an IPv4 address to them (URL Standard). */
static bool is_name(const char *host, size_t size)
{
    struct ink_ip ip;
    bool number = false;
    for (size_t at = 0; at < size;) {
        size_t label = strspn(host + at, labels);
        if (label == 0)
            return false;
        number = strspn(host + at, "0123456789") >= label;
        at += label;
        if (at < size && host[at++] != '.')
            return false;
    }
    return size > 0 && (!number || ink_ip_parse(host, size, &ip));
}

/* "[2001:db8::1]", as short as it can be. */
static bool is_ipv6(const char *host, size_t size)
{
    struct ink_ip ip;
    char text[INK_IP_TEXT];
    if (size < 3 || host[size - 1] != ']' || !ink_ip_parse(host + 1, size - 2, &ip))
        return false;
    ink_ip_text(&ip, text);
    return strlen(text) == size - 2 && strncmp(text, host + 1, size - 2) == 0;
}

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 5 && text[digits] == '\0' && text[0] != '0' &&
           atoi(text) <= 65535;
}

/* Why no browser sends this as its origin; NULL if one might. */
static const char *wrong_with(const char *text)
{
    bool https = strncmp(text, "https://", 8) == 0;
    if (!https && strncmp(text, "http://", 7) != 0)
        return strcmp(text, "*") == 0 ? "every site there is cannot be allowed: name each"
                                      : "it does not begin with https:// or http://";
    const char *host = text + (https ? 8 : 7);
    if (strpbrk(host, "/?#") != NULL)
        return "nothing follows the host and the port, not even a slash";
    if (strpbrk(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL)
        return "browsers send it in lower case";
    size_t size = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    if (!(host[0] == '[' ? is_ipv6(host, size) : is_name(host, size)))
        return "its host is neither a name (in ASCII) nor an address";
    const char *port = host + size;
    if (*port == '\0')
        return NULL;
    if (*port != ':' || !is_port(port + 1))
        return "its port is no number from 1 to 65535";
    return strcmp(port, https ? ":443" : ":80") == 0 ? "browsers leave this port out" : NULL;
}

/* Cuts the blanks around a part of the list. */
static char *trim(char *text)
{
    text += strspn(text, " \t");
    for (size_t size = strlen(text); size > 0 && strchr(" \t", text[size - 1]) != NULL;)
        text[--size] = '\0';
    return text;
}

struct ink_status gateway_cors_parse(struct ink_arena *arena, const char *text,
                                     struct gateway_cors *ret_cors)
{
    size_t most = 1, count = 0;
    if (text == NULL || text[0] == '\0') {
        *ret_cors = (struct gateway_cors){0};
        return ink_ok();
    }
    for (const char *c = text; *c != '\0'; c++)
        most += *c == ',';
    struct gateway_cors_origin *origins = ink_arena_calloc(arena, most, sizeof(*origins));
    char *rest = ink_arena_strdup(arena, text);
    for (char *part; (part = strsep(&rest, ",")) != NULL;) {
        const char *origin = trim(part), *wrong = wrong_with(origin);
        if (wrong != NULL)
            return ink_errorf(arena, INK_INVALID_ARGUMENT,
                              "\"%s\" is not an origin such as https://blog.example: %s", origin,
                              wrong);
        origins[count++] = (struct gateway_cors_origin){
            origin, ink_arena_printf(arena, "Access-Control-Allow-Origin: %s\r\n" EXPOSED, origin)};
    }
    *ret_cors = (struct gateway_cors){origins, count};
    return ink_ok();
}

const char *gateway_cors_lines(const struct gateway_cors *cors, const char *origin)
{
    if (origin == NULL)
        return NULL;
    for (size_t i = 0; i < cors->n_origins; i++)
        if (strcmp(cors->origins[i].origin, origin) == 0)
            return cors->origins[i].lines;
    return NULL;
}
