#include "lib/ratelimit/gcra.h"

static int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool is_empty(const struct ink_bucket *bucket, int64_t full, int64_t now)
{
    return full + bucket->interval_us > now + bucket->most_us;
}

/* Brings what was stored to now. */
static void look(struct ink_bucket *buckets, int64_t *full, size_t n_buckets, int64_t now)
{
    bool squeeze = false;
    for (size_t i = 0; i < n_buckets; i++) {
        buckets[i].most_us = buckets[i].interval_us * buckets[i].count;
        full[i] = at_least(now, at_most(full[i], now + buckets[i].most_us));
        if (buckets[i].kind == INK_BUCKET_ADVISORY && is_empty(&buckets[i], full[i], now))
            squeeze = true;
    }
    for (size_t i = 0; i < n_buckets; i++)
        if (squeeze && buckets[i].kind == INK_BUCKET_SQUEEZED)
            buckets[i].most_us = buckets[i].interval_us;
}

bool ink_gcra_take(struct ink_bucket *buckets, int64_t *full, size_t n_buckets, int64_t now)
{
    bool taken = true;
    look(buckets, full, n_buckets, now);
    for (size_t i = 0; i < n_buckets; i++)
        if (buckets[i].kind != INK_BUCKET_ADVISORY && is_empty(&buckets[i], full[i], now))
            taken = false;
    for (size_t i = 0; i < n_buckets; i++) {
        if (taken)
            full[i] = at_most(now + buckets[i].most_us, full[i] + buckets[i].interval_us);
        buckets[i].used_us = full[i] - now;
    }
    return taken;
}

void ink_gcra_give_back(struct ink_bucket *buckets, int64_t *full, size_t n_buckets, int64_t now)
{
    look(buckets, full, n_buckets, now);
    for (size_t i = 0; i < n_buckets; i++) {
        full[i] = at_least(now, full[i] - buckets[i].interval_us);
        buckets[i].used_us = full[i] - now;
    }
}
