/*
 * Which web pages may call the gateway from a browser (CORS, Fetch Standard): an allow-list of
 * exact origins. Without a list no page of another origin may. Credentials that a browser sends by
 * itself (cookies, certificates) are never allowed: the gateway uses none, and a token in the
 * Authorization header is not one of them. Constant once made; thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/status.h"

struct gateway_cors_origin;

struct gateway_cors {
    const struct gateway_cors_origin *origins;
    size_t n_origins;
};

/* Reads "https://a.example,https://b.example:8443" (NULL and "" for none) into `arena`.
 * INVALID_ARGUMENT, with the reason, for what no browser would ever send as its Origin: that is
 * scheme, host and, if it is not the scheme's own, a port, in lower case, and nothing else. "*" and
 * "null" are refused: they are not one site. */
struct ink_status gateway_cors_parse(struct ink_arena *arena, const char *text,
                                     struct gateway_cors *ret_cors) INK_MUST_CHECK;
/* The header lines that let a page of `origin`, as its browser sends it, read an answer. NULL when
 * it may not, and for NULL. */
const char *gateway_cors_lines(const struct gateway_cors *cors, const char *origin);
