#include "lib/cache/pool.h"
#include "lib/base/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/cond.h"
#include "lib/base/random.h"
#include "lib/cache/sweep.h"

static int64_t limit(int64_t ms, int64_t fallback_ms)
{
    return (ms > 0 ? ms : fallback_ms) * INK_MILLISECOND;
}

struct ink_status ink_cache_new(struct ink_arena *arena, const struct ink_cache_settings *settings,
                                struct ink_cache **ret_cache)
{
    struct ink_cache_url url;
    if (!ink_cache_url_parse(settings->url, &url))
        return ink_errorf(arena, INK_INVALID_ARGUMENT,
                          "not a Redis URL like redis://:password@host:6379/0");
    struct ink_cache *cache = ink_calloc(1, sizeof(*cache));
    cache->url = url;
    cache->size = settings->size > 0 ? settings->size : 16;
    cache->connect_timeout = limit(settings->connect_timeout_ms, 100);
    cache->command_timeout = limit(settings->command_timeout_ms, 50);
    ink_breaker_init(&cache->breaker,
                     settings->breaker_failures > 0 ? settings->breaker_failures : 5,
                     limit(settings->breaker_pause_ms, 1000));
    pthread_mutex_init(&cache->lock, NULL);
    pthread_cond_init(&cache->returned, NULL);
    if (settings->near_bytes > 0)
        cache->near = ink_near_new(&cache->url, settings->near_prefix, settings->near_bytes);
    if (settings->sweep != NULL)
        cache->sweep = ink_strdup(settings->sweep);
    strcpy(cache->cursor, "0");
    *ret_cache = cache;
    return ink_ok();
}

/* With the lock held, which does no harm: closing does not wait. */
static void close_idle(struct ink_cache *cache)
{
    while (cache->idle != NULL) {
        struct ink_cache_conn *conn = cache->idle;
        cache->idle = conn->next;
        ink_cache_conn_close(conn);
        cache->stats.open--;
    }
}

void ink_cache_free(struct ink_cache *cache)
{
    if (cache == NULL)
        return;
    ink_teller_free(cache->teller);
    ink_near_free(cache->near);
    close_idle(cache);
    ink_backlog_release(&cache->backlog);
    ink_doubts_release(&cache->doubts);
    pthread_cond_destroy(&cache->returned);
    pthread_mutex_destroy(&cache->lock);
    ink_cache_url_release(&cache->url);
    free(cache->sweep);
    free(cache);
}

struct ink_cache_stats ink_cache_stats(struct ink_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    struct ink_cache_stats stats = cache->stats;
    stats.breaker = cache->breaker.state;
    stats.undelivered = cache->backlog.count;
    pthread_mutex_unlock(&cache->lock);
    if (cache->near != NULL) {
        struct ink_near_stats near = ink_near_stats(cache->near);
        stats.near = near.hits;
        stats.near_bytes = near.bytes;
    }
    return stats;
}

/* With the lock held: an idle connection that did not die, or NULL. */
static struct ink_cache_conn *take_idle(struct ink_cache *cache)
{
    while (cache->idle != NULL) {
        struct ink_cache_conn *conn = cache->idle;
        cache->idle = conn->next;
        if (ink_cache_conn_alive(conn))
            return conn;
        ink_cache_conn_close(conn);
        cache->stats.open--;
    }
    return NULL;
}

static void record_failure(struct ink_cache *cache, bool hurried)
{
    if (hurried) /* its context gave Redis too little time to tell */
        ink_breaker_undecided(&cache->breaker, ink_now());
    else
        ink_breaker_failure(&cache->breaker, ink_now(), ink_random_jitter());
}

/* With the lock held. A Redis that was started again, or took another's place, may have come with
 * what it had at some time before, without the invalidations since. */
static void meet_server(struct ink_cache *cache, const struct ink_cache_conn *conn)
{
    if (strcmp(cache->run_id, conn->run_id) == 0)
        return;
    if (cache->run_id[0] != '\0')
        ink_cache_sweep_again(cache);
    strcpy(cache->run_id, conn->run_id);
}

/* With the lock held, which is dropped while connecting. */
static struct ink_cache_conn *connect_one(struct ink_cache *cache, const struct ink_ctx *ctx)
{
    int64_t deadline = ink_now() + cache->connect_timeout;
    bool hurried = ctx->deadline < deadline;
    cache->stats.open++;
    pthread_mutex_unlock(&cache->lock);
    struct ink_cache_conn *conn =
        ink_cache_conn_open(&cache->url, hurried ? ctx->deadline : deadline);
    pthread_mutex_lock(&cache->lock);
    if (conn != NULL) {
        meet_server(cache, conn);
    } else {
        cache->stats.open--;
        record_failure(cache, hurried);
        pthread_cond_signal(&cache->returned);
    }
    return conn;
}

/* With the lock held: a connection of any kind, or NULL when there is none in time. */
static struct ink_cache_conn *get_conn(struct ink_cache *cache, const struct ink_ctx *ctx,
                                       int64_t deadline)
{
    for (;;) {
        struct ink_cache_conn *conn = take_idle(cache);
        if (conn != NULL)
            return conn;
        if (cache->stats.open < cache->size)
            return connect_one(cache, ctx);
        ink_blocks();
        if (!ink_cond_wait_until(&cache->returned, &cache->lock, deadline)) {
            ink_breaker_undecided(&cache->breaker, ink_now());
            return NULL;
        }
    }
}

static int64_t command_deadline(const struct ink_cache *cache, const struct ink_ctx *ctx,
                                bool *ret_hurried)
{
    int64_t deadline = ink_now() + cache->command_timeout;
    *ret_hurried = ctx->deadline < deadline;
    return *ret_hurried ? ctx->deadline : deadline;
}

bool ink_cache_call_start(struct ink_cache *cache, const struct ink_ctx *ctx,
                          struct ink_cache_call *ret_call)
{
    struct ink_cache_call call = {.cache = cache};
    call.deadline = command_deadline(cache, ctx, &call.hurried);
    bool worth_it = ink_is_ok(ink_ctx_check(ctx));
    pthread_mutex_lock(&cache->lock);
    if (worth_it && ink_breaker_allow(&cache->breaker, ink_now()))
        call.conn = get_conn(cache, ctx, call.deadline);
    if (call.conn != NULL)
        cache->stats.in_use++;
    else
        cache->stats.errors++;
    pthread_mutex_unlock(&cache->lock);
    if (call.conn == NULL)
        return false;
    call.deadline = command_deadline(cache, ctx, &call.hurried); /* connecting had its own time */
    *ret_call = call;
    return true;
}

void ink_cache_call_end(struct ink_cache_call *call, enum ink_cache_verdict verdict)
{
    struct ink_cache *cache = call->cache;
    if (verdict == INK_CACHE_FAILED)
        ink_cache_conn_close(call->conn);
    pthread_mutex_lock(&cache->lock);
    cache->stats.in_use--;
    if (verdict == INK_CACHE_ANSWERED) {
        call->conn->next = cache->idle;
        cache->idle = call->conn;
        ink_breaker_success(&cache->breaker);
    } else {
        cache->stats.open--;
        cache->stats.errors++;
        record_failure(cache, call->hurried);
        if (cache->breaker.state == INK_BREAKER_OPEN)
            close_idle(cache);
    }
    pthread_cond_signal(&cache->returned);
    pthread_mutex_unlock(&cache->lock);
}
