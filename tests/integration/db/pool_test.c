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

/* Whoever waits in vain holds up a thread: the first find that out, and then nobody has to. */
static void stuck_pool_refuses_at_once(void **state)
{
    (void)state;
    struct ink_db *db = fixture_pool(
        (struct ink_db_settings){.connect_timeout_ms = 5000, .size = 1, .wait_limit_ms = 150});
    struct ink_ctx *ctx = fixture_ctx(30000);
    for (int again = 0; again <= 1; again++) {
        INK_DB_TX struct ink_db_tx *tx = NULL;
        fixture_expect(ink_db_begin(db, ctx, &tx), INK_OK);
        fixture_expect(ink_db_ping(db, ctx), INK_RESOURCE_EXHAUSTED);
        int64_t start = ink_now();
        for (int i = 0; i < 40; i++) {
            struct ink_status status = ink_db_ping(db, ctx);
            fixture_expect(status, INK_RESOURCE_EXHAUSTED);
            assert_true(status.retry_after_ms > 0);
        }
        assert_true(fixture_elapsed_ms(start) < 40 * 150 / 2);
        assert_int_equal(ink_db_stats(db).exhausted, (again + 1) * 41);
        ink_db_rollback(&tx);
        fixture_expect(ink_db_ping(db, ctx), INK_OK);
    }
    ink_db_free(db);
}

static const struct ink_db_statement sleep_long_enough = {.name = "sleep_long_enough",
                                                          .sql = "SELECT pg_sleep(0.1)"};
static atomic_int served, refused, refused_ms;

static void *ask_once(void *db)
{
    int64_t start = ink_now();
    struct ink_status status = ink_db_query(db, fixture_ctx(10000), &sleep_long_enough, NULL, NULL);
    if (ink_is_ok(status)) {
        atomic_fetch_add(&served, 1);
    } else {
        fixture_expect(status, INK_RESOURCE_EXHAUSTED);
        atomic_fetch_add(&refused, 1);
        atomic_fetch_add(&refused_ms, (int)fixture_elapsed_ms(start));
    }
    return NULL;
}

/* In time for some, and only those wait. */
static void slow_pool_has_a_short_line(void **state)
{
    (void)state;
    struct ink_db *db = fixture_pool(
        (struct ink_db_settings){.connect_timeout_ms = 5000, .size = 1, .wait_limit_ms = 500});
    for (int i = 0; i < 12; i++)
        fixture_expect(ink_db_query(db, fixture_ctx(5000), &sleep_long_enough, NULL, NULL), INK_OK);
    fixture_threads(24, ask_once, db);
    assert_in_range(atomic_load(&served), 2, 8);
    assert_int_equal(atomic_load(&refused), 24 - atomic_load(&served));
    assert_true(atomic_load(&refused_ms) < atomic_load(&refused) * 500 / 2);
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

static const char slow_method[] = "test.v1.Test.Slow", other_method[] = "test.v1.Test.Other";

static struct ink_ctx of_method(struct ink_arena *arena, const char *method)
{
    struct ink_ctx ctx = ink_ctx_background(arena);
    ctx.method = method;
    return ctx;
}

static void begin(struct ink_db *db, const struct ink_ctx *ctx, struct ink_db_tx **txs, int count)
{
    for (int i = 0; i < count; i++)
        fixture_expect(ink_db_begin(db, ctx, &txs[i]), INK_OK);
}

static void roll_back(struct ink_db_tx **txs, int count)
{
    for (int i = 0; i < count; i++)
        ink_db_rollback(&txs[i]);
}

static void assert_unused(struct ink_db *db)
{
    struct ink_db_stats stats = ink_db_stats(db);
    assert_int_equal(stats.in_use, 0);
    assert_int_equal(stats.waiting, 0);
}

/* Its calls are stuck: it has no more than its share, and whoever else comes has a connection. */
static void stuck_method_leaves_connections_to_others(void **state)
{
    (void)state;
    struct ink_db *db = fixture_pool(
        (struct ink_db_settings){.connect_timeout_ms = 5000, .size = 8, .wait_limit_ms = 150});
    struct ink_arena *arena = fixture_ctx(0)->arena;
    struct ink_ctx slow = of_method(arena, slow_method), other = of_method(arena, other_method),
                   nobody = of_method(arena, NULL);
    struct ink_db_tx *stuck[6], *more[2];
    for (int again = 0; again <= 1; again++) {
        begin(db, &slow, stuck, 6);
        for (int i = 0; i < 10; i++) {
            struct ink_status status = ink_db_ping(db, &slow);
            fixture_expect(status, INK_RESOURCE_EXHAUSTED);
            assert_true(status.retry_after_ms > 0);
            assert_string_equal(status.cause,
                                "the method's share, 6 of 8 database connections, is in use");
            fixture_expect(ink_db_ping(db, &other), INK_OK);
            fixture_expect(ink_db_ping(db, &nobody), INK_OK);
        }
        begin(db, &nobody, more, 2);
        struct ink_status status = ink_db_ping(db, &other);
        fixture_expect(status, INK_RESOURCE_EXHAUSTED);
        assert_string_equal(status.cause, "all 8 database connections are in use");
        roll_back(more, 2);
        roll_back(stuck, 6);
        assert_unused(db);
    }
    ink_db_free(db);
}

struct asking {
    struct ink_db *db;
    struct ink_arena arena;
    struct ink_ctx ctx;
    struct ink_db_tx *tx; /* what it got */
    pthread_t thread;
};

static void *ask_for_one(void *data)
{
    struct asking *asking = data;
    fixture_expect(ink_db_begin(asking->db, &asking->ctx, &asking->tx), INK_OK);
    return NULL;
}

/* Returns when it stands in line, behind `line` others. */
static void ask(struct asking *asking, struct ink_db *db, const char *method, size_t line)
{
    asking->db = db;
    ink_arena_init(&asking->arena);
    asking->ctx = of_method(&asking->arena, method);
    assert_int_equal(pthread_create(&asking->thread, NULL, ask_for_one, asking), 0);
    while (ink_db_stats(db).waiting <= line)
        sleep_ms(5);
}

/* Returns when it was served. */
static void await_served(struct asking *asking)
{
    pthread_join(asking->thread, NULL);
}

static void give_back(struct asking *asking)
{
    ink_db_rollback(&asking->tx);
    ink_arena_release(&asking->arena);
}

/* Those of a method that has its share wait for a connection of its own, and others pass them. */
static void others_pass_a_line(void **state)
{
    (void)state;
    struct ink_db *db = fixture_pool(
        (struct ink_db_settings){.connect_timeout_ms = 5000, .size = 4, .wait_limit_ms = 20000});
    struct ink_arena *arena = fixture_ctx(0)->arena;
    struct ink_ctx slow = of_method(arena, slow_method), other = of_method(arena, other_method);
    struct ink_db_tx *stuck[3];
    struct asking first, second;
    begin(db, &slow, stuck, 3);
    ask(&first, db, slow_method, 0);
    ask(&second, db, slow_method, 1);
    for (int i = 0; i < 10; i++)
        fixture_expect(ink_db_ping(db, &other), INK_OK);
    assert_int_equal(ink_db_stats(db).waiting, 2);
    roll_back(stuck, 1);
    await_served(&first);
    assert_int_equal(ink_db_stats(db).waiting, 1);
    give_back(&first);
    await_served(&second);
    give_back(&second);
    roll_back(stuck + 1, 2);
    assert_unused(db);
    ink_db_free(db);
}

/* When all are in use the next goes to whose method has fewest, not to who came first. */
static void who_has_fewest_is_next(void **state)
{
    (void)state;
    struct ink_db *db = fixture_pool(
        (struct ink_db_settings){.connect_timeout_ms = 5000, .size = 4, .wait_limit_ms = 20000});
    struct ink_arena *arena = fixture_ctx(0)->arena;
    struct ink_ctx slow = of_method(arena, slow_method), nobody = of_method(arena, NULL);
    struct ink_db_tx *stuck[3], *last[1];
    struct asking again, other;
    begin(db, &slow, stuck, 3);
    begin(db, &nobody, last, 1);
    ask(&again, db, slow_method, 0);
    ask(&other, db, other_method, 1);
    roll_back(stuck, 1);
    await_served(&other);
    assert_int_equal(ink_db_stats(db).waiting, 1);
    give_back(&other);
    await_served(&again);
    give_back(&again);
    roll_back(stuck + 1, 2);
    roll_back(last, 1);
    assert_unused(db);
    ink_db_free(db);
}

/* It waits for its share, not for a connection: when one of its own breaks, another need not be
 * made first. */
static void who_got_room_has_what_lies_idle(void **state)
{
    (void)state;
    static const struct ink_db_statement end_own = {
        .name = "end_own", .sql = "SELECT pg_terminate_backend(pg_backend_pid())"};
    struct ink_db *db = fixture_pool(
        (struct ink_db_settings){.connect_timeout_ms = 5000, .size = 4, .wait_limit_ms = 20000});
    struct ink_arena *arena = fixture_ctx(0)->arena;
    struct ink_ctx slow = of_method(arena, slow_method), other = of_method(arena, other_method);
    struct ink_db_tx *stuck[3];
    struct asking waiting;
    begin(db, &slow, stuck, 3);
    fixture_expect(ink_db_ping(db, &other), INK_OK);
    ask(&waiting, db, slow_method, 0);
    fixture_expect(ink_db_tx_query(stuck[0], &end_own, NULL, NULL), INK_UNAVAILABLE);
    roll_back(stuck, 1);
    await_served(&waiting);
    struct ink_db_stats stats = ink_db_stats(db);
    assert_int_equal(stats.connects, 4);
    assert_int_equal(stats.open, 3);
    assert_int_equal(stats.discarded, 1);
    give_back(&waiting);
    roll_back(stuck + 1, 2);
    assert_unused(db);
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
    assert_in_range(stats.connects, 1, 4);
    assert_int_equal(stats.discarded, 0);
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
        cmocka_unit_test(stuck_pool_refuses_at_once),
        cmocka_unit_test(slow_pool_has_a_short_line),
        cmocka_unit_test(deadline_ends_the_wait_for_a_connection),
        cmocka_unit_test(cancelling_ends_waits_and_statements),
        cmocka_unit_test(abandoned_statement_ends_on_the_server),
        cmocka_unit_test(many_threads_share_few_connections),
        cmocka_unit_test(stuck_method_leaves_connections_to_others),
        cmocka_unit_test(others_pass_a_line),
        cmocka_unit_test(who_has_fewest_is_next),
        cmocka_unit_test(who_got_room_has_what_lies_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
