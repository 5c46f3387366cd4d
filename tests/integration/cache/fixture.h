/*
 * What the tests of lib/cache share: contexts, a cache on the test's Redis, and a plain connection
 * to look at (and spoil) what it holds.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/arena.h"
#include "lib/base/ctx.h"
#include "lib/cache/cache.h"
#include "tests/support/control.h"

/* A context whose deadline is `ms` away; its arena is emptied by the next call of the same thread.
 */
static inline struct ink_ctx *fixture_ctx(int64_t ms)
{
    static _Thread_local struct ink_arena arena;
    static _Thread_local struct ink_ctx ctx;
    ink_arena_release(&arena);
    ink_arena_init(&arena);
    ctx = ink_ctx_background(&arena);
    ctx.deadline = ink_now() + ms * INK_MILLISECOND;
    return &ctx;
}

static inline struct ink_cache *fixture_cache(struct ink_cache_settings settings)
{
    struct ink_cache *cache = NULL;
    if (settings.url == NULL)
        settings.url = test_redis_url();
    struct ink_status status = ink_cache_new(fixture_ctx(1000)->arena, &settings, &cache);
    assert_int_equal(status.code, INK_OK);
    return cache;
}

/* The value under `key` as text, or NULL for a miss. */
static inline const char *fixture_get(struct ink_cache *cache, const char *key,
                                      int64_t *ret_version)
{
    void *data = NULL;
    size_t size = 0;
    bool hit = ink_cache_get(cache, fixture_ctx(5000), key, &data, &size, ret_version);
    assert_true(!hit || strlen(data) == size);
    return hit ? data : NULL;
}

static inline bool fixture_put(struct ink_cache *cache, const char *key, int64_t version,
                               const char *text)
{
    return ink_cache_put(cache, fixture_ctx(5000), key, version, text, strlen(text), 0);
}

static inline bool fixture_invalidate(struct ink_cache *cache, const char *key, int64_t version)
{
    return ink_cache_invalidate(cache, fixture_ctx(5000), key, version);
}

static inline int fixture_port(void)
{
    return (int)strtol(strrchr(test_redis_url(), ':') + 1, NULL, 10);
}

/* Sends one command that must succeed; the reply's number. */
static inline long long fixture_redis(const char *command, const char *key)
{
    redisContext *redis = redisConnect("127.0.0.1", fixture_port());
    assert_int_equal(redis->err, 0);
    redisReply *reply =
        key != NULL ? redisCommand(redis, command, key) : redisCommand(redis, command);
    assert_non_null(reply);
    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    long long number = reply->integer;
    freeReplyObject(reply);
    redisFree(redis);
    return number;
}

static inline int64_t fixture_elapsed_ms(int64_t start)
{
    return (ink_now() - start) / INK_MILLISECOND;
}

static inline void fixture_sleep(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}
