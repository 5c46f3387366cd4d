/* A Redis that is killed, frozen or full of connections: misses, quickly, and no stale entry when
 * it is back. */
#include "tests/integration/cache/fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct ink_cache *quick(void)
{
    return fixture_cache((struct ink_cache_settings){
        .connect_timeout_ms = 300, .command_timeout_ms = 300, .breaker_pause_ms = 200});
}

static void await(struct ink_cache *cache)
{
    int64_t start = ink_now();
    while (!fixture_offer(cache, "awaited", ink_now(), "x") && fixture_elapsed_ms(start) < 8000)
        fixture_sleep(20);
    assert_int_equal(ink_cache_stats(cache).breaker, INK_BREAKER_CLOSED);
}

static void killed_redis_is_a_miss_and_comes_back(void **state)
{
    (void)state;
    struct ink_cache *cache = quick();
    assert_true(fixture_put(cache, "k", 1, "one"));
    test_control("kill", "redis");
    int64_t start = ink_now();
    for (int i = 0; i < 100; i++) {
        assert_null(fixture_get(cache, "k", NULL));
        assert_false(fixture_offer(cache, "k", 2, "two"));
    }
    assert_true(fixture_elapsed_ms(start) < 3000);
    struct ink_cache_stats stats = ink_cache_stats(cache);
    assert_int_equal(stats.breaker, INK_BREAKER_OPEN);
    assert_int_equal(stats.errors, 200);
    assert_int_equal(stats.open, 0);
    test_control("start", "redis");
    await(cache);
    assert_true(fixture_put(cache, "k", 3, "three"));
    assert_string_equal(fixture_get(cache, "k", NULL), "three");
    ink_cache_free(cache);
}

static void restart_between_calls_is_not_noticed(void **state)
{
    (void)state;
    struct ink_cache *cache = quick();
    assert_true(fixture_put(cache, "k", 1, "one"));
    test_control("restart", "redis");
    assert_true(fixture_put(cache, "k", 1, "one"));
    assert_int_equal(ink_cache_stats(cache).errors, 0);
    ink_cache_free(cache);
}

static void cache_may_be_made_while_redis_is_away(void **state)
{
    (void)state;
    test_control("stop", "redis");
    struct ink_cache *cache = quick();
    assert_null(fixture_get(cache, "k", NULL));
    test_control("start", "redis");
    await(cache);
    ink_cache_free(cache);
}

static void frozen_redis_costs_its_timeout_until_the_breaker_opens(void **state)
{
    (void)state;
    struct ink_cache *cache = quick();
    assert_true(fixture_put(cache, "k", 1, "one"));
    test_control("pause", "redis");
    int64_t start = ink_now();
    for (int i = 0; i < 5; i++)
        assert_null(fixture_get(cache, "k", NULL));
    assert_in_range(fixture_elapsed_ms(start), 1490, 4000);
    assert_int_equal(ink_cache_stats(cache).breaker, INK_BREAKER_OPEN);
    start = ink_now();
    for (int i = 0; i < 100; i++)
        assert_null(fixture_get(cache, "k", NULL));
    assert_true(fixture_elapsed_ms(start) < 3000);
    test_control("resume", "redis");
    await(cache);
    assert_string_equal(fixture_get(cache, "k", NULL), "one");
    ink_cache_free(cache);
}

static void context_bounds_every_command(void **state)
{
    (void)state;
    struct ink_cache *cache = fixture_cache(
        (struct ink_cache_settings){.command_timeout_ms = 5000, .connect_timeout_ms = 5000});
    assert_true(fixture_put(cache, "k", 1, "one"));
    test_control("pause", "redis");
    struct ink_cache_lease lease;
    void *data;
    size_t size;
    for (int i = 0; i < 8; i++) { /* on a connection, then while connecting */
        int64_t start = ink_now();
        assert_false(ink_cache_get(cache, fixture_ctx(50), "k", &lease, &data, &size, NULL));
        assert_true(fixture_elapsed_ms(start) < 1500);
    }
    /* Contexts in a hurry prove nothing about Redis. */
    assert_int_equal(ink_cache_stats(cache).breaker, INK_BREAKER_CLOSED);
    test_control("resume", "redis");
    assert_string_equal(fixture_get(cache, "k", NULL), "one");
    ink_cache_free(cache);
}

static void await_delivery(struct ink_cache *cache)
{
    int64_t start = ink_now();
    while (ink_cache_stats(cache).undelivered > 0 && fixture_elapsed_ms(start) < 8000)
        fixture_sleep(5);
    assert_int_equal(ink_cache_stats(cache).undelivered, 0);
}

/* By itself: the process that owes it may have nothing else to ask, and others read. */
static void what_redis_missed_is_told_without_a_read(void **state)
{
    (void)state;
    struct ink_cache *cache = quick(), *other = quick();
    assert_true(fixture_put(cache, "user:1", 4, "four"));
    test_control("pause", "redis");
    assert_false(fixture_invalidate(cache, "user:1", 5));
    fixture_sleep(2500); /* long enough for its connection to be given up */
    assert_false(fixture_invalidate(cache, "user:2", 5));
    assert_int_equal(ink_cache_stats(cache).undelivered, 2);
    test_control("resume", "redis");
    await_delivery(cache);
    assert_false(fixture_offer(other, "user:1", 4, "four"));
    assert_false(fixture_offer(other, "user:2", 4, "four"));
    ink_cache_free(cache);
    ink_cache_free(other);
}

static void *read_one(void *arg)
{
    void *data;
    size_t size;
    struct ink_cache_lease lease;
    bool hit = ink_cache_get(arg, fixture_ctx(8000), "user:1", &lease, &data, &size, NULL);
    return hit ? arg : NULL;
}

/* Somebody else's read waits for a frozen Redis when that is back, and finds nothing stale, though
 * the process that changed it had given up on Redis before, and is dead by now. */
static void a_frozen_redis_hears_before_it_is_asked(void **state)
{
    (void)state;
    struct ink_cache *writer = fixture_cache((struct ink_cache_settings){.connect_timeout_ms = 300,
                                                                         .command_timeout_ms = 50,
                                                                         .breaker_failures = 1}),
                     *reader = fixture_cache((struct ink_cache_settings){
                         .connect_timeout_ms = 5000, .command_timeout_ms = 5000});
    test_control("pause", "redis");
    assert_false(fixture_invalidate(writer, "awaited", 1));
    test_control("resume", "redis");
    await_delivery(writer); /* so its connection for such cases stands */
    await(writer);
    assert_true(fixture_put(reader, "user:1", 4, "four"));

    test_control("pause", "redis");
    assert_null(fixture_get(writer, "user:1", NULL));
    assert_int_equal(ink_cache_stats(writer).breaker, INK_BREAKER_OPEN);
    assert_false(fixture_invalidate(writer, "user:1", 5));
    fixture_sleep(100);
    ink_cache_free(writer);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_one, reader), 0);
    fixture_sleep(100);
    test_control("resume", "redis");
    void *stale;
    pthread_join(thread, &stale);
    assert_null(stale);
    ink_cache_free(reader);
}

/* The update that Redis did not hear of must hide the entry that Redis kept. */
static void missed_invalidation_is_delivered_before_the_first_read(void **state)
{
    (void)state;
    struct ink_cache *cache = quick();
    assert_true(fixture_put(cache, "user:1", 4, "four"));
    assert_true(fixture_put(cache, "user:2", 4, "four"));
    test_control("pause", "redis");
    struct ink_ctx *ctx = fixture_ctx(10000);
    struct ink_cache_mark marks[300]; /* more than one delivery takes */
    for (int i = 0; i < 300; i++)
        marks[i] = (struct ink_cache_mark){ink_arena_printf(ctx->arena, "user:%d", 1000 + i), 1};
    ink_cache_invalidate_all(cache, ctx, marks, 300);
    assert_false(fixture_invalidate(cache, "user:1", 5));
    assert_int_equal(ink_cache_stats(cache).undelivered, 301);
    test_control("resume", "redis");

    int64_t start = ink_now();
    while (ink_cache_stats(cache).undelivered > 0 && fixture_elapsed_ms(start) < 3000) {
        assert_null(fixture_get(cache, "user:1", NULL));
        fixture_sleep(10);
    }
    assert_int_equal(ink_cache_stats(cache).undelivered, 0);
    await(cache);
    assert_null(fixture_get(cache, "user:1", NULL));
    assert_false(fixture_offer(cache, "user:1", 4, "four, from a late reader"));
    assert_string_equal(fixture_get(cache, "user:2", NULL), "four");
    assert_true(fixture_put(cache, "user:1", 5, "five"));
    assert_string_equal(fixture_get(cache, "user:1", NULL), "five");
    ink_cache_free(cache);
}

static char *many_key(int number)
{
    static char key[24];
    snprintf(key, sizeof(key), "user:%d", number);
    return key;
}

/* A process dies and owes Redis an invalidation; its successor does not read what it left. */
static void what_a_dead_process_left_is_not_trusted(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    struct ink_cache *patient =
        fixture_cache((struct ink_cache_settings){.command_timeout_ms = 5000});
    for (int i = 0; i < MANY; i++)
        assert_true(fixture_put(patient, many_key(i), 4, "four"));
    assert_true(fixture_put(patient, "other:1", 4, "another service's"));
    ink_cache_free(patient);
    struct ink_cache *dead = quick();
    test_control("pause", "redis");
    assert_false(fixture_invalidate(dead, "user:7", 5));
    ink_cache_free(dead);

    struct ink_cache *cache = fixture_cache((struct ink_cache_settings){
        .command_timeout_ms = 1000, .breaker_pause_ms = 50, .sweep = "user:*"});
    assert_null(fixture_get(cache, "user:7", NULL));
    test_control("resume", "redis");
    for (int i = 0; i < MANY; i++)
        assert_null(fixture_get(cache, many_key(i), NULL));
    assert_false(fixture_offer(cache, "user:7", 3, "three, from a late reader"));
    assert_true(fixture_put(cache, "user:7", 5, "five"));
    assert_string_equal(fixture_get(cache, "user:7", NULL), "five");
    assert_true(fixture_offer(cache, "user:8", 4, "four, from the row"));
    assert_string_equal(fixture_get(cache, "user:8", NULL), "four, from the row");
    assert_string_equal(fixture_get(cache, "other:1", NULL), "another service's");
    ink_cache_free(cache);
}

/* More changes than are kept while Redis is away: of those that are forgotten nothing old is read.
 */
static void what_was_forgotten_is_not_trusted(void **state)
{
    (void)state;
    enum { TOO_MANY = INK_CACHE_BACKLOG + 100 };
    struct ink_cache *cache = fixture_cache((struct ink_cache_settings){
        .command_timeout_ms = 1000, .breaker_pause_ms = 50, .sweep = "user:*"});
    assert_true(fixture_put(cache, "user:first", 4, "four"));
    assert_string_equal(fixture_get(cache, "user:first", NULL), "four");
    test_control("pause", "redis");
    assert_false(fixture_invalidate(cache, "user:first", 5));
    for (int i = 0; i < TOO_MANY; i++)
        (void)fixture_invalidate(cache, many_key(i), 5);
    test_control("resume", "redis");
    int64_t start = ink_now();
    const char *text = NULL;
    while (text == NULL && fixture_elapsed_ms(start) < 8000) {
        (void)fixture_offer(cache, "user:new", 1, "new");
        text = fixture_get(cache, "user:new", NULL);
        assert_null(fixture_get(cache, "user:first", NULL));
        fixture_sleep(10);
    }
    assert_non_null(text);
    assert_null(fixture_get(cache, "user:first", NULL));
    ink_cache_free(cache);
}

/* Nor what it read before and is still on its way to Redis: the kernel sends what a process has
 * written, be it dead or not. Other readers' doubts last. */
static void what_a_dead_process_sent_is_not_taken(void **state)
{
    (void)state;
    struct ink_cache *dead = quick();
    struct ink_cache_lease lease;
    void *data;
    size_t size;
    assert_false(ink_cache_get(dead, fixture_ctx(5000), "user:1", &lease, &data, &size, NULL));
    ink_cache_doubt(dead, fixture_ctx(5000), "user:2");
    struct ink_cache *cache =
        fixture_cache((struct ink_cache_settings){.command_timeout_ms = 1000, .sweep = "user:*"});
    assert_null(fixture_get(cache, "user:3", NULL)); /* after the sweep */
    assert_false(ink_cache_put(dead, fixture_ctx(5000), "user:1", &lease, 4, "four", 4, 0));
    assert_null(fixture_get(cache, "user:1", NULL));
    assert_true(fixture_put(cache, "user:1", 5, "five"));
    assert_false(fixture_put(cache, "user:2", 5, "five"));
    assert_in_range(fixture_redis("PTTL %s", "user:2"), 1, INK_CACHE_MARK_TTL_MS);
    ink_cache_free(dead);
    ink_cache_free(cache);
}

/* Redis comes back with what it had once, from its disk. */
static void what_a_restarted_redis_has_is_not_trusted(void **state)
{
    (void)state;
    struct ink_cache *cache = fixture_cache((struct ink_cache_settings){.sweep = "user:*"});
    assert_true(fixture_put(cache, "user:1", 4, "four"));
    assert_string_equal(fixture_get(cache, "user:1", NULL), "four");
    assert_true(fixture_invalidate(cache, "user:1", 5));
    test_control("restart", "redis");
    struct ink_cache *disk = quick();
    assert_true(fixture_put(disk, "user:1", 4, "four"));
    ink_cache_free(disk);
    assert_null(fixture_get(cache, "user:1", NULL));
    assert_true(fixture_put(cache, "user:1", 5, "five"));
    assert_string_equal(fixture_get(cache, "user:1", NULL), "five");
    ink_cache_free(cache);
}

static void late_caller_still_invalidates(void **state)
{
    (void)state;
    struct ink_cache *cache = quick();
    assert_true(fixture_put(cache, "k", 1, "one"));
    struct ink_cache_lease lease;
    void *data;
    size_t size;
    assert_false(ink_cache_get(cache, fixture_ctx(5000), "gone", &lease, &data, &size, NULL));
    assert_false(ink_cache_put(cache, fixture_ctx(-1), "gone", &lease, 2, "two", 3, 0));
    assert_true(ink_cache_invalidate(cache, fixture_ctx(-1), "k", 2));
    assert_null(fixture_get(cache, "k", NULL));
    ink_cache_free(cache);
}

static void *hammer(void *arg)
{
    struct ink_cache *cache = arg;
    for (int i = 0; i < 300; i++) {
        fixture_put(cache, "k", i, "value");
        const char *text = fixture_get(cache, "k", NULL);
        assert_true(text == NULL || strcmp(text, "value") == 0);
        fixture_invalidate(cache, "gone", i);
        fixture_sleep(1);
    }
    return NULL;
}

static void many_threads_outlive_many_outages(void **state)
{
    (void)state;
    struct ink_cache *cache = fixture_cache((struct ink_cache_settings){
        .size = 4, .connect_timeout_ms = 50, .command_timeout_ms = 50, .breaker_pause_ms = 20});
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, hammer, cache);
    for (int i = 0; i < 2; i++) {
        test_control("kill", "redis");
        fixture_sleep(50);
        test_control("start", "redis");
        fixture_sleep(50);
        test_control("pause", "redis");
        fixture_sleep(150);
        test_control("resume", "redis");
    }
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    await(cache);
    struct ink_cache_stats stats = ink_cache_stats(cache);
    assert_int_equal(stats.in_use, 0);
    assert_in_range(stats.open, 1, 4);
    ink_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(killed_redis_is_a_miss_and_comes_back, fixture_flush),
        cmocka_unit_test_setup(what_a_restarted_redis_has_is_not_trusted, fixture_flush),
        cmocka_unit_test_setup(restart_between_calls_is_not_noticed, fixture_flush),
        cmocka_unit_test_setup(cache_may_be_made_while_redis_is_away, fixture_flush),
        cmocka_unit_test_setup(frozen_redis_costs_its_timeout_until_the_breaker_opens,
                               fixture_flush),
        cmocka_unit_test_setup(context_bounds_every_command, fixture_flush),
        cmocka_unit_test_setup(what_redis_missed_is_told_without_a_read, fixture_flush),
        cmocka_unit_test_setup(a_frozen_redis_hears_before_it_is_asked, fixture_flush),
        cmocka_unit_test_setup(missed_invalidation_is_delivered_before_the_first_read,
                               fixture_flush),
        cmocka_unit_test_setup(what_a_dead_process_left_is_not_trusted, fixture_flush),
        cmocka_unit_test_setup(what_a_dead_process_sent_is_not_taken, fixture_flush),
        cmocka_unit_test_setup(what_was_forgotten_is_not_trusted, fixture_flush),
        cmocka_unit_test_setup(late_caller_still_invalidates, fixture_flush),
        cmocka_unit_test_setup(many_threads_outlive_many_outages, fixture_flush),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
