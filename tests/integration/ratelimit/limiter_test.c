/* A limiter on a real Redis: replicas count together, and limits go on while Redis is away. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lib/ratelimit/ratelimit.h"
#include "tests/integration/cache/fixture.h"

struct replica {
    struct ink_cache *cache;
    struct ink_limiter *limiter;
};

static struct replica replica_new(void)
{
    struct replica replica = {
        .cache = fixture_cache((struct ink_cache_settings){
            .connect_timeout_ms = 500, .command_timeout_ms = 500, .breaker_pause_ms = 200})};
    replica.limiter = ink_limiter_new(replica.cache);
    return replica;
}

static void replica_free(struct replica *replica)
{
    ink_limiter_free(replica->limiter);
    ink_cache_free(replica->cache);
}

static struct ink_bucket bucket_of(const char *key, int64_t count, int64_t seconds,
                                   enum ink_bucket_kind kind)
{
    struct ink_quota quota = {.count = count, .window_ms = seconds * 1000};
    return ink_bucket(key, &quota, kind);
}

static struct ink_decision take(struct replica *replica, struct ink_bucket *buckets, size_t count)
{
    return ink_limiter_take(replica->limiter, fixture_ctx(5000), buckets, count);
}

static void replicas_count_together(void **state)
{
    struct replica one = replica_new(), two = replica_new();
    (void)state;
    for (int64_t left = 4; left >= 0; left--) {
        struct ink_bucket bucket = bucket_of("limit:a", 5, 3600, INK_BUCKET_HARD);
        struct ink_decision decision = take(left % 2 == 0 ? &one : &two, &bucket, 1);
        assert_true(decision.allowed);
        assert_false(decision.local);
        assert_int_equal(ink_bucket_left(&bucket), left);
        assert_in_range(ink_bucket_next_ms(&bucket), 600000, 720000);
    }
    struct ink_bucket bucket = bucket_of("limit:a", 5, 3600, INK_BUCKET_HARD);
    struct ink_decision decision = take(&two, &bucket, 1);
    assert_false(decision.allowed);
    assert_in_range(decision.retry_after_ms, 600000, 720000);
    bucket = bucket_of("limit:b", 5, 3600, INK_BUCKET_HARD);
    assert_true(take(&two, &bucket, 1).allowed);
    assert_int_equal(ink_limiter_alone(one.limiter) + ink_limiter_alone(two.limiter), 0);
    replica_free(&one);
    replica_free(&two);
}

static void buckets_fill_and_keys_go(void **state)
{
    struct replica replica = replica_new();
    struct ink_bucket bucket = bucket_of("limit:quick", 2, 1, INK_BUCKET_HARD);
    (void)state;
    assert_true(take(&replica, &bucket, 1).allowed);
    assert_true(take(&replica, &bucket, 1).allowed);
    assert_in_range(fixture_redis("PTTL %s", "limit:quick"), 1, 1000);
    int64_t start = ink_now();
    while (!take(&replica, &bucket, 1).allowed)
        assert_true(fixture_elapsed_ms(start) < 5000);
    fixture_sleep(1200);
    assert_int_equal(fixture_redis("EXISTS %s", "limit:quick"), 0);
    replica_free(&replica);
}

static void all_or_none_and_back(void **state)
{
    struct replica replica = replica_new();
    struct ink_bucket buckets[] = {bucket_of("limit:wide", 5, 3600, INK_BUCKET_HARD),
                                   bucket_of("limit:narrow", 1, 3600, INK_BUCKET_HARD)};
    (void)state;
    struct ink_decision decision = take(&replica, buckets, 2);
    assert_true(decision.allowed);
    assert_false(take(&replica, buckets, 2).allowed);
    assert_int_equal(ink_bucket_left(&buckets[0]), 4);
    ink_limiter_give_back(replica.limiter, fixture_ctx(0), &decision, buckets, 2);
    assert_int_equal(ink_bucket_left(&buckets[0]), 5);
    assert_int_equal(ink_bucket_left(&buckets[1]), 1);
    assert_int_equal(fixture_redis("EXISTS %s", "limit:wide"), 0);
    assert_true(take(&replica, buckets, 2).allowed);
    replica_free(&replica);
}

/* As in the unit test of the algorithm in C: both do the same. */
static void an_advisory_bucket_squeezes(void **state)
{
    struct replica replica = replica_new();
    (void)state;
    for (int stranger = 0; stranger < 20; stranger++) {
        char key[32];
        snprintf(key, sizeof(key), "limit:f:%d", stranger);
        struct ink_bucket buckets[] = {bucket_of(key, 3, 3000, INK_BUCKET_SQUEEZED),
                                       bucket_of("limit:account", 4, 40000, INK_BUCKET_ADVISORY)};
        assert_true(take(&replica, buckets, 2).allowed);
        assert_int_equal(take(&replica, buckets, 2).allowed, stranger < 2);
    }
    struct ink_bucket buckets[] = {bucket_of("limit:f:owner", 3, 3000, INK_BUCKET_SQUEEZED),
                                   bucket_of("limit:account", 4, 40000, INK_BUCKET_ADVISORY)};
    assert_true(take(&replica, buckets, 2).allowed);
    struct ink_decision decision = take(&replica, buckets, 2);
    assert_false(decision.allowed);
    assert_in_range(decision.retry_after_ms, 900000, 1000000);
    assert_int_equal(ink_bucket_left(&buckets[0]), 0);
    replica_free(&replica);
}

static void rubbish_in_redis_is_replaced(void **state)
{
    struct replica replica = replica_new();
    struct ink_bucket bucket = bucket_of("limit:rubbish", 2, 3600, INK_BUCKET_HARD);
    (void)state;
    fixture_redis("LPUSH %s x", "limit:rubbish");
    assert_true(take(&replica, &bucket, 1).allowed);
    fixture_redis("SET %s nonsense", "limit:rubbish");
    assert_true(take(&replica, &bucket, 1).allowed);
    fixture_redis("SET %s 99999999999999999999999999", "limit:rubbish");
    struct ink_decision decision = take(&replica, &bucket, 1);
    assert_false(decision.allowed);
    assert_true(decision.retry_after_ms <= 1800000);
    fixture_redis("SCRIPT FLUSH", NULL);
    fixture_redis("DEL %s", "limit:rubbish");
    assert_true(take(&replica, &bucket, 1).allowed);
    assert_int_equal(ink_limiter_alone(replica.limiter), 0);
    replica_free(&replica);
}

struct crowd {
    struct replica *replicas;
    atomic_int next, allowed;
};

static void *push(void *self)
{
    struct crowd *crowd = self;
    struct replica *mine = &crowd->replicas[atomic_fetch_add(&crowd->next, 1) % 2];
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx ctx = ink_ctx_background(&arena);
    for (int i = 0; i < 50; i++) {
        struct ink_bucket bucket = bucket_of("limit:crowd", 40, 36000, INK_BUCKET_HARD);
        struct ink_decision decision = ink_limiter_take(mine->limiter, &ctx, &bucket, 1);
        atomic_fetch_add(&crowd->allowed, decision.allowed && !decision.local);
    }
    ink_arena_release(&arena);
    return NULL;
}

static void a_crowd_gets_no_more(void **state)
{
    struct replica replicas[] = {replica_new(), replica_new()};
    struct crowd crowd = {.replicas = replicas};
    pthread_t threads[8];
    (void)state;
    for (size_t i = 0; i < INK_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, push, &crowd), 0);
    for (size_t i = 0; i < INK_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&crowd.allowed), 40);
    replica_free(&replicas[0]);
    replica_free(&replicas[1]);
}

/* Takes until there is no more; how many there were. */
static int drain(struct replica *replica, int64_t count)
{
    int taken = 0;
    for (int i = 0; i < 50; i++) {
        struct ink_bucket bucket = bucket_of("limit:outage", count, 36000, INK_BUCKET_HARD);
        taken += take(replica, &bucket, 1).allowed;
    }
    return taken;
}

static void limits_go_on_without_redis(void **state)
{
    struct replica one = replica_new(), two = replica_new();
    (void)state;
    assert_int_equal(drain(&one, 10), 10);
    test_control("kill", "redis");
    int64_t start = ink_now();
    /* Each replica counts for itself now, and has a limit all the same. */
    assert_int_equal(drain(&one, 10), 10);
    assert_int_equal(drain(&two, 10), 10);
    assert_int_equal(drain(&one, 10), 0);
    assert_true(fixture_elapsed_ms(start) < 5000);
    assert_int_equal(ink_limiter_alone(one.limiter), 100);
    test_control("start", "redis");
    start = ink_now();
    struct ink_bucket bucket = bucket_of("limit:after", 1000, 1, INK_BUCKET_HARD);
    while (take(&one, &bucket, 1).local) {
        assert_true(fixture_elapsed_ms(start) < 10000);
        fixture_sleep(20);
    }
    assert_int_equal(drain(&one, 10), 10); /* this Redis remembers nothing */
    replica_free(&one);
    replica_free(&two);
}

static void a_frozen_redis_holds_nobody_up(void **state)
{
    struct replica replica = replica_new();
    struct ink_bucket bucket = bucket_of("limit:frozen", 1000, 3600, INK_BUCKET_HARD);
    (void)state;
    assert_false(take(&replica, &bucket, 1).local);
    test_control("pause", "redis");
    int64_t start = ink_now();
    for (int i = 0; i < 50; i++)
        assert_true(take(&replica, &bucket, 1).allowed);
    assert_true(fixture_elapsed_ms(start) < 10000);
    assert_true(ink_limiter_alone(replica.limiter) > 0);
    test_control("resume", "redis");
    replica_free(&replica);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(replicas_count_together, fixture_flush),
        cmocka_unit_test_setup(buckets_fill_and_keys_go, fixture_flush),
        cmocka_unit_test_setup(all_or_none_and_back, fixture_flush),
        cmocka_unit_test_setup(an_advisory_bucket_squeezes, fixture_flush),
        cmocka_unit_test_setup(rubbish_in_redis_is_replaced, fixture_flush),
        cmocka_unit_test_setup(a_crowd_gets_no_more, fixture_flush),
        cmocka_unit_test_setup(limits_go_on_without_redis, fixture_flush),
        cmocka_unit_test_setup(a_frozen_redis_holds_nobody_up, fixture_flush),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
