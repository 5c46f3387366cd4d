/*
 * What the script of lib/cache/buckets.c does, in C, for buckets that this process keeps: the
 * generic cell rate algorithm on the times at which buckets are full again. Pure functions; inside
 * lib/ratelimit only.
 */
#pragma once

#include "lib/ratelimit/ratelimit.h"

/* `full[i]`: when buckets[i] is full again, in microseconds on any scale that `now` is on; 0 for
 * one that was not used yet. Both change them and fill in the outcome. */
bool ink_gcra_take(struct ink_bucket *buckets, int64_t *full, size_t n_buckets, int64_t now);
void ink_gcra_give_back(struct ink_bucket *buckets, int64_t *full, size_t n_buckets, int64_t now);
