/*
 * redis://[[user]:password@]host[:port][/db], with percent-encoding (RFC 3986); an IPv6 address
 * stands in brackets. Inside lib/cache only.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/macros.h"

struct ink_cache_url {
    char *host;
    char *user;     /* NULL when there is none */
    char *password; /* NULL when there is none */
    int port;       /* 6379 when not given */
    int database;
};

/* False, with *ret_url untouched, when `text` is not such a URL. Release with
 * ink_cache_url_release(). */
bool ink_cache_url_parse(const char *text, struct ink_cache_url *ret_url) INK_MUST_CHECK;
void ink_cache_url_release(struct ink_cache_url *url);
