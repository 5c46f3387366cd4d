#include "tests/integration/cache/fixture.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct ink_cache *fixture_cache(struct ink_cache_settings settings)
{
    struct ink_cache *cache = NULL;
    struct ink_arena arena; /* not fixture_ctx(): the URL may live there */
    ink_arena_init(&arena);
    if (settings.url == NULL)
        settings.url = test_redis_url();
    struct ink_status status = ink_cache_new(&arena, &settings, &cache);
    ink_arena_release(&arena);
    assert_int_equal(status.code, INK_OK);
    return cache;
}

const char *fixture_get(struct ink_cache *cache, const char *key, int64_t *ret_version)
{
    void *data = NULL;
    size_t size = 0;
    struct ink_cache_lease lease;
    bool hit = ink_cache_get(cache, fixture_ctx(5000), key, &lease, &data, &size, ret_version);
    assert_true(!hit || lease.mark[0] == '\0');
    assert_true(!hit || strlen(data) == size);
    return hit ? data : NULL;
}

bool fixture_offer(struct ink_cache *cache, const char *key, int64_t version, const char *text)
{
    struct ink_ctx *ctx = fixture_ctx(5000);
    void *data = NULL;
    size_t size = 0;
    struct ink_cache_lease lease;
    return !ink_cache_get(cache, ctx, key, &lease, &data, &size, NULL) &&
           ink_cache_put(cache, ctx, key, &lease, version, text, strlen(text), 0);
}

bool fixture_put(struct ink_cache *cache, const char *key, int64_t version, const char *text)
{
    return fixture_invalidate(cache, key, version) && fixture_offer(cache, key, version, text);
}

bool fixture_invalidate(struct ink_cache *cache, const char *key, int64_t version)
{
    return ink_cache_invalidate(cache, fixture_ctx(5000), key, version);
}

int fixture_port(void)
{
    return (int)strtol(strrchr(test_redis_url(), ':') + 1, NULL, 10);
}

long long fixture_redis(const char *command, const char *key)
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

int fixture_flush(void **state)
{
    (void)state;
    fixture_redis("FLUSHALL", NULL);
    return 0;
}

void fixture_sleep(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}
