/*
 * Invalidations that Redis has not heard of: the newest version for each of a bounded number of
 * keys. Inside lib/cache only; the caller brings the locking.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cache/cache.h"

struct ink_backlog_item {
    char *key;
    int64_t version;
    uint64_t request; /* that tells Redis, or 0 */
};

struct ink_backlog {
    struct ink_backlog_item items[INK_CACHE_BACKLOG];
    size_t count;
};

/* Remembers it, without a request; false when it was full, and something older was forgotten. The
 * key is copied. */
bool ink_backlog_add(struct ink_backlog *backlog, const char *key, int64_t version);
/* Forgets those of this request, unless a newer version of them came meanwhile. */
void ink_backlog_remove(struct ink_backlog *backlog, uint64_t request);
void ink_backlog_release(struct ink_backlog *backlog);
