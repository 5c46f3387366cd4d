/*
 * The path of a request as the log shows it. Pure.
 */
#pragma once

#include "lib/base/arena.h"

/* No id that is part of a path is longer (a UUID has 36 characters). */
#define GATEWAY_LOG_SEGMENT_MAX 40

/* `path` with what is left of longer segments: their first 8 bytes and "...". Nothing that we serve
 * has such a segment, and a client that put a token or a key there should not find it in a log. In
 * `arena`. */
const char *gateway_log_path(struct ink_arena *arena, const char *path);
