/*
 * A cache in Redis (hiredis): never the truth, only a copy that may be missing. Every failure is a
 * miss, quickly: a command has tens of milliseconds, and after some failures in a row a circuit
 * breaker keeps everyone away from Redis for a pause, then lets one call probe it.
 *
 * Every entry carries the version of the row that it was made from, and only a newer version
 * replaces an older one. So a reader that read the row, was overtaken by an update and then writes
 * what it read leaves nothing stale behind:
 *
 *     reader                        writer
 *     ink_cache_get → miss
 *     SELECT → version 4            UPDATE → version 5
 *                                   ink_cache_put(5) or else ink_cache_invalidate(5)
 *     ink_cache_put(4) → refused
 *
 * An invalidation leaves a mark (for INK_CACHE_MARK_TTL_MS) that says "older than this version is
 * stale": it reads as a miss, refuses older versions and takes the same or a newer one. For a
 * deleted row invalidate one version above its last. Invalidations that did not reach Redis are
 * kept (the newest version a key, a bounded number) and delivered before the first read after Redis
 * is back; so an update made while Redis was away hides what Redis still remembers. They die with
 * their process, so the next one does not trust what it finds: before anything else it makes marks
 * of the values of keys like `sweep`. It does so once more when there were too many to keep
 * (without `sweep` a read can then see an entry that is at most one TTL old). A put is not kept: a
 * writer whose put fails invalidates.
 *
 * With a near cache, for a service that runs once, values stay in the process as well (near.h).
 * What this process puts or invalidates it sees at once; what others do, as soon as Redis has told
 * (within a millisecond or so after they know it themselves), and if Redis cannot tell, within
 * INK_NEAR_LEASE_MS.
 *
 * Values are bytes with a format of the caller's own; keys are "user:ID". Versions are not
 * negative. Thread-safe. Name resolution takes as long as the system's resolver takes; addresses
 * cost none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/breaker.h"
#include "lib/base/ctx.h"
#include "lib/base/macros.h"
#include "lib/base/status.h"

#define INK_CACHE_TTL_MS (INT64_C(3600) * 1000)
#define INK_CACHE_MARK_TTL_MS (INT64_C(300) * 1000)
#define INK_CACHE_BACKLOG 1024

struct ink_cache;

struct ink_cache_settings {
    const char *url;            /* redis://[[user]:password@]host[:port][/db], percent-encoded */
    size_t size;                /* connections at most; 0 means 16 */
    int64_t connect_timeout_ms; /* 0 means 100 */
    int64_t command_timeout_ms; /* of one command, with waiting for a connection; 0 means 50 */
    unsigned breaker_failures;  /* in a row until the breaker opens; 0 means 5 */
    int64_t breaker_pause_ms;   /* until a probe, with jitter of a quarter; 0 means 1000 */
    size_t near_bytes;          /* memory for a near cache; 0 means there is none */
    const char *near_prefix;    /* of the keys that it has */
    const char *sweep;          /* a pattern of keys ("blog:*"); NULL: trust what is there */
};

/* A cache that connects when first used. The settings are copied. INVALID_ARGUMENT for a malformed
 * URL (the message does not repeat it: it may hold a password). */
struct ink_status ink_cache_new(struct ink_arena *arena, const struct ink_cache_settings *settings,
                                struct ink_cache **ret_cache) INK_MUST_CHECK;
/* Closes all connections; none may be in use. NULL is fine. */
void ink_cache_free(struct ink_cache *cache);

/* True for a hit: the value, copied into the context's arena (with a NUL after it), and its version
 * (`ret_version` may be NULL). False, with outputs untouched, for a miss of any kind. */
bool ink_cache_get(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                   void **ret_data, size_t *ret_size, int64_t *ret_version) INK_MUST_CHECK;

/* Stores a value for `ttl_ms` (0 means INK_CACHE_TTL_MS), shortened by a random tenth at most so
 * that entries made together do not end together. True when Redis took it; false when it holds that
 * version or a newer one, or is away. */
bool ink_cache_put(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                   int64_t version, const void *data, size_t size, int64_t ttl_ms);

/* Says that everything older than `version` is stale. True when Redis knows; false when it will be
 * told before this process reads from it again. The row has changed already, so this is sent even
 * when the context's deadline has passed; it takes a command's timeout at most. */
bool ink_cache_invalidate(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                          int64_t version);

/* The same for several keys, which costs little more than for one. */
struct ink_cache_mark {
    const char *key;
    int64_t version;
};
void ink_cache_invalidate_all(struct ink_cache *cache, const struct ink_ctx *ctx,
                              const struct ink_cache_mark *marks, size_t count);

/* Gauges and counters for /metrics. */
struct ink_cache_stats {
    uint64_t near; /* hits that Redis was not asked for */
    uint64_t hits;
    uint64_t misses; /* Redis answered that it has nothing current */
    uint64_t errors; /* calls that Redis did not answer (well, or in time), or that were not sent */
    size_t open;     /* connections, idle or in use */
    size_t in_use;
    size_t undelivered;             /* invalidations waiting for Redis */
    size_t near_bytes;              /* that the near cache takes */
    enum ink_breaker_state breaker; /* open: nobody asks Redis */
};
struct ink_cache_stats ink_cache_stats(struct ink_cache *cache);
