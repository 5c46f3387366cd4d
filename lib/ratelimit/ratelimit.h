/*
 * Rate limits: may this happen once more? Each decision takes a token from some token buckets, in
 * Redis, so that all replicas count together (lib/cache/buckets.h):
 *
 *     struct ink_bucket buckets[] = {
 *         ink_bucket("limit:login:203.0.113.7", &quota, INK_BUCKET_HARD),
 *     };
 *     struct ink_decision decision = ink_limiter_take(limiter, ctx, buckets, 1);
 *     if (!decision.allowed)
 *         ... come back in decision.retry_after_ms
 *
 * A limiter without a cache counts in this process alone, in a table of fixed size. The same table
 * takes over while Redis is away: limits then go on, each replica for itself, beginning with full
 * buckets. When the table is full, the bucket that has most tokens is forgotten, so a flood of new
 * keys does not free those who are at their limit.
 *
 * Keys that hold what a client chose must be bounded by the caller (an address, a hash). All
 * functions are thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/base/status.h"
#include "lib/cache/buckets.h"

/* So many in a window: a bucket of `count` tokens that fills up in `window_ms`. */
struct ink_quota {
    int64_t count; /* 0: no limit */
    int64_t window_ms;
};

/* "30/10m": a count up to 1,000,000, a slash, and a time of 1s to 7d (s, m, h, d); or "off" or "0".
 * INVALID_ARGUMENT for anything else. */
struct ink_status ink_quota_parse(struct ink_arena *arena, const char *text,
                                  struct ink_quota *ret_quota) INK_MUST_CHECK;

/* The bucket of a quota that is a limit. */
struct ink_bucket ink_bucket(const char *key, const struct ink_quota *quota,
                             enum ink_bucket_kind kind);
/* After a decision: how many tokens are left, how long one has to wait for one (0 when there is
 * one), and when there will be one more than now (0 when the bucket is full). */
int64_t ink_bucket_left(const struct ink_bucket *bucket);
int64_t ink_bucket_wait_ms(const struct ink_bucket *bucket);
int64_t ink_bucket_next_ms(const struct ink_bucket *bucket);

struct ink_limiter;
struct ink_cache;

/* How many buckets a process remembers by itself: 16 bytes each. */
#define INK_LIMITER_LOCAL 65536

/* `cache` must outlive the limiter; NULL to count in this process alone. */
struct ink_limiter *ink_limiter_new(struct ink_cache *cache) INK_MUST_CHECK;
/* Accepts NULL. */
void ink_limiter_free(struct ink_limiter *limiter);

struct ink_decision {
    bool allowed;
    bool local;             /* Redis was not asked, or did not answer */
    int64_t retry_after_ms; /* when not allowed: until all buckets that said no have a token */
};

/* Takes a token from each of at most INK_BUCKETS_MAX buckets, or from none when one that is not
 * advisory is empty; fills in what the functions above tell. */
struct ink_decision ink_limiter_take(struct ink_limiter *limiter, const struct ink_ctx *ctx,
                                     struct ink_bucket *buckets, size_t n_buckets) INK_MUST_CHECK;

/* Puts back what `decision` took, for what turned out not to count: where it was taken. */
void ink_limiter_give_back(struct ink_limiter *limiter, const struct ink_ctx *ctx,
                           const struct ink_decision *decision, struct ink_bucket *buckets,
                           size_t n_buckets);

/* How many decisions this process made alone although it has a cache. */
uint64_t ink_limiter_alone(const struct ink_limiter *limiter);
