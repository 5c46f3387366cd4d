/* Entries and their versions in a real Redis. */
#include "tests/integration/cache/fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/random.h"

static struct ink_cache *cache;

/* Patient: these tests are about versions, and the machine may be busy. */
static const struct ink_cache_settings patient = {.command_timeout_ms = 5000,
                                                  .connect_timeout_ms = 5000};

static int set_up(void **state)
{
    (void)state;
    cache = fixture_cache(patient);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ink_cache_free(cache);
    return 0;
}

/* The lease of a read that finds nothing. */
static struct ink_cache_lease miss(const char *key)
{
    struct ink_cache_lease lease;
    void *data;
    size_t size;
    assert_false(ink_cache_get(cache, fixture_ctx(5000), key, &lease, &data, &size, NULL));
    return lease;
}

/* What a reader puts who missed, and read the row since. */
static bool put(const struct ink_cache_lease *lease, const char *key, int64_t version,
                const char *text)
{
    return ink_cache_put(cache, fixture_ctx(5000), key, lease, version, text, strlen(text), 0);
}

static void value_comes_back_with_its_version(void **state)
{
    (void)state;
    struct ink_cache_stats before = ink_cache_stats(cache);
    int64_t version = -1;
    struct ink_cache_lease lease = miss("user:1");
    assert_true(put(&lease, "user:1", INT64_MAX, "ada"));
    assert_string_equal(fixture_get(cache, "user:1", &version), "ada");
    assert_true(version == INT64_MAX);
    struct ink_cache_stats after = ink_cache_stats(cache);
    assert_int_equal(after.hits - before.hits, 1);
    assert_int_equal(after.misses - before.misses, 1);
    assert_int_equal(after.errors, before.errors);
    assert_int_equal(after.breaker, INK_BREAKER_CLOSED);
}

static void any_bytes_pass(void **state)
{
    (void)state;
    static char bytes[1 << 20];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7);
    struct ink_ctx *ctx = fixture_ctx(5000);
    struct ink_cache_lease lease = miss("blog:1");
    assert_true(ink_cache_put(cache, ctx, "blog:1", &lease, 1, bytes, sizeof(bytes), 0));
    lease = miss("blog:2");
    assert_true(ink_cache_put(cache, ctx, "blog:2", &lease, 1, NULL, 0, 0));
    void *data = NULL;
    size_t size = 0;
    assert_true(ink_cache_get(cache, ctx, "blog:1", &lease, &data, &size, NULL));
    assert_int_equal(size, sizeof(bytes));
    assert_memory_equal(data, bytes, size);
    assert_true(ink_cache_get(cache, ctx, "blog:2", &lease, &data, &size, NULL));
    assert_int_equal(size, 0);
}

static void only_a_newer_version_replaces(void **state)
{
    (void)state;
    assert_true(fixture_put(cache, "k", 10, "ten"));
    assert_false(fixture_put(cache, "k", 9, "nine"));
    assert_false(fixture_put(cache, "k", 10, "another ten"));
    assert_string_equal(fixture_get(cache, "k", NULL), "ten");
    assert_true(fixture_put(cache, "k", 11, "eleven"));
    assert_string_equal(fixture_get(cache, "k", NULL), "eleven");
}

/* Neighbours that a floating-point number cannot tell apart. */
static void versions_are_compared_exactly(void **state)
{
    (void)state;
    assert_true(fixture_put(cache, "k", INT64_MAX - 1, "older"));
    assert_true(fixture_put(cache, "k", INT64_MAX, "newer"));
    assert_false(fixture_put(cache, "k", INT64_MAX - 1, "older"));
    assert_string_equal(fixture_get(cache, "k", NULL), "newer");
}

static void invalidation_hides_and_refuses_what_is_older(void **state)
{
    (void)state;
    assert_true(fixture_put(cache, "k", 4, "four"));
    assert_true(fixture_invalidate(cache, "k", 5));
    assert_null(fixture_get(cache, "k", NULL));
    assert_false(fixture_offer(cache, "k", 4, "four, from a reader that was late"));
    assert_null(fixture_get(cache, "k", NULL));
    assert_true(fixture_offer(cache, "k", 5, "five"));
    assert_string_equal(fixture_get(cache, "k", NULL), "five");
}

/* A lease is good for as long as the mark that it stands for. */

static void a_change_ends_the_leases(void **state)
{
    (void)state;
    struct ink_cache_lease lease = miss("k");
    assert_true(fixture_invalidate(cache, "k", 5));
    assert_false(put(&lease, "k", 4, "four"));
    assert_false(put(&lease, "k", 5, "five, which this reader cannot know"));
    lease = miss("k");
    assert_true(put(&lease, "k", 5, "five"));
}

/* A reader reads version 4; a writer makes it 5, and says so; Redis forgets all of that. */
static void what_redis_forgot_is_not_put_by_who_read_before(void **state)
{
    (void)state;
    struct ink_cache_lease late = miss("k");
    assert_true(fixture_invalidate(cache, "k", 5));
    fixture_redis("FLUSHALL", NULL);
    assert_false(put(&late, "k", 4, "four"));
    struct ink_cache_lease lease = miss("k"); /* there is a mark again, and it is another one */
    assert_false(put(&late, "k", 4, "four"));
    assert_true(put(&lease, "k", 5, "five"));
    assert_false(put(&late, "k", 4, "four"));
    assert_string_equal(fixture_get(cache, "k", NULL), "five");
}

/* The mark of version 5 is made, forgotten, and made again by who did not know that; meanwhile the
 * row has version 6. */
static void a_mark_made_again_is_another_one(void **state)
{
    (void)state;
    assert_true(fixture_invalidate(cache, "k", 5));
    struct ink_cache_lease late = miss("k");
    assert_true(fixture_invalidate(cache, "k", 6));
    fixture_redis("DEL %s", "k");
    assert_true(fixture_invalidate(cache, "k", 5));
    assert_false(put(&late, "k", 5, "five"));
    assert_null(fixture_get(cache, "k", NULL));
}

static void of_two_that_miss_one_puts(void **state)
{
    (void)state;
    struct ink_cache_lease first = miss("k"), second = miss("k");
    assert_true(put(&second, "k", 4, "four"));
    assert_false(put(&first, "k", 4, "also four"));
    assert_string_equal(fixture_get(cache, "k", NULL), "four");
}

/* A change that ended without a result, and happened later: what Redis forgets meanwhile it is told
 * again. */
static void a_doubt_outlives_what_redis_forgets(void **state)
{
    (void)state;
    struct ink_cache *doubter =
        fixture_cache(patient); /* what it repeats later is not for others */
    assert_true(fixture_put(doubter, "k", 4, "four"));
    ink_cache_doubt(doubter, fixture_ctx(5000), "k");
    assert_false(fixture_offer(doubter, "k", 4, "four"));
    fixture_redis("FLUSHALL", NULL);
    assert_true(fixture_offer(doubter, "k", 4, "four, before the change happened"));
    int64_t start = ink_now();
    while (fixture_get(doubter, "k", NULL) != NULL && fixture_elapsed_ms(start) < 8000)
        fixture_sleep(10);
    assert_false(fixture_offer(doubter, "k", 4, "four"));
    ink_cache_free(doubter);
}

static void without_a_lease_nothing_is_put(void **state)
{
    (void)state;
    struct ink_cache_lease none = {0};
    assert_false(put(&none, "k", 4, "four"));
    struct ink_cache_lease lease = miss("other");
    assert_false(put(&lease, "k", 4, "four"));
    assert_null(fixture_get(cache, "k", NULL));
}

static void who_misses_and_dies_leaves_little(void **state)
{
    (void)state;
    (void)miss("k");
    assert_in_range(fixture_redis("PTTL %s", "k"), 1, INK_CACHE_LEASE_MS);
}

/* It answers what it has, forgets what is stale, and does not count as broken. */
static void full_redis_takes_nothing_new(void **state)
{
    (void)state;
    assert_true(fixture_put(cache, "k", 4, "four"));
    assert_true(fixture_put(cache, "stale", 4, "four"));
    fixture_redis("CONFIG SET maxmemory-policy noeviction maxmemory 1", NULL);
    struct ink_cache_lease lease = miss("new");
    assert_false(put(&lease, "new", 1, "one"));
    assert_string_equal(fixture_get(cache, "k", NULL), "four");
    assert_true(fixture_invalidate(cache, "stale", 5));
    assert_null(fixture_get(cache, "stale", NULL));
    fixture_redis("CONFIG SET maxmemory-policy allkeys-lru maxmemory 256mb", NULL);
    assert_int_equal(ink_cache_stats(cache).errors, 0);
    assert_true(fixture_put(cache, "new", 1, "one"));
}

/* What the release before this one wrote: values are read; its marks have no random digits, so
 * nothing can be put on them until they end. */
static void entries_of_the_release_before(void **state)
{
    (void)state;
    fixture_redis("SET %s 00000000000000000041four", "k");
    assert_string_equal(fixture_get(cache, "k", NULL), "four");
    assert_true(fixture_put(cache, "k", 5, "five"));
    fixture_redis("SET %s 00000000000000000050", "k");
    assert_false(fixture_offer(cache, "k", 5, "five"));
    assert_true(fixture_put(cache, "k", 6, "six"));
    assert_string_equal(fixture_get(cache, "k", NULL), "six");
}

/* More of them than one request takes. */
static void many_are_hidden_at_once(void **state)
{
    (void)state;
    struct ink_cache_mark marks[300];
    char keys[300][24];
    for (int i = 0; i < 300; i++) {
        snprintf(keys[i], sizeof(keys[i]), "many:%d", i);
        marks[i] = (struct ink_cache_mark){keys[i], 5 + i % 2};
        assert_true(fixture_put(cache, keys[i], 5, "five"));
    }
    ink_cache_invalidate_all(cache, fixture_ctx(10000), marks, 300);
    for (int i = 0; i < 300; i++) {
        bool is_old = i % 2 == 1;
        assert_true(is_old == (fixture_get(cache, keys[i], NULL) == NULL));
        assert_false(fixture_put(cache, keys[i], 5, "five")); /* known, or overtaken */
    }
    assert_int_equal(ink_cache_stats(cache).undelivered, 0);
}

static void late_invalidation_keeps_what_is_current(void **state)
{
    (void)state;
    assert_true(fixture_put(cache, "k", 5, "five"));
    assert_true(fixture_invalidate(cache, "k", 5));
    assert_true(fixture_invalidate(cache, "k", 4));
    assert_string_equal(fixture_get(cache, "k", NULL), "five");
}

static void entries_expire(void **state)
{
    (void)state;
    long long shortest = INK_CACHE_TTL_MS, longest = 0;
    for (int i = 0; i < 30; i++) {
        char key[24];
        snprintf(key, sizeof(key), "ttl:%d", i);
        assert_true(fixture_put(cache, key, 1, "x"));
        long long ttl = fixture_redis("PTTL %s", key);
        assert_in_range(ttl, INK_CACHE_TTL_MS / 10 * 9 - 5000, INK_CACHE_TTL_MS);
        shortest = ttl < shortest ? ttl : shortest;
        longest = ttl > longest ? ttl : longest;
    }
    assert_true(longest - shortest > INK_CACHE_TTL_MS / 50); /* not all at once */
    assert_true(fixture_invalidate(cache, "mark", 1));
    assert_in_range(fixture_redis("PTTL %s", "mark"), INK_CACHE_MARK_TTL_MS - 5000,
                    INK_CACHE_MARK_TTL_MS);
    struct ink_cache_lease lease = miss("short");
    assert_true(ink_cache_put(cache, fixture_ctx(5000), "short", &lease, 1, "x", 1, 50));
    fixture_sleep(80);
    assert_null(fixture_get(cache, "short", NULL));
}

static void forgotten_script_is_sent_again(void **state)
{
    (void)state;
    assert_true(fixture_put(cache, "k", 1, "one"));
    fixture_redis("SCRIPT FLUSH", NULL);
    assert_true(fixture_put(cache, "k", 2, "two"));
    assert_true(fixture_put(cache, "k", 3, "three"));
    assert_string_equal(fixture_get(cache, "k", NULL), "three");
    assert_int_equal(ink_cache_stats(cache).errors, 0);
}

static void what_others_left_is_a_miss_and_is_replaced(void **state)
{
    (void)state;
    fixture_redis("SET %s foreign", "text");
    fixture_redis("HSET %s field foreign", "hash");
    static const char *const keys[] = {"text", "hash"};
    for (size_t i = 0; i < INK_COUNT(keys); i++) {
        assert_true(fixture_offer(cache, keys[i], 1, "ours"));
        assert_string_equal(fixture_get(cache, keys[i], NULL), "ours");
    }
    assert_int_equal(ink_cache_stats(cache).breaker, INK_BREAKER_CLOSED);
}

static void passwords_and_databases(void **state)
{
    (void)state;
    struct ink_ctx *ctx = fixture_ctx(5000);
    fixture_redis("ACL SETUSER app on >se:cr@et ~* +@all", NULL);
    struct ink_cache_settings settings = patient;
    settings.url =
        ink_arena_printf(ctx->arena, "redis://app:se%%3Acr%%40et@127.0.0.1:%d/3", fixture_port());
    struct ink_cache *other = fixture_cache(settings);
    assert_true(fixture_put(other, "k", 1, "in database 3"));
    assert_null(fixture_get(cache, "k", NULL));
    assert_string_equal(fixture_get(other, "k", NULL), "in database 3");
    ink_cache_free(other);

    ctx = fixture_ctx(5000);
    settings.url = ink_arena_printf(ctx->arena, "redis://app:wrong@127.0.0.1:%d", fixture_port());
    other = fixture_cache(settings);
    assert_false(fixture_put(other, "k", 1, "x"));
    assert_int_equal(ink_cache_stats(other).errors, 1);
    ink_cache_free(other);
}

/* A row, its cache, many readers and writers, and a Redis that forgets: whoever reads a hit must
 * not see a version older than one that was committed and announced before the read began. */
static atomic_llong row;
static atomic_llong announced;
static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int hits, stale;

static void write_once(void)
{
    pthread_mutex_lock(&write_lock); /* a row has one writer at a time */
    long long version = atomic_fetch_add(&row, 1) + 1;
    pthread_mutex_unlock(&write_lock);
    fixture_invalidate(cache, "row", version);
    long long seen = atomic_load(&announced);
    while (seen < version && !atomic_compare_exchange_weak(&announced, &seen, version))
        ;
}

static void read_once(void)
{
    long long at_least = atomic_load(&announced);
    int64_t version = -1;
    struct ink_cache_lease lease;
    void *text;
    size_t size;
    if (ink_cache_get(cache, fixture_ctx(5000), "row", &lease, &text, &size, &version)) {
        atomic_fetch_add(&hits, 1);
        if (version < at_least || strtoll(text, NULL, 10) != version)
            atomic_fetch_add(&stale, 1);
        return;
    }
    long long loaded = atomic_load(&row);
    if (ink_random_jitter() % 4 == 0)
        fixture_sleep(1); /* be overtaken now and then */
    char value[24];
    snprintf(value, sizeof(value), "%lld", loaded);
    (void)put(&lease, "row", loaded, value);
}

static void *race(void *arg)
{
    int number = (int)(intptr_t)arg;
    for (int i = 0; i < 400; i++) {
        if (number % 4 != 0)
            read_once();
        else if (i % 8 == 7)
            fixture_redis("DEL %s", "row");
        else
            write_once();
    }
    return NULL;
}

static void readers_never_see_what_was_overtaken(void **state)
{
    (void)state;
    pthread_t threads[16];
    for (intptr_t i = 0; i < 16; i++)
        pthread_create(&threads[i], NULL, race, (void *)i);
    for (int i = 0; i < 16; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(ink_cache_stats(cache).errors, 0);
    assert_true(atomic_load(&hits) > 100);
    assert_int_equal(atomic_load(&stale), 0);
    assert_int_equal(ink_cache_stats(cache).in_use, 0);
    assert_in_range(ink_cache_stats(cache).open, 1, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(value_comes_back_with_its_version, fixture_flush),
        cmocka_unit_test_setup(any_bytes_pass, fixture_flush),
        cmocka_unit_test_setup(only_a_newer_version_replaces, fixture_flush),
        cmocka_unit_test_setup(versions_are_compared_exactly, fixture_flush),
        cmocka_unit_test_setup(invalidation_hides_and_refuses_what_is_older, fixture_flush),
        cmocka_unit_test_setup(a_change_ends_the_leases, fixture_flush),
        cmocka_unit_test_setup(what_redis_forgot_is_not_put_by_who_read_before, fixture_flush),
        cmocka_unit_test_setup(a_mark_made_again_is_another_one, fixture_flush),
        cmocka_unit_test_setup(of_two_that_miss_one_puts, fixture_flush),
        cmocka_unit_test_setup(a_doubt_outlives_what_redis_forgets, fixture_flush),
        cmocka_unit_test_setup(without_a_lease_nothing_is_put, fixture_flush),
        cmocka_unit_test_setup(who_misses_and_dies_leaves_little, fixture_flush),
        cmocka_unit_test_setup(full_redis_takes_nothing_new, fixture_flush),
        cmocka_unit_test_setup(entries_of_the_release_before, fixture_flush),
        cmocka_unit_test_setup(many_are_hidden_at_once, fixture_flush),
        cmocka_unit_test_setup(late_invalidation_keeps_what_is_current, fixture_flush),
        cmocka_unit_test_setup(entries_expire, fixture_flush),
        cmocka_unit_test_setup(forgotten_script_is_sent_again, fixture_flush),
        cmocka_unit_test_setup(what_others_left_is_a_miss_and_is_replaced, fixture_flush),
        cmocka_unit_test_setup(passwords_and_databases, fixture_flush),
        cmocka_unit_test_setup(readers_never_see_what_was_overtaken, fixture_flush),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
