#include "lib/cache/cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/random.h"
#include "lib/cache/entry.h"
#include "lib/cache/pool.h"
#include "lib/cache/sweep.h"

/* How many invalidations one call delivers at most: what a command's time is enough for. */
#define DELIVER_AT_ONCE 128

static int64_t with_jitter(int64_t ttl_ms)
{
    return ttl_ms - ttl_ms / 10 * (ink_random_jitter() % 1024) / 1024;
}

static redisReply *ask(struct ink_cache_call *call, const struct ink_buf *request)
{
    if (!ink_cache_conn_send(call->conn, request, call->deadline))
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
    INK_CLEANUP(ink_buf_release) struct ink_buf request = INK_BUF_INIT;
    argv[0] = verb;
    sizes[0] = strlen(verb);
    argv[1] = script;
    sizes[1] = strlen(script);
    ink_cache_add_command(&request, argc, argv, sizes);
    return ask(call, &request);
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

/* The words of a put, with room in front for the command and the script. */
struct put_words {
    char ttl[24];
    const char *argv[6];
    size_t sizes[6];
};

static void make_put(struct put_words *put, const char *key, const void *entry, size_t size,
                     int64_t ttl_ms)
{
    int ttl_size = snprintf(put->ttl, sizeof(put->ttl), "%" PRId64, ttl_ms < 1 ? 1 : ttl_ms);
    const char *argv[] = {"EVAL", ink_cache_put_script, "1", key, entry, put->ttl};
    const size_t sizes[] = {4, strlen(argv[1]), 1, strlen(key), size, (size_t)ttl_size};
    memcpy(put->argv, argv, sizeof(argv));
    memcpy(put->sizes, sizes, sizeof(sizes));
}

/* 1 stored, 0 refused because Redis holds something newer, -1 not answered. */
static int put(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
               const void *entry, size_t size, int64_t ttl_ms)
{
    struct ink_cache_call call;
    if (!ink_cache_call_start(cache, ctx, &call))
        return -1;
    if (ink_cache_sweep(&call) == INK_SWEEP_FAILED) { /* later it would sweep this away */
        ink_cache_call_end(&call, INK_CACHE_FAILED);
        return -1;
    }
    struct put_words words;
    make_put(&words, key, entry, size, ttl_ms);
    INK_REPLY *reply = ink_cache_run_script(&call, INK_CACHE_SCRIPT_PUT, INK_COUNT(words.argv),
                                            words.argv, words.sizes);
    bool answered = reply != NULL && reply->type == REDIS_REPLY_INTEGER;
    ink_cache_call_end(&call, answered ? INK_CACHE_ANSWERED : INK_CACHE_FAILED);
    return answered ? (int)reply->integer : -1;
}

bool ink_cache_put(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                   int64_t version, const void *data, size_t size, int64_t ttl_ms)
{
    char *entry = ink_arena_alloc(ctx->arena, INK_ENTRY_HEAD + size + 1);
    ink_entry_head(version, true, entry);
    if (size != 0)
        memcpy(entry + INK_ENTRY_HEAD, data, size);
    ttl_ms = with_jitter(ttl_ms > 0 ? ttl_ms : INK_CACHE_TTL_MS);
    bool taken = put(cache, ctx, key, entry, INK_ENTRY_HEAD + size, ttl_ms) == 1;
    if (cache->near != NULL)
        ink_near_drop(cache->near, key);
    return taken;
}

/* What Redis was not told is told before the next read. */
static void note_change(struct ink_cache *cache, const char *key, int64_t version, bool told)
{
    if (!told) {
        pthread_mutex_lock(&cache->lock);
        if (!ink_backlog_add(&cache->backlog, key, version))
            ink_cache_sweep_again(cache);
        pthread_mutex_unlock(&cache->lock);
    }
    if (cache->near != NULL)
        ink_near_drop(cache->near, key);
}

bool ink_cache_invalidate(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                          int64_t version)
{
    struct ink_ctx patient = ink_ctx_background(ctx->arena);
    char mark[INK_ENTRY_HEAD + 1];
    ink_entry_head(version, false, mark);
    bool told = put(cache, &patient, key, mark, INK_ENTRY_HEAD, INK_CACHE_MARK_TTL_MS) >= 0;
    note_change(cache, key, version, told);
    return told;
}

/* Some of the backlog, copied into the arena; 0 when there is none. */
static size_t copy_backlog(struct ink_cache *cache, struct ink_arena *arena,
                           struct ink_cache_mark **ret_marks)
{
    size_t count = cache->backlog.count < DELIVER_AT_ONCE ? cache->backlog.count : DELIVER_AT_ONCE;
    struct ink_cache_mark *marks = ink_arena_calloc(arena, count, sizeof(*marks));
    for (size_t i = 0; i < count; i++) {
        marks[i].key = ink_arena_strdup(arena, cache->backlog.items[i].key);
        marks[i].version = cache->backlog.items[i].version;
    }
    *ret_marks = marks;
    return count;
}

static bool send_marks(struct ink_cache_call *call, const struct ink_cache_mark *marks,
                       size_t count)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf request = INK_BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        char mark[INK_ENTRY_HEAD + 1];
        ink_entry_head(marks[i].version, false, mark);
        struct put_words words;
        make_put(&words, marks[i].key, mark, INK_ENTRY_HEAD, INK_CACHE_MARK_TTL_MS);
        ink_cache_add_command(&request, INK_COUNT(words.argv), words.argv, words.sizes);
    }
    if (!ink_cache_conn_send(call->conn, &request, call->deadline))
        return false;
    for (size_t i = 0; i < count; i++) {
        INK_REPLY *reply = ink_cache_conn_reply(call->conn, call->deadline);
        if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
            return false;
    }
    return true;
}

void ink_cache_invalidate_all(struct ink_cache *cache, const struct ink_ctx *ctx,
                              const struct ink_cache_mark *marks, size_t count)
{
    struct ink_ctx patient = ink_ctx_background(ctx->arena);
    while (count > 0) {
        size_t some = count < DELIVER_AT_ONCE ? count : DELIVER_AT_ONCE;
        struct ink_cache_call call;
        bool told = ink_cache_call_start(cache, &patient, &call);
        if (told) {
            told = send_marks(&call, marks, some);
            ink_cache_call_end(&call, told ? INK_CACHE_ANSWERED : INK_CACHE_FAILED);
        }
        for (size_t i = 0; i < some; i++)
            note_change(cache, marks[i].key, marks[i].version, told);
        marks += some;
        count -= some;
    }
}

enum delivery { DELIVERED, MORE_TO_DELIVER, NOT_DELIVERED };

/* Before a read: what Redis missed while it was away would be read as current. */
static enum delivery deliver_backlog(struct ink_cache_call *call, struct ink_arena *arena)
{
    struct ink_cache *cache = call->cache;
    struct ink_cache_mark *marks = NULL;
    size_t count = 0;
    pthread_mutex_lock(&cache->lock);
    bool nothing = cache->backlog.count == 0, other = cache->delivering;
    if (!nothing && !other) {
        cache->delivering = true;
        count = copy_backlog(cache, arena, &marks);
    }
    pthread_mutex_unlock(&cache->lock);
    if (nothing)
        return DELIVERED;
    if (other)
        return MORE_TO_DELIVER;

    bool sent = send_marks(call, marks, count);
    pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; sent && i < count; i++)
        ink_backlog_remove(&cache->backlog, marks[i].key, marks[i].version);
    cache->delivering = false;
    bool more = cache->backlog.count > 0;
    pthread_mutex_unlock(&cache->lock);
    return !sent ? NOT_DELIVERED : more ? MORE_TO_DELIVER : DELIVERED;
}

static redisReply *run_get(struct ink_cache_call *call, const char *key)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf request = INK_BUF_INIT;
    const size_t sizes[] = {3, strlen(key)};
    ink_cache_add_command(&request, 2, (const char *[]){"GET", key}, sizes);
    return ask(call, &request);
}

/* A key of another type is nothing of ours. */
static bool is_answer(const redisReply *reply)
{
    return reply != NULL && (reply->type != REDIS_REPLY_ERROR || is_error(reply, "WRONGTYPE"));
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

/* What Redis has. */
static bool get(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                struct ink_near_value *ret_value)
{
    struct ink_cache_call call;
    if (!ink_cache_call_start(cache, ctx, &call))
        return false;
    enum ink_sweep sweep = ink_cache_sweep(&call);
    enum delivery delivery = sweep == INK_SWEEP_DONE   ? deliver_backlog(&call, ctx->arena)
                             : sweep == INK_SWEEP_MORE ? MORE_TO_DELIVER
                                                       : NOT_DELIVERED;
    INK_REPLY *reply = delivery == DELIVERED ? run_get(&call, key) : NULL;
    bool answered = delivery == MORE_TO_DELIVER || is_answer(reply);
    ink_cache_call_end(&call, answered ? INK_CACHE_ANSWERED : INK_CACHE_FAILED);
    if (!answered)
        return false;
    bool hit = reply != NULL && reply->type == REDIS_REPLY_STRING &&
               ink_entry_read(reply->str, reply->len, &ret_value->version);
    count(cache, hit);
    if (!hit)
        return false;
    ret_value->size = reply->len - INK_ENTRY_HEAD;
    ret_value->data = ink_arena_strndup(ctx->arena, reply->str + INK_ENTRY_HEAD, ret_value->size);
    return true;
}

/* The same, with the near cache in front. */
static bool get_near(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                     struct ink_near_value *ret_value)
{
    if (ink_near_get(cache->near, key, ctx->arena, ret_value))
        return true;
    uint64_t ticket = ink_near_begin(cache->near, key);
    bool hit = get(cache, ctx, key, ret_value);
    ink_near_end(cache->near, key, ticket, hit ? ret_value : NULL);
    return hit;
}

bool ink_cache_get(struct ink_cache *cache, const struct ink_ctx *ctx, const char *key,
                   void **ret_data, size_t *ret_size, int64_t *ret_version)
{
    struct ink_near_value value;
    bool hit =
        cache->near != NULL ? get_near(cache, ctx, key, &value) : get(cache, ctx, key, &value);
    if (!hit)
        return false;
    *ret_data = value.data;
    *ret_size = value.size;
    if (ret_version != NULL)
        *ret_version = value.version;
    return true;
}
