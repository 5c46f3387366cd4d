/* The relay: what it is told to publish arrives, whoever dies or is away meanwhile. */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/events/insync.h"
#include "lib/events/relay_internal.h"
#include "tests/integration/events/fixture.h"

extern char **environ;

static void write_some(const char *type, int keys, int first, int last)
{
    char key[32];
    for (int n = first; n <= last; n++) {
        for (int i = 0; i < keys; i++) {
            snprintf(key, sizeof(key), "%s-%d", type, i);
            fixture_write(NULL, type, key, n);
        }
    }
}

static bool is_active(void *relay)
{
    return ink_relay_stats(relay).active;
}

/* A relay in a process of its own: this program, called with the argument "relay". */
static pid_t spawn_relay(void)
{
    char *const command[] = {"relay_test", "relay", NULL};
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, command, environ), 0);
    return pid;
}

static int run_relay(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){0});
    for (;;)
        pause();
    ink_relay_free(relay, 0);
    return 0;
}

static void kill_hard(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

struct expectation {
    const char *topic;
    size_t count;
};

static bool topic_has(void *arg)
{
    const struct expectation *expectation = arg;
    size_t count;
    (void)fixture_messages(fixture_ctx(20000), expectation->topic, &count);
    return count >= expectation->count;
}

static bool nobody_relays(void *unused)
{
    static const struct ink_db_statement count = {
        .name = "count_relays",
        .sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'inkmesh-relay'"};
    (void)unused;
    INK_DB_ROWS struct ink_db_rows rows = {0};
    fixture_expect(ink_db_query(fixture_db(), fixture_ctx(5000), &count, NULL, &rows), INK_OK);
    return ink_db_int64(&rows, 0, 0) == 0;
}

/* The rows are locked, so that the relay cannot delete what it has published; then it is killed. */
static void killed_between_publishing_and_deleting(void **state)
{
    (void)state;
    static const struct ink_db_statement lock = {.name = "lock_outbox",
                                                 .sql = "SELECT seq FROM outbox FOR UPDATE"};
    write_some("killed", 5, 1, 4);
    struct ink_ctx *ctx = fixture_ctx(60000);
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx locking = *ctx;
    locking.arena = &arena;
    INK_DB_TX struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(fixture_db(), &locking, &tx), INK_OK);
    fixture_expect(ink_db_tx_query(tx, &lock, NULL, NULL), INK_OK);
    pid_t child = spawn_relay();
    struct expectation published = {"killed-events", 20};
    fixture_await("the child to publish", topic_has, &published, 30000);
    kill_hard(child);
    /* Until the server has noticed, and ended what the child asked it to delete. */
    fixture_await("the child's connections to end", nobody_relays, NULL, 10000);
    ink_db_rollback(&tx);
    ink_arena_release(&arena);
    assert_int_equal(fixture_outbox_depth(), 20);

    struct fixture_handler handler = {0};
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){0});
    struct ink_consumer *consumer =
        fixture_consumer("killed", &handler, (struct ink_consumer_settings){0});
    fixture_await_outbox(0, 20000);
    fixture_await_effects("killed", 20, 20000);
    fixture_expect_order("killed");
    assert_int_equal(ink_consumer_stats(consumer).repeated, 20);
    ink_consumer_free(consumer);
    ink_relay_free(relay, 1000);
}

static void of_two_relays_one_publishes_and_the_other_takes_over(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    pid_t child = spawn_relay();
    write_some("two", 3, 1, 1);
    fixture_await_outbox(0, 20000); /* the child leads */
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){0});
    fixture_sleep_ms(1500);
    assert_false(ink_relay_stats(relay).active);
    write_some("two", 3, 2, 10);
    fixture_await_outbox(0, 5000);
    assert_int_equal(ink_relay_stats(relay).published, 0);
    kill_hard(child);
    int64_t start = ink_now();
    write_some("two", 3, 11, 20);
    fixture_await("the other to take over", is_active, relay, 5000);
    print_message("took over after %lld ms\n", (long long)((ink_now() - start) / INK_MILLISECOND));
    fixture_await_outbox(0, 5000);
    struct ink_consumer *consumer =
        fixture_consumer("two", &handler, (struct ink_consumer_settings){0});
    fixture_await_effects("two", 60, 20000);
    fixture_expect_order("two");
    ink_consumer_free(consumer);
    ink_relay_free(relay, 1000);
}

static void a_frozen_relay_loses_its_lock(void **state)
{
    (void)state;
    pid_t child = spawn_relay();
    write_some("frozen", 1, 1, 1);
    fixture_await_outbox(0, 20000);
    assert_int_equal(kill(child, SIGSTOP), 0);
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){0});
    write_some("frozen", 1, 2, 2);
    fixture_await("the other to take over", is_active, relay, 20000);
    fixture_await_outbox(0, 5000);
    assert_int_equal(kill(child, SIGCONT), 0);
    fixture_sleep_ms(1500);
    assert_true(ink_relay_stats(relay).active);
    kill_hard(child);
    ink_relay_free(relay, 1000);
}

static bool is_deep(void *relay)
{
    struct ink_relay_stats stats = ink_relay_stats(relay);
    return stats.depth == 40 && stats.age_seconds > 1;
}

static bool is_shallow(void *relay)
{
    struct ink_relay_stats stats = ink_relay_stats(relay);
    return stats.depth == 0 && stats.age_seconds == 0 && !stats.troubled;
}

/* In mid-flow, and for longer than any patience; writes go on. */
static void kafka_goes_and_comes_back(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){.batch = 3});
    struct ink_consumer *consumer =
        fixture_consumer("outage", &handler, (struct ink_consumer_settings){0});
    write_some("outage", 4, 1, 5);
    fixture_await_effects("outage", 20, 20000);
    test_control("kill", "kafka");
    write_some("outage", 4, 6, 15);
    fixture_await("the backlog to be measured", is_deep, relay, 10000);
    fixture_sleep_ms(3000);
    assert_true(ink_relay_stats(relay).troubled);
    test_control("start", "kafka");
    fixture_await_outbox(0, 20000);
    fixture_await_effects("outage", 60, 30000);
    fixture_expect_order("outage");
    fixture_await("the outbox to be measured empty", is_shallow, relay, 5000);
    ink_consumer_free(consumer);
    ink_relay_free(relay, 1000);
}

static void kafka_pauses(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){.batch = 3});
    struct ink_consumer *consumer =
        fixture_consumer("pause", &handler, (struct ink_consumer_settings){0});
    write_some("pause", 4, 1, 5);
    fixture_await_effects("pause", 20, 20000);
    test_control("pause", "kafka");
    write_some("pause", 4, 6, 10);
    fixture_sleep_ms(4000);
    test_control("resume", "kafka");
    fixture_await_outbox(0, 30000);
    fixture_await_effects("pause", 40, 30000);
    fixture_expect_order("pause");
    ink_consumer_free(consumer);
    ink_relay_free(relay, 1000);
}

static void kafka_is_away_at_the_start(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    test_control("kill", "kafka");
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){0});
    struct ink_consumer *consumer =
        fixture_consumer("early", &handler, (struct ink_consumer_settings){0});
    write_some("early", 3, 1, 5);
    fixture_sleep_ms(2500);
    assert_int_equal(fixture_outbox_depth(), 15);
    test_control("start", "kafka");
    fixture_await_outbox(0, 30000);
    fixture_await_effects("early", 15, 30000);
    fixture_expect_order("early");
    ink_consumer_free(consumer);
    ink_relay_free(relay, 1000);
}

static void the_database_restarts(void **state)
{
    (void)state;
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){.batch = 3});
    write_some("restart", 2, 1, 2);
    fixture_await_outbox(0, 20000);
    test_control("kill", "postgres");
    fixture_sleep_ms(300);
    test_control("start", "postgres");
    fixture_sleep_ms(1200); /* for the test's own pool */
    write_some("restart", 2, 3, 4);
    fixture_await_outbox(0, 20000);
    assert_true(ink_relay_stats(relay).active);
    ink_relay_free(relay, 1000);
}

static void a_fatal_error_of_the_producer_is_survived(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){.batch = 3});
    struct ink_consumer *consumer =
        fixture_consumer("fatal", &handler, (struct ink_consumer_settings){0});
    write_some("fatal", 3, 1, 5);
    fixture_await_outbox(0, 20000);
    rd_kafka_test_fatal_error(ink_producer_handle(relay->producer),
                              RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "made by a test");
    write_some("fatal", 3, 6, 10);
    fixture_await_outbox(0, 20000);
    fixture_await_effects("fatal", 30, 20000);
    fixture_expect_order("fatal");
    assert_int_equal(ink_relay_stats(relay).producers, 2);
    ink_consumer_free(consumer);
    ink_relay_free(relay, 1000);
}

/* A partition that was just made may refuse a batch that came right before one that it takes. */
static void the_first_events_of_new_topics_arrive(void **state)
{
    (void)state;
    static const char *const types[] = {"new1", "new2", "new3", "new4", "new5",
                                        "new6", "new7", "new8", "new9"};
    for (size_t i = 0; i < INK_COUNT(types); i++) {
        struct fixture_handler handler = {0};
        struct ink_relay *relay = fixture_relay((struct ink_relay_settings){0});
        struct ink_consumer *consumer =
            fixture_consumer(types[i], &handler, (struct ink_consumer_settings){0});
        write_some(types[i], 3, 1, 2);
        fixture_await_outbox(0, 20000);
        fixture_await_effects(types[i], 6, 20000);
        fixture_expect_order(types[i]);
        ink_consumer_free(consumer);
        ink_relay_free(relay, 1000);
    }
}

static void write_payload(const char *type, const char *key, size_t size)
{
    static const struct ink_db_statement write = {
        .name = "write_payload",
        .sql = INK_OUTBOX_INSERT "SELECT $1::uuid, $2::json, $3, $4, 'thing-changed',"
                                 " json_build_object('n', 1, 'x', repeat('x', $5::int))"};
    struct ink_ctx *ctx = fixture_ctx(10000);
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_outbox_add(&params, ctx);
    ink_db_add_text(&params, type);
    ink_db_add_text(&params, key);
    ink_db_add_int64(&params, (int64_t)size);
    fixture_expect(ink_db_query(fixture_db(), ctx, &write, &params, NULL), INK_OK);
}

static bool refused_two(void *relay)
{
    return ink_relay_stats(relay).refused == 2;
}

/* An event too large, and one whose aggregate type makes no topic, hold up nobody else. */
static void what_kafka_refuses_stays_and_the_others_go(void **state)
{
    (void)state;
    static const struct ink_db_statement clean = {.name = "clean",
                                                  .sql = "DELETE FROM outbox WHERE error <> ''"};
    struct fixture_handler handler = {0};
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){0});
    write_payload("large", "k", 2000000);
    write_payload("no topic!", "k", 10);
    write_payload("large", "k", 10);
    struct ink_consumer *consumer =
        fixture_consumer("large", &handler, (struct ink_consumer_settings){0});
    fixture_await_effects("large", 1, 60000);
    fixture_await("both to be refused", refused_two, relay, 60000);
    fixture_await_outbox(0, 5000);
    INK_DB_ROWS struct ink_db_rows rows = {0};
    fixture_expect(ink_db_query(fixture_db(), fixture_ctx(5000), &clean, NULL, &rows), INK_OK);
    assert_int_equal(ink_db_affected(&rows), 2);
    ink_consumer_free(consumer);
    ink_relay_free(relay, 1000);
}

/* A transaction that drew its number first commits last. */
static void a_late_commit_is_not_overlooked(void **state)
{
    (void)state;
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){0});
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx ctx = ink_ctx_background(&arena);
    INK_DB_TX struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(fixture_db(), &ctx, &tx), INK_OK);
    fixture_write(tx, "late", "slow", 1);
    fixture_write(NULL, "late", "quick", 1);
    fixture_await_outbox(0, 20000);
    fixture_expect(ink_db_commit(&tx), INK_OK);
    fixture_await_outbox(0, 20000);
    size_t count;
    (void)fixture_messages(fixture_ctx(20000), "late-events", &count);
    assert_int_equal(count, 2);
    ink_arena_release(&arena);
    ink_relay_free(relay, 1000);
}

struct open_tx {
    struct ink_arena arena;
    struct ink_ctx ctx;
    struct ink_db_tx *tx;
};

static void open_tx(struct open_tx *open)
{
    ink_arena_init(&open->arena);
    open->ctx = ink_ctx_background(&open->arena);
    fixture_expect(ink_db_begin(fixture_db(), &open->ctx, &open->tx), INK_OK);
}

static void commit(struct open_tx *open)
{
    fixture_expect(ink_db_commit(&open->tx), INK_OK);
    ink_arena_release(&open->arena);
}

/* The same in a pile: when the relay reads on behind rounds that are on their way, what became
 * visible in front of them meanwhile, or between their rows, must not be passed by later news of
 * the same thing. Kafka pauses after the first round was read, so that it cannot be settled yet. */
static void expect_not_passed(const char *type, bool between)
{
    struct fixture_handler handler = {0};
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){.batch = 2});
    struct ink_consumer *consumer =
        fixture_consumer(type, &handler, (struct ink_consumer_settings){0});
    struct open_tx late, pile;
    fixture_await("the lock", is_active, relay, 5000);
    test_control("pause", "kafka");
    open_tx(&late);
    open_tx(&pile);
    if (between)
        fixture_write(pile.tx, type, "quick", 1);
    fixture_write(late.tx, type, "slow", 1);
    for (int n = 1; n <= 4; n++)
        fixture_write(pile.tx, type, "quicker", n);
    commit(&pile);
    fixture_sleep_ms(500); /* the relay has two of these, and wants to know their topic */
    commit(&late);
    write_some(type, 1, 1, 4);
    fixture_write(NULL, type, "slow", 2);
    test_control("resume", "kafka");
    fixture_await_outbox(0, 20000);
    fixture_await_effects(type, between ? 11 : 10, 20000);
    fixture_expect_order(type);
    ink_consumer_free(consumer);
    ink_relay_free(relay, 1000);
}

static void a_late_commit_is_not_passed(void **state)
{
    (void)state;
    expect_not_passed("passed", false);
    expect_not_passed("passed-between", true);
}

static int64_t entries_read(void)
{
    static const struct ink_db_statement count = {
        .name = "entries_read",
        .sql = "SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes"
               " WHERE relname = 'outbox'"};
    INK_DB_ROWS struct ink_db_rows rows = {0};
    fixture_expect(ink_db_query(fixture_db(), fixture_ctx(5000), &count, NULL, &rows), INK_OK);
    return ink_db_int64(&rows, 0, 0);
}

static bool refused_many(void *relay)
{
    return ink_relay_stats(relay).refused == 5000;
}

/* However many rows Kafka has refused: a round does not walk over them. */
static void refused_rows_are_in_nobodys_way(void **state)
{
    (void)state;
    static const struct ink_db_statement refuse = {
        .name = "refuse_many",
        .sql = INK_OUTBOX_INSERT "SELECT gen_random_uuid(), '{}', 'way', 'k', 'thing-changed', '{}'"
                                 " FROM generate_series(1, 5000)"};
    static const struct ink_db_statement mark = {.name = "mark_refused",
                                                 .sql = "UPDATE outbox SET error = 'too large'"};
    static const struct ink_db_statement clean = {.name = "clean_way", .sql = "DELETE FROM outbox"};
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx ctx = ink_ctx_background(&arena);
    struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(fixture_db(), &ctx, &tx), INK_OK);
    fixture_expect(ink_db_tx_query(tx, &refuse, NULL, NULL), INK_OK);
    fixture_expect(ink_db_tx_query(tx, &mark, NULL, NULL), INK_OK);
    fixture_expect(ink_db_commit(&tx), INK_OK);
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){.poll_ms = 20});
    fixture_await("the refused to be counted", refused_many, relay, 20000);
    fixture_sleep_ms(1500); /* statistics come a second late */
    int64_t before = entries_read();
    fixture_sleep_ms(1500);
    assert_true(entries_read() - before < 5000); /* in some 50 rounds */
    ink_relay_free(relay, 1000);
    fixture_expect(ink_db_query(fixture_db(), fixture_ctx(5000), &clean, NULL, NULL), INK_OK);
    ink_arena_release(&arena);
}

/* Publishes what is there, but does not wait for ever. */
static void a_stop_is_clean(void **state)
{
    (void)state;
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){.poll_ms = 60000});
    write_some("stop", 2, 1, 1);
    fixture_await("the lock", is_active, relay, 5000);
    fixture_sleep_ms(500);
    write_some("stop", 2, 2, 6);
    ink_relay_free(relay, 10000);
    assert_int_equal(fixture_outbox_depth(), 0);

    relay = fixture_relay((struct ink_relay_settings){0});
    fixture_await("the lock", is_active, relay, 5000);
    test_control("pause", "kafka");
    write_some("stop", 2, 7, 7);
    int64_t start = ink_now();
    ink_relay_free(relay, 500);
    assert_true(ink_now() - start < 8 * INK_SECOND);
    assert_int_equal(fixture_outbox_depth(), 2);
    test_control("resume", "kafka");
    relay = fixture_relay((struct ink_relay_settings){0});
    fixture_await_outbox(0, 20000);
    ink_relay_free(relay, 1000);
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    struct ink_relay *relay = NULL;
    struct ink_relay_settings settings = {
        .kafka = fixture_kafka(), .conninfo = test_postgres_url(), .source = "/test"};
    settings.kafka.properties = "no.such.thing=1";
    fixture_expect(ink_relay_new(fixture_ctx(1000)->arena, &settings, &relay),
                   INK_INVALID_ARGUMENT);
    assert_null(relay);
}

static char reported[512];

static void keep_report(void *self, bool problem, const char *text)
{
    (void)self;
    snprintf(reported, sizeof(reported), "%s%s", problem ? "problem: " : "", text);
}

/* The one broker here has each partition alone; three of them would. */
static void a_topic_that_one_broker_can_lose_is_named(void **state)
{
    (void)state;
    struct ink_kafka_settings settings = fixture_kafka();
    INK_KAFKA *rk = NULL;
    struct ink_ctx *ctx = fixture_ctx(20000);
    const struct ink_kafka_client client = {.type = RD_KAFKA_PRODUCER};
    settings.report = keep_report;
    fixture_expect(ink_kafka_open(ctx->arena, &settings, &client, &rk), INK_OK);
    fixture_expect(ink_kafka_ensure_topic(rk, ctx, &settings, "lax-events", 1), INK_OK);
    assert_string_equal(reported, "");
    ink_insync_check(rk, ctx, &settings, "lax-events", 2);
    assert_string_equal(reported, "");
    ink_insync_check(rk, ctx, &settings, "lax-events", 3);
    assert_string_equal(reported,
                        "problem: what Kafka confirms of lax-events can be lost with 1 of its 3 "
                        "replicas: set its min.insync.replicas, which is that low, to 2");
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "relay") == 0)
        return run_relay();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(a_topic_that_one_broker_can_lose_is_named),
        cmocka_unit_test(a_late_commit_is_not_overlooked),
        cmocka_unit_test(a_late_commit_is_not_passed),
        cmocka_unit_test(refused_rows_are_in_nobodys_way),
        cmocka_unit_test(killed_between_publishing_and_deleting),
        cmocka_unit_test(of_two_relays_one_publishes_and_the_other_takes_over),
        cmocka_unit_test(a_frozen_relay_loses_its_lock),
        cmocka_unit_test(kafka_goes_and_comes_back),
        cmocka_unit_test(kafka_pauses),
        cmocka_unit_test(kafka_is_away_at_the_start),
        cmocka_unit_test(the_database_restarts),
        cmocka_unit_test(the_first_events_of_new_topics_arrive),
        cmocka_unit_test(a_fatal_error_of_the_producer_is_survived),
        cmocka_unit_test(what_kafka_refuses_stays_and_the_others_go),
        cmocka_unit_test(a_stop_is_clean),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_end);
}
