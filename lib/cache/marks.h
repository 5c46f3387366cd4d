/*
 * The marks that say what is stale, on their way to Redis. Inside lib/cache only.
 */
#pragma once

#include "lib/cache/pool.h"

/* How many marks one request has at most: what a command's time is enough for. */
#define INK_MARKS_AT_ONCE 128

/* Newer than every version there will be: a mark that only time takes away. */
#define INK_CACHE_DOUBT INT64_MAX

/* Sends one request for up to so many marks; take one reply, an integer. False when the connection
 * is of no more use. */
bool ink_marks_send(struct ink_cache_conn *conn, const struct ink_cache_mark *marks, size_t count,
                    int64_t deadline) INK_MUST_CHECK;
