/* Copies in the process: what others change is seen soon, what this process changes at once, and a
 * Redis that cannot tell leaves nothing stale. */
#include "tests/integration/cache/fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cache/near.h"

#define ROOM ((size_t)64 * 1024)

static struct ink_cache *near, *other; /* with and without a near cache */

static uint64_t near_hits(void)
{
    return ink_cache_stats(near).near;
}

/* Until reads of what is in Redis come from the process. */
static void await_near(void)
{
    int64_t start = ink_now();
    uint64_t before = near_hits();
    assert_true(fixture_put(other, "blog:awaited", ink_now(), "x"));
    while (near_hits() == before && fixture_elapsed_ms(start) < 8000)
        (void)fixture_get(near, "blog:awaited", NULL);
    assert_true(near_hits() > before);
}

/* Until the value is `text` (NULL: there is none). */
static void await_value(const char *key, const char *text)
{
    int64_t start = ink_now();
    for (;;) {
        const char *value = fixture_get(near, key, NULL);
        if (text == NULL ? value == NULL : value != NULL && strcmp(value, text) == 0)
            return;
        assert_true(fixture_elapsed_ms(start) < 8000);
        fixture_sleep(1);
    }
}

static int set_up(void **state)
{
    fixture_flush(state);
    struct ink_cache_settings settings = {
        .command_timeout_ms = 5000, .connect_timeout_ms = 5000, .breaker_pause_ms = 100};
    other = fixture_cache(settings);
    settings.near_bytes = ROOM;
    settings.near_prefix = "blog:";
    near = fixture_cache(settings);
    await_near();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ink_cache_free(near);
    ink_cache_free(other);
    return 0;
}

static void a_value_read_again_is_not_asked_for(void **state)
{
    (void)state;
    int64_t version = 0;
    assert_true(fixture_put(other, "blog:1", 7, "one"));
    await_value("blog:1", "one");
    int64_t start = ink_now();
    struct ink_cache_stats before, after;
    do {
        assert_true(fixture_elapsed_ms(start) < 8000);
        before = ink_cache_stats(near);
        for (int i = 0; i < 100; i++) {
            assert_string_equal(fixture_get(near, "blog:1", &version), "one");
            assert_int_equal(version, 7);
        }
        after = ink_cache_stats(near);
        assert_int_equal(after.near - before.near + after.hits - before.hits, 100);
    } while (after.near - before.near < 98); /* the news of the put may come between */
}

static void keys_of_others_are_not_kept(void **state)
{
    (void)state;
    uint64_t before = near_hits();
    assert_true(fixture_put(near, "user:1", 1, "ada"));
    for (int i = 0; i < 10; i++)
        assert_string_equal(fixture_get(near, "user:1", NULL), "ada");
    assert_int_equal(near_hits(), before);
}

static void what_others_change_is_seen(void **state)
{
    (void)state;
    assert_true(fixture_put(other, "blog:1", 1, "one"));
    await_value("blog:1", "one");
    assert_true(fixture_put(other, "blog:1", 2, "two"));
    await_value("blog:1", "two");
    assert_true(fixture_invalidate(other, "blog:1", 3));
    await_value("blog:1", NULL);
    assert_true(fixture_put(other, "blog:1", 3, "three"));
    await_value("blog:1", "three");
    fixture_redis("DEL blog:1", NULL);
    await_value("blog:1", NULL);
    assert_true(fixture_put(other, "blog:1", 3, "three"));
    await_value("blog:1", "three");
    fixture_redis("FLUSHALL", NULL);
    await_value("blog:1", NULL);
}

static void what_ends_in_redis_ends_here(void **state)
{
    (void)state;
    struct ink_ctx *ctx = fixture_ctx(5000);
    struct ink_cache_lease lease;
    void *data;
    size_t size;
    assert_false(ink_cache_get(other, ctx, "blog:1", &lease, &data, &size, NULL));
    assert_true(ink_cache_put(other, ctx, "blog:1", &lease, 1, "one", 3, 300));
    await_value("blog:1", "one");
    await_value("blog:1", NULL);
}

static void what_this_process_changes_is_seen_at_once(void **state)
{
    (void)state;
    for (int64_t version = 1; version <= 500; version++) {
        char text[24];
        int64_t seen = 0;
        snprintf(text, sizeof(text), "%lld", (long long)version);
        assert_true(fixture_put(near, "blog:1", version, text));
        assert_string_equal(fixture_get(near, "blog:1", &seen), text);
        assert_int_equal(seen, version);
        assert_string_equal(fixture_get(near, "blog:1", NULL), text);
    }
    assert_true(fixture_invalidate(near, "blog:1", 501));
    assert_null(fixture_get(near, "blog:1", NULL));
}

#define LAST 3000
static atomic_llong acknowledged;

static void *write_versions(void *unused)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx ctx = ink_ctx_background(&arena);
    for (int64_t version = 1; version <= LAST; version++) {
        struct ink_cache_lease lease;
        void *data;
        size_t size;
        ink_cache_invalidate(near, &ctx, "blog:1", version);
        atomic_store(&acknowledged, version);
        if (!ink_cache_get(near, &ctx, "blog:1", &lease, &data, &size, NULL))
            ink_cache_put(near, &ctx, "blog:1", &lease, version, "x", 1, 0);
    }
    ink_arena_release(&arena);
    return unused;
}

static void *read_versions(void *unused)
{
    intptr_t stale = 0;
    for (int64_t before = 0; before < LAST;) {
        struct ink_arena arena;
        ink_arena_init(&arena);
        struct ink_ctx ctx = ink_ctx_background(&arena);
        struct ink_cache_lease lease;
        void *data;
        size_t size;
        int64_t version;
        before = atomic_load(&acknowledged);
        if (ink_cache_get(near, &ctx, "blog:1", &lease, &data, &size, &version))
            stale += version < before;
        ink_arena_release(&arena);
    }
    (void)unused;
    return (void *)stale;
}

/* A reader whose answer is overtaken by a writer keeps nothing of it. */
static void no_reader_sees_less_than_was_acknowledged(void **state)
{
    (void)state;
    pthread_t writer, readers[4];
    atomic_store(&acknowledged, 0);
    assert_int_equal(pthread_create(&writer, NULL, write_versions, NULL), 0);
    for (size_t i = 0; i < INK_COUNT(readers); i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_versions, NULL), 0);
    pthread_join(writer, NULL);
    for (size_t i = 0; i < INK_COUNT(readers); i++) {
        void *stale;
        pthread_join(readers[i], &stale);
        assert_null(stale);
    }
}

static const char *numbered(int i)
{
    static char key[24];
    snprintf(key, sizeof(key), "blog:%d", i);
    return key;
}

/* What the cache forgets meanwhile, because news are late, it reads again. */
static void memory_is_bounded(void **state)
{
    (void)state;
    static char text[1000];
    memset(text, 'x', sizeof(text) - 1);
    for (int i = 0; i < 200; i++)
        assert_true(fixture_put(other, numbered(i), 1, text));
    int64_t start = ink_now();
    for (int i = 0; ink_cache_stats(near).near_bytes <= ROOM / 2 || i < 400; i++) {
        assert_true(fixture_elapsed_ms(start) < 8000);
        assert_string_equal(fixture_get(near, numbered(i % 200), NULL), text);
        assert_true(ink_cache_stats(near).near_bytes <= ROOM);
    }
    static char large[ROOM / 8];
    memset(large, 'x', sizeof(large) - 1);
    assert_true(fixture_put(other, "blog:large", 1, large));
    uint64_t before = near_hits();
    for (int i = 0; i < 10; i++)
        assert_string_equal(fixture_get(near, "blog:large", NULL), large);
    assert_int_equal(near_hits(), before);
}

static void a_frozen_redis_leaves_nothing_stale(void **state)
{
    (void)state;
    assert_true(fixture_put(other, "blog:1", 1, "one"));
    await_value("blog:1", "one");
    test_control("pause", "redis");
    fixture_sleep(INK_NEAR_LEASE_MS);
    uint64_t before = near_hits();
    struct ink_ctx *ctx = fixture_ctx(100);
    struct ink_cache_lease lease;
    void *data;
    size_t size;
    assert_false(ink_cache_get(near, ctx, "blog:1", &lease, &data, &size, NULL));
    assert_int_equal(near_hits(), before);
    test_control("resume", "redis");
    await_near();
    await_value("blog:1", "one");
}

static void a_new_redis_has_nothing_of_the_old(void **state)
{
    (void)state;
    assert_true(fixture_put(other, "blog:1", 1, "one"));
    await_value("blog:1", "one");
    test_control("restart", "redis");
    await_value("blog:1", NULL);
    await_near();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_value_read_again_is_not_asked_for),
        TEST(keys_of_others_are_not_kept),
        TEST(what_others_change_is_seen),
        TEST(what_ends_in_redis_ends_here),
        TEST(what_this_process_changes_is_seen_at_once),
        TEST(no_reader_sees_less_than_was_acknowledged),
        TEST(memory_is_bounded),
        TEST(a_frozen_redis_leaves_nothing_stale),
        TEST(a_new_redis_has_nothing_of_the_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
