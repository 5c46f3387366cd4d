#define _GNU_SOURCE /* memrchr */
#include "lib/cache/url.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) % 16 : -1;
}

/* NULL when an escape is malformed, or stands for NUL. */
static char *decode(const char *text, size_t size)
{
    char *result = ink_malloc(size + 1), *out = result;
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '%') {
            *out++ = text[i];
            continue;
        }
        int high = i + 2 < size ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        if (low < 0 || high + low == 0) {
            free(result);
            return NULL;
        }
        *out++ = (char)(high * 16 + low);
        i += 2;
    }
    *out = '\0';
    return result;
}

/* Digits only, the whole text, at most `most`. */
static bool parse_number(const char *text, size_t size, int most, int *ret)
{
    int value = 0;
    if (size == 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
        if (value > most)
            return false;
    }
    *ret = value;
    return true;
}

static bool parse_credentials(const char *text, const char *end, struct ink_cache_url *url)
{
    const char *colon = memchr(text, ':', (size_t)(end - text));
    if (colon == NULL)
        return false;
    if (colon != text && (url->user = decode(text, (size_t)(colon - text))) == NULL)
        return false;
    url->password = decode(colon + 1, (size_t)(end - colon - 1));
    return url->password != NULL;
}

/* host, host:port, [v6], [v6]:port */
static bool parse_host(const char *text, const char *end, struct ink_cache_url *url)
{
    const char *host_end, *rest;
    if (text != end && *text == '[') {
        text++;
        host_end = memchr(text, ']', (size_t)(end - text));
        if (host_end == NULL)
            return false;
        rest = host_end + 1;
    } else {
        host_end = memchr(text, ':', (size_t)(end - text));
        if (host_end == NULL)
            host_end = end;
        rest = host_end;
    }
    if (host_end == text || (rest != end && *rest != ':'))
        return false;
    url->port = 6379;
    if (rest != end &&
        (!parse_number(rest + 1, (size_t)(end - rest - 1), 65535, &url->port) || url->port == 0))
        return false;
    url->host = decode(text, (size_t)(host_end - text));
    return url->host != NULL;
}

static bool parse(const char *text, struct ink_cache_url *url)
{
    static const char scheme[] = "redis://";
    if (strncmp(text, scheme, strlen(scheme)) != 0 || strpbrk(text, "?# ") != NULL)
        return false;
    text += strlen(scheme);
    const char *end = text + strcspn(text, "/");
    const char *at = memrchr(text, '@', (size_t)(end - text));
    if (at != NULL && !parse_credentials(text, at, url))
        return false;
    if (!parse_host(at != NULL ? at + 1 : text, end, url))
        return false;
    return end[0] == '\0' || end[1] == '\0' ||
           parse_number(end + 1, strlen(end + 1), 65535, &url->database);
}

bool ink_cache_url_parse(const char *text, struct ink_cache_url *ret_url)
{
    struct ink_cache_url url = {0};
    if (!parse(text, &url)) {
        ink_cache_url_release(&url);
        return false;
    }
    *ret_url = url;
    return true;
}

void ink_cache_url_release(struct ink_cache_url *url)
{
    free(url->host);
    free(url->user);
    free(url->password);
    *url = (struct ink_cache_url){0};
}
