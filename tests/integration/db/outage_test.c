/* A server that is killed, frozen, restarted, or full: answers stay quick, and all recovers by
 * itself. */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "tests/integration/db/fixture.h"

/* Patient: being away must be found out, not waited for. */
static struct ink_db *pool(size_t size)
{
    return fixture_pool(
        (struct ink_db_settings){.size = size, .wait_limit_ms = 5000, .connect_timeout_ms = 5000});
}

/* Takes all connections at once, so that all of them exist and lie idle afterwards. */
static void fill(struct ink_db *db, size_t size)
{
    struct ink_ctx *ctx = fixture_ctx(5000);
    struct ink_db_tx *taken[8] = {0};
    for (size_t i = 0; i < size; i++)
        fixture_expect(ink_db_begin(db, ctx, &taken[i]), INK_OK);
    for (size_t i = 0; i < size; i++)
        ink_db_rollback(&taken[i]);
    assert_int_equal(ink_db_stats(db).open, size);
}

static void expect_away_quickly(struct ink_db *db, int64_t ms)
{
    int64_t start = ink_now();
    struct ink_status status = ink_db_ping(db, fixture_ctx(5000));
    fixture_expect(status, INK_UNAVAILABLE);
    assert_true(status.retry_after_ms > 0);
    assert_string_equal(status.message, "the database is not available");
    if (fixture_elapsed_ms(start) > ms)
        fail_msg("answered after %d ms", (int)fixture_elapsed_ms(start));
}

static void killed_server_is_told_and_comes_back(void **state)
{
    (void)state;
    struct ink_db *db = pool(4);
    fill(db, 4);
    test_control("kill", "postgres");
    expect_away_quickly(db, 900);
    for (int i = 0; i < 20; i++) /* also while it waits before the next attempt */
        expect_away_quickly(db, 500);
    assert_true(ink_db_stats(db).down);
    assert_true(ink_db_ping(db, fixture_ctx(5000)).undone);
    assert_true(ink_db_stats(db).open <= 1);
    test_control("start", "postgres");
    fixture_await(db, 8000);
    assert_false(ink_db_stats(db).down);
    ink_db_free(db);
}

static void restart_between_calls_is_not_noticed(void **state)
{
    (void)state;
    struct ink_db *db = pool(4);
    fill(db, 4);
    test_control("restart", "postgres");
    for (int i = 0; i < 8; i++)
        fixture_expect(ink_db_ping(db, fixture_ctx(5000)), INK_OK);
    assert_int_equal(ink_db_stats(db).discarded, 4);
    ink_db_free(db);
}

static void pool_may_be_made_while_the_server_is_away(void **state)
{
    (void)state;
    test_control("stop", "postgres");
    struct ink_db *db = pool(2);
    expect_away_quickly(db, 900);
    test_control("start", "postgres");
    fixture_await(db, 8000);
    ink_db_free(db);
}

static void frozen_server_holds_nobody_beyond_the_deadline(void **state)
{
    (void)state;
    struct ink_db *db = fixture_pool((struct ink_db_settings){.size = 2});
    fill(db, 2);
    test_control("pause", "postgres");
    int64_t start = ink_now();
    for (int i = 0; i < 2; i++) /* on the two connections that it has */
        fixture_expect(ink_db_ping(db, fixture_ctx(200)), INK_DEADLINE_EXCEEDED);
    assert_in_range(fixture_elapsed_ms(start), 390, 1000);
    while (!ink_db_stats(db).down && fixture_elapsed_ms(start) < 5000)
        expect_away_quickly(db, 1000); /* while the first new connection hangs */
    for (int i = 0; i < 10; i++)
        expect_away_quickly(db, 300); /* known to be away */
    test_control("resume", "postgres");
    fixture_await(db, 8000);
    ink_db_free(db);
}

static void frozen_server_is_told_within_a_second(void **state)
{
    (void)state;
    static const struct ink_db_statement sleep_a_second = {.name = "sleep_a_second",
                                                           .sql = "SELECT pg_sleep(1)"};
    struct ink_db *db = pool(4);
    fill(db, 4);
    /* A statement that takes its time is no reason to doubt the server. */
    fixture_expect(ink_db_query(db, fixture_ctx(5000), &sleep_a_second, NULL, NULL), INK_OK);
    assert_int_equal(ink_db_stats(db).open, 4);
    test_control("pause", "postgres");
    expect_away_quickly(db, 1000);
    for (int i = 0; i < 20; i++)
        expect_away_quickly(db, 100);
    test_control("resume", "postgres");
    fixture_await(db, 8000);
    ink_db_free(db);
}

static const struct ink_db_statement sleep_long = {.name = "sleep_long",
                                                   .sql = "SELECT pg_sleep(20)"};

static void *expect_loss(void *db)
{
    struct ink_status status = ink_db_query(db, fixture_ctx(15000), &sleep_long, NULL, NULL);
    fixture_expect(status, INK_UNAVAILABLE);
    assert_true(status.retry_after_ms > 0);
    assert_false(status.undone); /* for all that is known here */
    return NULL;
}

static void wait_until_in_use(struct ink_db *db, size_t count)
{
    int64_t start = ink_now();
    while (ink_db_stats(db).in_use < count && fixture_elapsed_ms(start) < 5000)
        sched_yield();
    assert_int_equal(ink_db_stats(db).in_use, count);
}

static void lost_statement_says_so(void **state)
{
    (void)state;
    static const char *const ways[] = {"kill", "stop"};
    for (size_t i = 0; i < INK_COUNT(ways); i++) {
        struct ink_db *db = pool(1);
        pthread_t thread;
        pthread_create(&thread, NULL, expect_loss, db);
        wait_until_in_use(db, 1);
        test_control(ways[i], "postgres");
        pthread_join(thread, NULL);
        assert_int_equal(ink_db_stats(db).in_use, 0);
        test_control("start", "postgres");
        fixture_await(db, 8000);
        ink_db_free(db);
    }
}

static void lost_transaction_is_not_committed(void **state)
{
    (void)state;
    static const struct ink_db_statement one = {.name = "one", .sql = "SELECT 1"};
    struct ink_db *db = pool(1);
    struct ink_ctx *ctx = fixture_ctx(15000);
    INK_DB_TX struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(db, ctx, &tx), INK_OK);
    fixture_expect(ink_db_tx_query(tx, &one, NULL, NULL), INK_OK);
    test_control("restart", "postgres");
    fixture_expect(ink_db_tx_query(tx, &one, NULL, NULL), INK_UNAVAILABLE);
    fixture_expect(ink_db_tx_query(tx, &one, NULL, NULL), INK_UNAVAILABLE);
    struct ink_status status = ink_db_commit(&tx);
    fixture_expect(status, INK_UNAVAILABLE);
    assert_true(status.undone); /* COMMIT was never sent */
    fixture_expect(ink_db_ping(db, fixture_ctx(5000)), INK_OK);
    ink_db_free(db);
}

static void frozen_commit_and_rollback_end_in_time(void **state)
{
    (void)state;
    static const struct ink_db_statement one = {.name = "one", .sql = "SELECT 1"};
    struct ink_db *db = pool(2);
    struct ink_ctx *ctx = fixture_ctx(2000);
    struct ink_db_tx *commits = NULL, *rolls_back = NULL;
    fixture_expect(ink_db_begin(db, ctx, &commits), INK_OK);
    fixture_expect(ink_db_begin(db, ctx, &rolls_back), INK_OK);
    fixture_expect(ink_db_tx_query(commits, &one, NULL, NULL), INK_OK);
    fixture_expect(ink_db_tx_query(rolls_back, &one, NULL, NULL), INK_OK);
    test_control("pause", "postgres");
    ctx->deadline = ink_now() + 200 * INK_MILLISECOND;
    int64_t start = ink_now();
    ink_db_rollback(&rolls_back);
    assert_true(fixture_elapsed_ms(start) < 600);
    struct ink_status status = ink_db_commit(&commits);
    fixture_expect(status, INK_DEADLINE_EXCEEDED);
    assert_false(status.undone);
    assert_true(fixture_elapsed_ms(start) < 1000);
    test_control("resume", "postgres");
    fixture_await(db, 8000);
    ink_db_free(db);
}

static void *ask_often(void *db)
{
    static const struct ink_db_statement sleep_a_little = {.name = "sleep_a_little",
                                                           .sql = "SELECT pg_sleep(0.005)"};
    for (int i = 0; i < 10; i++)
        fixture_expect(ink_db_query(db, fixture_ctx(10000), &sleep_a_little, NULL, NULL), INK_OK);
    return NULL;
}

/* Others may leave us fewer connections than our pool's size: those that we have serve all. */
static void server_that_takes_no_more_connections_is_not_away(void **state)
{
    (void)state;
    static const struct ink_db_statement make_role = {
        .name = "make_role", .sql = "CREATE ROLE few LOGIN PASSWORD 'few' CONNECTION LIMIT 2"};
    struct ink_db *admin = pool(1);
    fixture_run(admin, &make_role);
    ink_db_free(admin);

    struct ink_ctx *ctx = fixture_ctx(5000);
    struct ink_db_settings settings = {.size = 8, .wait_limit_ms = 8000};
    settings.conninfo =
        ink_arena_printf(ctx->arena, "postgresql://few:few%s", strchr(test_postgres_url(), '@'));
    struct ink_db *db = NULL;
    fixture_expect(ink_db_new(ctx->arena, &settings, &db), INK_OK);
    fixture_expect(ink_db_ping(db, ctx), INK_OK);
    fixture_threads(16, ask_often, db);
    struct ink_db_stats stats = ink_db_stats(db);
    assert_int_equal(stats.connects, 2); /* a third may just be tried again */
    assert_true(stats.connect_failures > 0);
    assert_false(stats.down);
    ink_db_free(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_server_is_told_and_comes_back),
        cmocka_unit_test(restart_between_calls_is_not_noticed),
        cmocka_unit_test(pool_may_be_made_while_the_server_is_away),
        cmocka_unit_test(frozen_server_is_told_within_a_second),
        cmocka_unit_test(frozen_server_holds_nobody_beyond_the_deadline),
        cmocka_unit_test(lost_statement_says_so),
        cmocka_unit_test(lost_transaction_is_not_committed),
        cmocka_unit_test(frozen_commit_and_rollback_end_in_time),
        cmocka_unit_test(server_that_takes_no_more_connections_is_not_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
