/* Quotas, buckets, the table of a process, and a limiter without Redis. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lib/ratelimit/gcra.h"
#include "lib/ratelimit/table.h"
#include "tests/support/arena_case.h"

#define SECOND INT64_C(1000000)

static void quotas(void **state)
{
    struct ink_quota quota;
    (void)state;
    assert_int_equal(ink_quota_parse(&arena, "30/10m", &quota).code, INK_OK);
    assert_int_equal(quota.count, 30);
    assert_int_equal(quota.window_ms, 600000);
    assert_int_equal(ink_quota_parse(&arena, "1000000/1s", &quota).code, INK_OK);
    struct ink_bucket bucket = ink_bucket("k", &quota, INK_BUCKET_HARD);
    assert_int_equal(bucket.interval_us, 1);
    assert_int_equal(ink_quota_parse(&arena, "1/7d", &quota).code, INK_OK);
    assert_int_equal(quota.window_ms, 7 * 24 * 3600000);
    assert_int_equal(ink_quota_parse(&arena, "off", &quota).code, INK_OK);
    assert_int_equal(quota.count, 0);
    quota.count = 1;
    assert_int_equal(ink_quota_parse(&arena, "0", &quota).code, INK_OK);
    assert_int_equal(quota.count, 0);
    static const char *const bad[] = {
        "",
        "10",
        "10/",
        "/1m",
        "0/1m",
        "10/0m",
        "10/1",
        "-1/1m",
        "10/8d",
        "x/1m",
        "10/1w",
        "10/1m ",
        "1000001/1m",
        " 10/1m",
        "10 /1m",
        "10//1m",
        "1/1mm",
        "+1/1m",
        "1e3/1m",
        "OFF",
        "9999999999999999999/1m",
        "1/99999999999999d",
        "1/1ms",
    };
    for (size_t i = 0; i < INK_COUNT(bad); i++) {
        struct ink_status status = ink_quota_parse(&arena, bad[i], &quota);
        assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    }
}

static struct ink_bucket bucket_of(int64_t count, int64_t seconds, enum ink_bucket_kind kind)
{
    struct ink_quota quota = {.count = count, .window_ms = seconds * 1000};
    return ink_bucket("k", &quota, kind);
}

static void a_bucket_empties_and_fills(void **state)
{
    struct ink_bucket bucket = bucket_of(5, 50, INK_BUCKET_HARD);
    int64_t full = 0, now = 1000 * SECOND;
    (void)state;
    for (int64_t left = 4; left >= 0; left--) {
        assert_true(ink_gcra_take(&bucket, &full, 1, now));
        assert_int_equal(ink_bucket_left(&bucket), left);
        assert_int_equal(ink_bucket_next_ms(&bucket), 10000);
    }
    assert_int_equal(ink_bucket_wait_ms(&bucket), 10000);
    now += 4 * SECOND;
    assert_false(ink_gcra_take(&bucket, &full, 1, now));
    assert_int_equal(ink_bucket_wait_ms(&bucket), 6000);
    assert_int_equal(ink_bucket_next_ms(&bucket), 6000);
    /* The refusals took nothing: it is there when it was promised. */
    now += 6 * SECOND;
    assert_true(ink_gcra_take(&bucket, &full, 1, now));
    assert_false(ink_gcra_take(&bucket, &full, 1, now));
    now += 1000 * SECOND;
    assert_true(ink_gcra_take(&bucket, &full, 1, now));
    assert_int_equal(ink_bucket_left(&bucket), 4);
}

static void tokens_go_back(void **state)
{
    struct ink_bucket bucket = bucket_of(2, 20, INK_BUCKET_HARD);
    int64_t full = 0, now = SECOND;
    (void)state;
    assert_true(ink_gcra_take(&bucket, &full, 1, now));
    assert_true(ink_gcra_take(&bucket, &full, 1, now));
    ink_gcra_give_back(&bucket, &full, 1, now);
    assert_int_equal(ink_bucket_left(&bucket), 1);
    assert_true(ink_gcra_take(&bucket, &full, 1, now));
    for (int i = 0; i < 5; i++)
        ink_gcra_give_back(&bucket, &full, 1, now);
    assert_int_equal(ink_bucket_left(&bucket), 2); /* never more than it holds */
    assert_int_equal(ink_bucket_next_ms(&bucket), 0);
}

static void all_or_none(void **state)
{
    struct ink_bucket buckets[] = {bucket_of(5, 50, INK_BUCKET_HARD),
                                   bucket_of(1, 50, INK_BUCKET_HARD)};
    int64_t full[2] = {0}, now = SECOND;
    (void)state;
    assert_true(ink_gcra_take(buckets, full, 2, now));
    for (int i = 0; i < 10; i++)
        assert_false(ink_gcra_take(buckets, full, 2, now));
    assert_int_equal(ink_bucket_left(&buckets[0]), 4);
    assert_int_equal(ink_bucket_left(&buckets[1]), 0);
}

/* Many fail at one account, each from an address of its own; then someone comes who did not. */
static void an_advisory_bucket_squeezes(void **state)
{
    struct ink_bucket buckets[] = {bucket_of(3, 30, INK_BUCKET_SQUEEZED),
                                   bucket_of(4, 400, INK_BUCKET_ADVISORY)};
    int64_t account = 0, now = SECOND;
    (void)state;
    for (int stranger = 0; stranger < 20; stranger++) {
        int64_t full[2] = {0, account};
        assert_true(ink_gcra_take(buckets, full, 2, now));
        account = full[1];
        /* While the account has tokens a stranger may fail again; then once only. */
        assert_int_equal(ink_gcra_take(buckets, full, 2, now), stranger < 2);
        account = full[1];
    }
    int64_t owner[2] = {0, account};
    assert_true(ink_gcra_take(buckets, owner, 2, now));
    assert_false(ink_gcra_take(buckets, owner, 2, now));
    assert_int_equal(ink_bucket_wait_ms(&buckets[0]), 10000);
    assert_int_equal(ink_bucket_left(&buckets[0]), 0);
    assert_true(owner[1] <= now + 400 * SECOND);
    now += 10 * SECOND;
    assert_true(ink_gcra_take(buckets, owner, 2, now));
}

static void a_time_that_cannot_be_is_cut(void **state)
{
    struct ink_bucket bucket = bucket_of(2, 20, INK_BUCKET_HARD);
    int64_t full = INT64_C(1) << 60, now = SECOND;
    (void)state;
    assert_false(ink_gcra_take(&bucket, &full, 1, now));
    assert_int_equal(ink_bucket_wait_ms(&bucket), 10000);
}

static void the_table_keeps_the_latest(void **state)
{
    struct ink_time_table *table = ink_time_table_new(64);
    char key[32];
    (void)state;
    assert_int_equal(ink_time_table_get(table, "a"), 0);
    ink_time_table_set(table, "a", 1000000);
    ink_time_table_set(table, "a", 1000001);
    assert_int_equal(ink_time_table_get(table, "a"), 1000001);
    assert_int_equal(ink_time_table_get(table, "ab"), 0);
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof(key), "flood %d", i);
        ink_time_table_set(table, key, i + 1);
    }
    assert_int_equal(ink_time_table_get(table, "a"), 1000001);
    assert_int_equal(ink_time_table_get(table, "flood 0"), 0);
    ink_time_table_free(table);
}

static struct ink_ctx background(void)
{
    return ink_ctx_background(&arena);
}

static void alone(void **state)
{
    struct ink_limiter *limiter = ink_limiter_new(NULL);
    struct ink_ctx ctx = background();
    struct ink_bucket bucket = bucket_of(2, 3600, INK_BUCKET_HARD);
    (void)state;
    struct ink_decision first = ink_limiter_take(limiter, &ctx, &bucket, 1);
    assert_true(first.allowed && first.local);
    struct ink_decision second = ink_limiter_take(limiter, &ctx, &bucket, 1);
    assert_true(second.allowed);
    struct ink_decision third = ink_limiter_take(limiter, &ctx, &bucket, 1);
    assert_false(third.allowed);
    assert_in_range(third.retry_after_ms, 1790000, 1800000);
    ink_limiter_give_back(limiter, &ctx, &third, &bucket, 1); /* it took nothing */
    assert_false(ink_limiter_take(limiter, &ctx, &bucket, 1).allowed);
    ink_limiter_give_back(limiter, &ctx, &second, &bucket, 1);
    assert_true(ink_limiter_take(limiter, &ctx, &bucket, 1).allowed);
    assert_int_equal(ink_limiter_alone(limiter), 0); /* it has no cache to be alone without */
    ink_limiter_free(limiter);
    ink_limiter_free(NULL);
}

struct crowd {
    struct ink_limiter *limiter;
    atomic_int allowed;
};

static void *push(void *self)
{
    struct crowd *crowd = self;
    struct ink_arena own;
    ink_arena_init(&own);
    struct ink_ctx ctx = ink_ctx_background(&own);
    for (int i = 0; i < 200; i++) {
        struct ink_bucket bucket = bucket_of(100, 100000, INK_BUCKET_HARD);
        atomic_fetch_add(&crowd->allowed,
                         ink_limiter_take(crowd->limiter, &ctx, &bucket, 1).allowed);
    }
    ink_arena_release(&own);
    return NULL;
}

static void a_crowd_gets_no_more(void **state)
{
    struct crowd crowd = {.limiter = ink_limiter_new(NULL)};
    pthread_t threads[8];
    (void)state;
    for (size_t i = 0; i < INK_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, push, &crowd), 0);
    for (size_t i = 0; i < INK_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&crowd.allowed), 100);
    ink_limiter_free(crowd.limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotas),
        cmocka_unit_test(a_bucket_empties_and_fills),
        cmocka_unit_test(tokens_go_back),
        cmocka_unit_test(all_or_none),
        cmocka_unit_test(an_advisory_bucket_squeezes),
        cmocka_unit_test(a_time_that_cannot_be_is_cut),
        cmocka_unit_test(the_table_keeps_the_latest),
        cmocka_unit_test(alone),
        cmocka_unit_test(a_crowd_gets_no_more),
    };
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
