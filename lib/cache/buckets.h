/*
 * Token buckets in Redis, so that all replicas of a program count together. A bucket holds `count`
 * tokens, of which one comes back every `interval_us`; it is kept as the time at which it will be
 * full again (GCRA), one number a key, by the clock of Redis alone, and the key is gone when the
 * bucket is full. One script looks at all buckets of a decision and takes from all of them or from
 * none.
 *
 * These are the raw operations on Redis; lib/ratelimit decides what their numbers mean, and what
 * happens when Redis is away. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/base/macros.h"
#include "lib/cache/cache.h"

/* At most so many buckets a decision. */
#define INK_BUCKETS_MAX 4

enum ink_bucket_kind {
    INK_BUCKET_HARD,     /* when it is empty the answer is no */
    INK_BUCKET_SQUEEZED, /* the same; and when an ADVISORY one is empty, it holds one token only */
    INK_BUCKET_ADVISORY, /* when it is empty the answer may still be yes */
};

struct ink_bucket {
    const char *key;
    int64_t interval_us; /* until one token comes back, at least 1 */
    int64_t count;       /* of tokens in a full bucket, at least 1 */
    enum ink_bucket_kind kind;
    /* The outcome: how long until the bucket is full, and how long it takes to fill an empty one
     * (less than interval_us * count for a bucket that is squeezed). */
    int64_t used_us;
    int64_t most_us;
};

/* Takes one token from each bucket when all have one, and fills in the outcome of each. True when
 * Redis answered; *ret_taken then says whether tokens were taken. */
bool ink_cache_take(struct ink_cache *cache, const struct ink_ctx *ctx, struct ink_bucket *buckets,
                    size_t n_buckets, bool *ret_taken) INK_MUST_CHECK;

/* Puts the tokens back, for what turned out not to count, and updates the outcome of each. Asks
 * Redis even when the context's deadline has passed. False when Redis did not answer. */
bool ink_cache_give_back(struct ink_cache *cache, const struct ink_ctx *ctx,
                         struct ink_bucket *buckets, size_t n_buckets);
