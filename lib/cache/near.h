/*
 * A near cache: copies, in this process, of what Redis holds, for the values that are asked for all
 * the time. Redis says which keys change (client-side caching in broadcast mode, with which
 * connections that read have nothing to do), and what it says takes a copy away. Inside lib/cache
 * only; cache.h says what callers may rely on.
 *
 * A copy is good only while Redis is known to be there: what it answered to a ping at some time
 * vouches for all copies until INK_NEAR_LEASE_MS after that. So a Redis that is frozen or cut off,
 * and cannot tell what changed, leaves nothing stale for longer.
 *
 * A value that is read from Redis must not become a copy when it changed on its way here, so a
 * reader takes a ticket before it asks, and whatever takes the copy away makes the ticket void:
 *
 *     if (ink_near_get(near, key, ctx->arena, &value))
 *         return value;
 *     ticket = ink_near_begin(near, key);
 *     ... GET ...
 *     ink_near_end(near, key, ticket, found ? &value : NULL);
 *
 * Memory is bounded; what was not asked for the longest goes first. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/cache/url.h"

#define INK_NEAR_LEASE_MS 750

struct ink_near;

/* What a copy has: a value as cache.h has it, and its version. */
struct ink_near_value {
    void *data;
    size_t size;
    int64_t version;
};

/* Starts to listen for changes of keys that begin with `prefix`. Copies take `most_bytes` at most,
 * their keys and places included. */
struct ink_near *ink_near_new(const struct ink_cache_url *url, const char *prefix,
                              size_t most_bytes);
void ink_near_free(struct ink_near *near);

/* True with a copy of the value, in `arena`, when there is one that is good. */
bool ink_near_get(struct ink_near *near, const char *key, struct ink_arena *arena,
                  struct ink_near_value *ret_value) INK_MUST_CHECK;
/* A ticket for a key, or 0 when somebody else has one, or it is not for this cache. */
uint64_t ink_near_begin(struct ink_near *near, const char *key) INK_MUST_CHECK;
/* Gives the ticket back: with a value it becomes the copy, unless the ticket is void. */
void ink_near_end(struct ink_near *near, const char *key, uint64_t ticket,
                  const struct ink_near_value *value);
/* Takes the copy away, and makes a ticket void. */
void ink_near_drop(struct ink_near *near, const char *key);

struct ink_near_stats {
    bool listening;
    uint64_t hits;
    uint64_t dropped; /* copies that changed */
    uint64_t evicted; /* copies for which there was no room any more */
    size_t bytes;
};
struct ink_near_stats ink_near_stats(struct ink_near *near);
