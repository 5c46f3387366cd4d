#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/ratelimit/gcra.h"
#include "lib/ratelimit/ratelimit.h"
#include "lib/ratelimit/table.h"

struct ink_limiter {
    struct ink_cache *cache; /* or NULL */
    atomic_ullong alone;
    pthread_mutex_t lock; /* guards the table */
    struct ink_time_table *table;
};

struct ink_limiter *ink_limiter_new(struct ink_cache *cache)
{
    struct ink_limiter *limiter = ink_calloc(1, sizeof(*limiter));
    limiter->cache = cache;
    limiter->table = ink_time_table_new(INK_LIMITER_LOCAL);
    pthread_mutex_init(&limiter->lock, NULL);
    return limiter;
}

void ink_limiter_free(struct ink_limiter *limiter)
{
    if (limiter == NULL)
        return;
    pthread_mutex_destroy(&limiter->lock);
    ink_time_table_free(limiter->table);
    free(limiter);
}

static bool change_here(struct ink_limiter *limiter, struct ink_bucket *buckets, size_t n_buckets,
                        bool give_back)
{
    int64_t full[INK_BUCKETS_MAX];
    bool taken = true;
    pthread_mutex_lock(&limiter->lock);
    int64_t now = ink_now() / INK_MICROSECOND;
    for (size_t i = 0; i < n_buckets; i++)
        full[i] = ink_time_table_get(limiter->table, buckets[i].key);
    if (give_back)
        ink_gcra_give_back(buckets, full, n_buckets, now);
    else
        taken = ink_gcra_take(buckets, full, n_buckets, now);
    for (size_t i = 0; taken && i < n_buckets; i++)
        ink_time_table_set(limiter->table, buckets[i].key, full[i]);
    pthread_mutex_unlock(&limiter->lock);
    return taken;
}

static int64_t longest_wait_ms(const struct ink_bucket *buckets, size_t n_buckets)
{
    int64_t longest = 1;
    for (size_t i = 0; i < n_buckets; i++) {
        int64_t wait = ink_bucket_wait_ms(&buckets[i]);
        if (buckets[i].kind != INK_BUCKET_ADVISORY && wait > longest)
            longest = wait;
    }
    return longest;
}

struct ink_decision ink_limiter_take(struct ink_limiter *limiter, const struct ink_ctx *ctx,
                                     struct ink_bucket *buckets, size_t n_buckets)
{
    struct ink_decision decision = {.local = true};
    if (limiter->cache != NULL) {
        decision.local =
            !ink_cache_take(limiter->cache, ctx, buckets, n_buckets, &decision.allowed);
        atomic_fetch_add(&limiter->alone, decision.local);
    }
    if (decision.local)
        decision.allowed = change_here(limiter, buckets, n_buckets, false);
    if (!decision.allowed)
        decision.retry_after_ms = longest_wait_ms(buckets, n_buckets);
    return decision;
}

void ink_limiter_give_back(struct ink_limiter *limiter, const struct ink_ctx *ctx,
                           const struct ink_decision *decision, struct ink_bucket *buckets,
                           size_t n_buckets)
{
    if (!decision->allowed)
        return;
    if (decision->local)
        (void)change_here(limiter, buckets, n_buckets, true);
    else
        (void)ink_cache_give_back(limiter->cache, ctx, buckets, n_buckets);
}

uint64_t ink_limiter_alone(const struct ink_limiter *limiter)
{
    return atomic_load(&limiter->alone);
}
