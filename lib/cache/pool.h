/*
 * Who has which connection to Redis, and whether one should be asked at all. Inside lib/cache only.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/breaker.h"
#include "lib/base/ctx.h"
#include "lib/cache/backlog.h"
#include "lib/cache/cache.h"
#include "lib/cache/conn.h"
#include "lib/cache/doubts.h"
#include "lib/cache/near.h"
#include "lib/cache/teller.h"

/* Of a cursor of Redis's SCAN: a 64-bit number. */
#define INK_CACHE_CURSOR 24

struct ink_cache {
    struct ink_cache_url url;
    size_t size;
    int64_t connect_timeout;
    int64_t command_timeout; /* both in nanoseconds */
    struct ink_near *near;   /* or NULL */
    char *sweep;             /* which keys to sweep (sweep.h), or NULL */

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t returned;
    struct ink_cache_conn *idle;
    struct ink_breaker breaker;
    struct ink_backlog backlog;
    struct ink_doubts doubts;
    struct ink_teller *teller; /* NULL until something changed */
    bool swept, sweeping;
    bool sweep_again;              /* from the beginning, though a page is under way */
    char cursor[INK_CACHE_CURSOR]; /* where the sweep goes on */
    char run_id[41];               /* of the Redis that was connected to last */
    struct ink_cache_stats stats;
};

/* One call with a connection of its own. */
struct ink_cache_call {
    struct ink_cache *cache;
    struct ink_cache_conn *conn;
    int64_t deadline;
    bool hurried; /* the context's deadline is nearer than the command timeout */
};

enum ink_cache_verdict {
    INK_CACHE_ANSWERED,
    INK_CACHE_FAILED, /* no answer, or an error: the connection is closed */
};

/* False, and an error is counted, when Redis is not to be asked or cannot be reached. Else end it
 * with ink_cache_call_end(). */
bool ink_cache_call_start(struct ink_cache *cache, const struct ink_ctx *ctx,
                          struct ink_cache_call *ret_call) INK_MUST_CHECK;
void ink_cache_call_end(struct ink_cache_call *call, enum ink_cache_verdict verdict);

/* Runs a script with the arguments from argv[2] on (how many keys, the keys, further arguments);
 * the first two places are for the command and are filled in. NULL when there is no reply. */
redisReply *ink_cache_run_script(struct ink_cache_call *call, enum ink_cache_script script,
                                 int argc, const char **argv, size_t *sizes) INK_MUST_CHECK;
