/*
 * A cache in Redis (hiredis): never the truth, only a copy that may be missing. Every failure is a
 * miss, quickly: a command has tens of milliseconds, and after some failures in a row a circuit
 * breaker keeps everyone away from Redis for a pause, then lets one call probe it.
 *
 * Every entry carries the version of the row that it was made from. Only who found nothing, and
 * then read the row, makes an entry; who changes the row says which versions are stale. A read that
 * misses leaves its mark in Redis (for INK_CACHE_LEASE_MS), which the put then replaces. When the
 * mark is not there any more something happened that the reader may not know of, and the put is
 * refused:
 *
 *     reader                                     writer
 *     ink_cache_get → miss, a lease
 *     SELECT → version 4                         UPDATE → version 5
 *                                                ink_cache_invalidate(5): replaces the mark
 *     ink_cache_put(lease, 4) → refused
 *
 * So nothing stale is left behind, also when Redis has forgotten everything since (a restart,
 * FLUSHALL, an eviction): then it has forgotten the mark, too. Of several readers that miss at once
 * the first to put has put for all.
 *
 * An invalidation leaves a mark as well (for INK_CACHE_MARK_TTL_MS), which says "older than this
 * version is stale": it reads as a miss, whose put is refused if older. For a deleted row
 * invalidate one version above its last.
 *
 * Invalidations that did not reach Redis are kept (the newest version a key, a bounded number); a
 * thread sends them until Redis has answered (teller.h), and this process reads nothing from Redis
 * before that. So an update made while Redis was away hides what Redis still remembers. They die
 * with their process, so the next one does not trust what it finds: before anything else it makes
 * new marks of all that keys like `sweep` have, also of leases, whose puts are then refused. It
 * does so once more when there were too many to keep (without `sweep` a read can then see an entry
 * that is at most one TTL old).
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
/* Short: who asks for what is not there leaves leases, too. */
#define INK_CACHE_LEASE_MS INT64_C(5000)
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

/* What a read that missed may put. Empty (zeros) when it may not. */
#define INK_CACHE_LEASE 36
struct ink_cache_lease {
    char mark[INK_CACHE_LEASE + 1];
};

/* True for a hit: the value, copied into the context's arena (with a NUL after it), and its version
 * (`ret_version` may be NULL). False for a miss of any kind: then only *ret_lease is set, always,
 * for a put of what is read from now on. */
bool ink_cache_get(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                   struct ink_cache_lease *ret_lease, void **ret_data, size_t *ret_size,
                   int64_t *ret_version) INK_MUST_CHECK;

/* Stores a value that was read after the miss that gave the lease, for `ttl_ms` (0 means
 * INK_CACHE_TTL_MS), shortened by a random tenth at most so that entries made together do not end
 * together. True when Redis took it; false when something else happened to the key meanwhile, the
 * lease is empty, or Redis is away. */
bool ink_cache_put(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                   const struct ink_cache_lease *lease, int64_t version, const void *data,
                   size_t size, int64_t ttl_ms);

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

/* Says that nobody knows the row's version: a change of it ended without a result, so it may have
 * happened, or may still. Nothing that Redis has of the key is read and nothing taken for
 * INK_CACHE_MARK_TTL_MS. Should Redis forget that it is told again: a second later, then after
 * growing times (what came in between is stale for no longer than the change took to happen). For
 * up to 1,024 keys at a time. */
void ink_cache_doubt(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key);

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
