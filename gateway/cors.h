/*
 * Which web pages may call the gateway from a browser (CORS, Fetch Standard): an allow-list of
 * exact origins. Without a list no page of another origin may. Constant once made; thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/status.h"

struct gateway_cors {
    const char **origins;
    size_t n_origins;
};

/* Reads "https://a.example,https://b.example:8443" (NULL and "" for none) into `arena`.
 * INVALID_ARGUMENT for what is no origin: scheme, host and perhaps a port, in lower case, and
 * nothing else; a "*" is none. */
struct ink_status gateway_cors_parse(struct ink_arena *arena, const char *text,
                                     struct gateway_cors *ret_cors) INK_MUST_CHECK;
/* Whether `origin`, as a browser sends it, is in the list. NULL is not. */
bool gateway_cors_allows(const struct gateway_cors *cors, const char *origin);
