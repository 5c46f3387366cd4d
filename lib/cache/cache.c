#include "lib/cache/cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/random.h"
#include "lib/cache/entry.h"
#include "lib/cache/pool.h"
#include "lib/cache/sweep.h"

_Static_assert(INK_CACHE_LEASE == INK_ENTRY_MARK, "a lease is a mark");

static redisReply *ask(struct ink_cache_call *call, int argc, const char **argv,
                       const size_t *sizes)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf request = INK_BUF_INIT;
    ink_cache_add_command(&request, argc, argv, sizes);
    if (!ink_cache_conn_send(call->conn, &request, call->deadline))
        return NULL;
    return ink_cache_conn_reply(call->conn, call->deadline);
}

static bool is_error(const redisReply *reply, const char *prefix)
{
    return reply != NULL && reply->type == REDIS_REPLY_ERROR &&
           strncmp(reply->str, prefix, strlen(prefix)) == 0;
}

static redisReply *run(struct ink_cache_call *call, const char *verb, const char *script, int argc,
                       const char **argv, size_t *sizes)
{
    argv[0] = verb;
    sizes[0] = strlen(verb);
    argv[1] = script;
    sizes[1] = strlen(script);
    return ask(call, argc, argv, sizes);
}

/* The server knows the script since we connected; it may have forgotten it (SCRIPT FLUSH). */
redisReply *ink_cache_run_script(struct ink_cache_call *call, enum ink_cache_script script,
                                 int argc, const char **argv, size_t *sizes)
{
    redisReply *reply = run(call, "EVALSHA", call->conn->scripts[script], argc, argv, sizes);
    if (!is_error(reply, "NOSCRIPT"))
        return reply;
    freeReplyObject(reply);
    return run(call, "EVAL", ink_cache_scripts[script], argc, argv, sizes);
}

/* Putting */

static int64_t with_jitter(int64_t ttl_ms)
{
    int64_t jittered = ttl_ms - ttl_ms / 10 * (ink_random_jitter() % 1024) / 1024;
    return jittered < 1 ? 1 : jittered;
}

static bool put(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                const struct ink_cache_lease *lease, const char *entry, size_t size, int64_t ttl_ms)
{
    struct ink_cache_call call;
    if (!ink_cache_call_start(cache, ctx, &call))
        return false;
    char ttl[24];
    int ttl_size = snprintf(ttl, sizeof(ttl), "%" PRId64, with_jitter(ttl_ms));
    const char *argv[] = {NULL, NULL, "1", key, entry, ttl, lease->mark};
    size_t sizes[] = {0, 0, 1, strlen(key), size, (size_t)ttl_size, INK_CACHE_LEASE};
    INK_REPLY *reply =
        ink_cache_run_script(&call, INK_CACHE_SCRIPT_PUT, INK_COUNT(argv), argv, sizes);
    ink_cache_call_end(&call, reply != NULL ? INK_CACHE_ANSWERED : INK_CACHE_FAILED);
    return reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
}

bool ink_cache_put(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                   const struct ink_cache_lease *lease, int64_t version, const void *data,
                   size_t size, int64_t ttl_ms)
{
    char *entry = ink_arena_alloc(ctx->arena, INK_ENTRY_HEAD + size + 1);
    ink_entry_head(version, true, entry);
    if (lease->mark[0] == '\0' || memcmp(entry, lease->mark, INK_ENTRY_HEAD) < 0)
        return false;
    if (size != 0)
        memcpy(entry + INK_ENTRY_HEAD, data, size);
    bool taken = put(cache, ctx, key, lease, entry, INK_ENTRY_HEAD + size,
                     ttl_ms > 0 ? ttl_ms : INK_CACHE_TTL_MS);
    if (cache->near != NULL)
        ink_near_drop(cache->near, key);
    return taken;
}

/* Getting */

/* What a read found. */
struct found {
    bool hit;
    struct ink_near_value value; /* of a hit */
    struct ink_cache_lease lease;
};

static redisReply *run_get(struct ink_cache_call *call, const char *key)
{
    const size_t sizes[] = {3, strlen(key)};
    return ask(call, 2, (const char *[]){"GET", key}, sizes);
}

static redisReply *run_lease(struct ink_cache_call *call, const char *key)
{
    char mark[INK_ENTRY_MARK + 1], ttl[24];
    ink_entry_head(0, false, mark);
    ink_entry_random(mark + INK_ENTRY_HEAD);
    int ttl_size = snprintf(ttl, sizeof(ttl), "%" PRId64, INK_CACHE_LEASE_MS);
    const char *argv[] = {NULL, NULL, "1", key, mark, ttl};
    size_t sizes[] = {0, 0, 1, strlen(key), INK_ENTRY_MARK, (size_t)ttl_size};
    return ink_cache_run_script(call, INK_CACHE_SCRIPT_LEASE, INK_COUNT(argv), argv, sizes);
}

/* True when the reply is a value or a mark to put one on. */
static bool take_entry(const struct ink_ctx *ctx, const redisReply *reply, struct found *ret_found)
{
    struct found found = {0};
    if (reply->type != REDIS_REPLY_STRING)
        return false;
    if (ink_entry_is_mark(reply->str, reply->len)) {
        memcpy(found.lease.mark, reply->str, INK_CACHE_LEASE);
    } else {
        found.hit = ink_entry_read(reply->str, reply->len, &found.value.version);
        if (!found.hit)
            return false;
        found.value.size = reply->len - INK_ENTRY_HEAD;
        found.value.data =
            ink_arena_strndup(ctx->arena, reply->str + INK_ENTRY_HEAD, found.value.size);
    }
    *ret_found = found;
    return true;
}

/* A key of another type is nothing of ours. */
static bool is_answer(const redisReply *reply)
{
    return reply != NULL && (reply->type != REDIS_REPLY_ERROR || is_error(reply, "WRONGTYPE"));
}

/* False when Redis did not answer. One that is full answers, and gives no lease. */
static bool look(struct ink_cache_call *call, const struct ink_ctx *ctx, const char *key,
                 struct found *found)
{
    INK_REPLY *reply = run_get(call, key);
    if (!is_answer(reply))
        return false;
    if (take_entry(ctx, reply, found))
        return true;
    INK_REPLY *leased = run_lease(call, key);
    if (leased == NULL)
        return false;
    (void)take_entry(ctx, leased, found);
    return true;
}

static void count(struct ink_cache *cache, bool hit)
{
    pthread_mutex_lock(&cache->lock);
    if (hit)
        cache->stats.hits++;
    else
        cache->stats.misses++;
    pthread_mutex_unlock(&cache->lock);
}

/* While Redis is owed invalidations, what it has is not read as current. */
static bool owes(struct ink_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    bool owing = cache->backlog.count > 0;
    cache->stats.errors += owing;
    pthread_mutex_unlock(&cache->lock);
    return owing;
}

/* What Redis has. */
static void get(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                struct found *found)
{
    struct ink_cache_call call;
    if (owes(cache) || !ink_cache_call_start(cache, ctx, &call))
        return;
    enum ink_sweep sweep = ink_cache_sweep(&call);
    bool answered =
        sweep == INK_SWEEP_MORE || (sweep == INK_SWEEP_DONE && look(&call, ctx, key, found));
    ink_cache_call_end(&call, answered ? INK_CACHE_ANSWERED : INK_CACHE_FAILED);
    if (answered)
        count(cache, found->hit);
}

/* The same, with the near cache in front. */
static void get_near(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                     struct found *found)
{
    found->hit = ink_near_get(cache->near, key, ctx->arena, &found->value);
    if (found->hit)
        return;
    uint64_t ticket = ink_near_begin(cache->near, key);
    get(cache, ctx, key, found);
    ink_near_end(cache->near, key, ticket, found->hit ? &found->value : NULL);
}

bool ink_cache_get(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                   struct ink_cache_lease *ret_lease, void **ret_data, size_t *ret_size,
                   int64_t *ret_version)
{
    struct found found = {0};
    if (cache->near != NULL)
        get_near(cache, ctx, key, &found);
    else
        get(cache, ctx, key, &found);
    *ret_lease = found.lease;
    if (!found.hit)
        return false;
    *ret_data = found.value.data;
    *ret_size = found.value.size;
    if (ret_version != NULL)
        *ret_version = found.value.version;
    return true;
}
