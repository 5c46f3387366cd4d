/* The pool's bound: who waits, for how long, and what the others are told. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/integration/db/fixture.h"

static const struct ink_db_statement sleep_a_little = {.name = "sleep_a_little",
                                                       .sql = "SELECT pg_sleep(0.005)"};

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void connects_when_first_used(void **state)
{
    (void)state;
    struct ink_db *db =
        fixture_pool((struct ink_db_settings){.connect_timeout_ms = 5000, .size = 3});
    assert_int_equal(ink_db_stats(db).open, 0);
    fixture_expect(ink_db_ping(db, fixture_ctx(5000)), INK_OK);
    struct ink_db_stats stats = ink_db_stats(db);
    assert_int_equal(stats.open, 1);
    assert_int_equal(stats.in_use, 0);
    assert_int_equal(stats.size, 3);
    ink_db_free(db);
}

static void unused_pool_can_be_freed(void **state)
{
    (void)state;
    ink_db_free(fixture_pool((struct ink_db_settings){0}));
    ink_db_free(NULL);
}

static void exhausted_pool_refuses_after_its_limit(void **state)
{
    (void)state;
    struct ink_db *db = fixture_pool(
        (struct ink_db_settings){.connect_timeout_ms = 5000, .size = 1, .wait_limit_ms = 150});
    struct ink_ctx *ctx = fixture_ctx(5000);
    INK_DB_TX struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(db, ctx, &tx), INK_OK);
    int64_t start = ink_now();
    struct ink_status status = ink_db_ping(db, ctx);
    fixture_expect(status, INK_RESOURCE_EXHAUSTED);
    assert_true(status.retry_after_ms > 0);
    assert_in_range(fixture_elapsed_ms(start), 150, 1500);
    struct ink_db_stats stats = ink_db_stats(db);
    assert_int_equal(stats.in_use, 1);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.exhausted, 1);
    ink_db_rollback(&tx);
    fixture_expect(ink_db_ping(db, ctx), INK_OK);
    ink_db_free(db);
}

static void deadline_ends_the_wait_for_a_connection(void **state)
{
    (void)state;
    struct ink_db *db = fixture_pool(
        (struct ink_db_settings){.connect_timeout_ms = 5000, .size = 1, .wait_limit_ms = 5000});
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx holder = ink_ctx_background(&arena);
    struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(db, &holder, &tx), INK_OK);
    int64_t start = ink_now();
    fixture_expect(ink_db_ping(db, fixture_ctx(100)), INK_DEADLINE_EXCEEDED);
    assert_true(fixture_elapsed_ms(start) < 2000);
    ink_db_rollback(&tx);
    ink_db_free(db);
    ink_arena_release(&arena);
}

static void *cancel_soon(void *cancelled)
{
    sleep_ms(100);
    atomic_store((atomic_bool *)cancelled, true);
    return NULL;
}

static void cancelling_ends_waits_and_statements(void **state)
{
    (void)state;
    static const struct ink_db_statement sleep_long = {.name = "sleep_long",
                                                       .sql = "SELECT pg_sleep(20)"};
    struct ink_db *db = fixture_pool(
        (struct ink_db_settings){.connect_timeout_ms = 5000, .size = 1, .wait_limit_ms = 5000});
    struct ink_ctx *ctx = fixture_ctx(10000);
    for (int waiting = 0; waiting <= 1; waiting++) {
        atomic_bool cancelled = false;
        struct ink_ctx cancellable = *ctx;
        cancellable.cancelled = &cancelled;
        INK_DB_TX struct ink_db_tx *tx = NULL;
        if (waiting)
            fixture_expect(ink_db_begin(db, ctx, &tx), INK_OK);
        pthread_t thread;
        pthread_create(&thread, NULL, cancel_soon, &cancelled);
        int64_t start = ink_now();
        fixture_expect(ink_db_query(db, &cancellable, &sleep_long, NULL, NULL), INK_CANCELLED);
        assert_true(fixture_elapsed_ms(start) < 2500);
        pthread_join(thread, NULL);
    }
    ink_db_free(db);
}

/* The server must not go on with what nobody waits for. */
static void abandoned_statement_ends_on_the_server(void **state)
{
    (void)state;
    static const struct ink_db_statement sleep_long = {
        .name = "sleep_long", .sql = "SELECT pg_sleep(20) /* abandoned */"};
    static const struct ink_db_statement still_running = {
        .name = "still_running",
        .sql = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE "
               "'%/* abandoned */' AND pid <> pg_backend_pid()"};
    struct ink_db *db =
        fixture_pool((struct ink_db_settings){.connect_timeout_ms = 5000, .size = 2});
    atomic_bool cancelled = false;
    struct ink_ctx *ctx = fixture_ctx(10000);
    ctx->cancelled = &cancelled;
    pthread_t thread;
    pthread_create(&thread, NULL, cancel_soon, &cancelled);
    fixture_expect(ink_db_query(db, ctx, &sleep_long, NULL, NULL), INK_CANCELLED);
    pthread_join(thread, NULL);
    int64_t running = 1, start = ink_now();
    while (running > 0 && fixture_elapsed_ms(start) < 25000) {
        sleep_ms(100);
        INK_DB_ROWS struct ink_db_rows rows = {0};
        fixture_expect(ink_db_query(db, fixture_ctx(5000), &still_running, NULL, &rows), INK_OK);
        running = ink_db_int64(&rows, 0, 0);
    }
    assert_int_equal(running, 0);
    ink_db_free(db);
}

static atomic_int answered;

static void *ask_often(void *db)
{
    for (int i = 0; i < 10; i++) {
        fixture_expect(ink_db_query(db, fixture_ctx(10000), &sleep_a_little, NULL, NULL), INK_OK);
        atomic_fetch_add(&answered, 1);
        if (ink_db_stats(db).open > 4)
            fail_msg("more connections than the pool's size");
    }
    return NULL;
}

static void many_threads_share_few_connections(void **state)
{
    (void)state;
    struct ink_db *db = fixture_pool(
        (struct ink_db_settings){.connect_timeout_ms = 5000, .size = 4, .wait_limit_ms = 8000});
    fixture_threads(32, ask_often, db);
    assert_int_equal(atomic_load(&answered), 320);
    struct ink_db_stats stats = ink_db_stats(db);
    assert_in_range(stats.open, 1, 4);
    assert_int_equal(stats.open, stats.connects);
    assert_int_equal(stats.in_use, 0);
    assert_int_equal(stats.waiting, 0);
    ink_db_free(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_when_first_used),
        cmocka_unit_test(unused_pool_can_be_freed),
        cmocka_unit_test(exhausted_pool_refuses_after_its_limit),
        cmocka_unit_test(deadline_ends_the_wait_for_a_connection),
        cmocka_unit_test(cancelling_ends_waits_and_statements),
        cmocka_unit_test(abandoned_statement_ends_on_the_server),
        cmocka_unit_test(many_threads_share_few_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
