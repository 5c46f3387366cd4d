/* What goes wrong beside the consumer: handlers that fail, databases and Kafkas that go, and its
 * own end. */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/events/consumer_cases.h"
#include "tests/integration/events/fixture.h"

extern char **environ;

static void failures_that_pass_are_tried_again(void **state)
{
    (void)state;
    struct fixture_handler handler = {.fail = 4, .code = INK_UNAVAILABLE};
    struct ink_consumer *consumer =
        fixture_consumer("retry", &handler, (struct ink_consumer_settings){0});
    fixture_produce("retry", "k", "id-1", "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_produce("retry", "k", "id-2", "{\"type\":\"thing-changed\",\"n\":2}");
    fixture_await_effects("retry", 2, 20000);
    struct ink_consumer_stats stats = ink_consumer_stats(consumer);
    assert_int_equal(stats.dead, 0);
    assert_int_equal(stats.retries, 4);
    assert_false(stats.troubled);
    fixture_expect_order("retry");
    ink_consumer_free(consumer);
}

#define PILE_KEYS 8
#define PILE_EACH 50

/* In one partition, so that they come all at once; the last of one key is poison. */
static void produce_pile(void)
{
    struct ink_ctx *ctx = fixture_ctx(20000);
    struct ink_kafka_settings settings = fixture_kafka();
    struct ink_producer *producer = NULL;
    struct ink_message *messages =
        ink_arena_calloc(ctx->arena, PILE_KEYS * PILE_EACH, sizeof(*messages));
    for (int i = 0; i < PILE_KEYS * PILE_EACH; i++) {
        bool poison = i == PILE_KEYS * PILE_EACH - 1;
        char *payload = ink_arena_printf(ctx->arena, "{\"type\":\"thing-changed\",\"n\":%d%s}",
                                         i / PILE_KEYS + 1, poison ? ",\"x\":\"poison\"" : "");
        messages[i] = (struct ink_message){.topic = "pile-events",
                                           .key = ink_arena_printf(ctx->arena, "%d", i % PILE_KEYS),
                                           .key_size = 1,
                                           .payload = payload,
                                           .payload_size = strlen(payload)};
    }
    fixture_expect(ink_producer_new(ctx->arena, &settings, &producer), INK_OK);
    fixture_expect(ink_producer_ensure_topic(producer, ctx, "pile-events", 1), INK_OK);
    fixture_expect(ink_producer_send_all(producer, ctx, messages, PILE_KEYS * PILE_EACH), INK_OK);
    ink_producer_free(producer);
}

static void read_lane(void *self, struct ink_arena *arena, struct ink_event *event)
{
    (void)self;
    (void)arena;
    event->lane = (uint32_t)event->key[0];
}

/* One of the two fails at first, and one has the poison: what they share is nothing. */
static void a_pile_is_two_transactions_at_the_same_time(void **state)
{
    (void)state;
    const int count = PILE_KEYS * PILE_EACH - 1;
    struct fixture_handler handler = {
        .reject = "poison", .fail = 1, .code = INK_UNAVAILABLE, .meet = true};
    produce_pile();
    struct ink_consumer *consumer =
        fixture_consumer("pile", &handler, (struct ink_consumer_settings){.read = read_lane});
    fixture_await_effects("pile", count, 20000);
    fixture_await_dead(consumer, 1);
    assert_true(handler.met);
    assert_int_equal(handler.done, count);
    struct ink_consumer_stats stats = ink_consumer_stats(consumer);
    assert_int_equal(stats.retries, 1);
    assert_int_equal(stats.handled, count);
    assert_int_equal(stats.repeated, 0);
    fixture_expect_order("pile");
    ink_consumer_free(consumer);
}

static bool is_troubled(void *consumer)
{
    return ink_consumer_stats(consumer).troubled;
}

static bool has_joined(void *consumer)
{
    return ink_consumer_stats(consumer).joined;
}

/* librdkafka keeps a partition paused when it is taken away and given back. */
static void partitions_that_were_taken_while_paused_are_read_again(void **state)
{
    (void)state;
    struct fixture_handler handler = {.fail = 1000, .code = INK_UNAVAILABLE};
    struct ink_consumer *first =
        fixture_consumer("taken", &handler, (struct ink_consumer_settings){0});
    fixture_produce("taken", "k", "id-1", "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_await("trouble", is_troubled, first, 20000);
    struct ink_consumer *second =
        fixture_consumer("taken", &handler, (struct ink_consumer_settings){0});
    fixture_await("the second", has_joined, second, 20000);
    ink_consumer_free(second);
    assert_int_equal(handler.abandoned, 0); /* it is known that nothing was committed */
    handler.fail = 0;
    for (int i = 0; i < 9; i++) {
        char key[16], id[16];
        snprintf(key, sizeof(key), "key-%d", i);
        snprintf(id, sizeof(id), "new-%d", i);
        fixture_produce("taken", key, id, "{\"type\":\"thing-changed\",\"n\":1}");
    }
    fixture_await_effects("taken", 10, 30000);
    ink_consumer_free(first);
}

static bool has_tried(void *consumer)
{
    return ink_consumer_stats(consumer).retries > 0;
}

static bool was_abandoned(void *handler)
{
    return ((struct fixture_handler *)handler)->abandoned > 0;
}

/* The transaction is in its commit when its time is over, and its partition goes to another. */
static void a_commit_without_outcome_is_not_forgotten_with_its_batch(void **state)
{
    (void)state;
    static const struct ink_db_statement
        hold = {.name = "hold_commits",
                .sql = "DO 'BEGIN"
                       " CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS"
                       " $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;"
                       " CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON effects DEFERRABLE"
                       " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold();"
                       " END'"},
        release = {.name = "release_commits", .sql = "DROP FUNCTION hold CASCADE"};
    struct fixture_handler handler = {0}, other = {0};
    const struct ink_consumer_settings settings = {.timeout_ms = 1000};
    fixture_expect(ink_db_query(fixture_db(), fixture_ctx(10000), &hold, NULL, NULL), INK_OK);
    struct ink_consumer *first = fixture_consumer("open", &handler, settings);
    fixture_produce("open", "k", "id-1", "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_await("a commit without outcome", has_tried, first, 20000);
    assert_int_equal(handler.abandoned, 0);
    struct ink_consumer *second = fixture_consumer("open", &other, settings);
    fixture_await("the batch to be given up", was_abandoned, &handler, 20000);
    fixture_expect(ink_db_query(fixture_db(), fixture_ctx(20000), &release, NULL, NULL), INK_OK);
    fixture_await_effects("open", 1, 20000);
    ink_consumer_free(second);
    ink_consumer_free(first);
}

static bool has_tried_often(void *consumer)
{
    return ink_consumer_stats(consumer).retries >= 5;
}

/* More often than what is an event's own fault: that it cannot be written is not. */
static void a_sick_database_makes_no_dead_letters(void **state)
{
    (void)state;
    static const struct ink_db_statement sicken = {
        .name = "sicken",
        .sql = "DO 'BEGIN"
               " CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
               " $$ BEGIN RAISE ''could not read'' USING ERRCODE = ''58030''; END $$;"
               " CREATE TRIGGER fail BEFORE INSERT ON effects EXECUTE FUNCTION fail();"
               " END'"};
    static const struct ink_db_statement heal = {.name = "heal",
                                                 .sql = "DROP FUNCTION fail CASCADE"};
    struct fixture_handler handler = {0};
    struct ink_consumer *consumer =
        fixture_consumer("ill", &handler, (struct ink_consumer_settings){0});
    fixture_expect(ink_db_query(fixture_db(), fixture_ctx(10000), &sicken, NULL, NULL), INK_OK);
    fixture_produce("ill", "k", "id-1", "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_await("it to try and try", has_tried_often, consumer, 30000);
    assert_int_equal(ink_consumer_stats(consumer).dead, 0);
    fixture_expect(ink_db_query(fixture_db(), fixture_ctx(10000), &heal, NULL, NULL), INK_OK);
    fixture_await_effects("ill", 1, 20000);
    assert_int_equal(ink_consumer_stats(consumer).dead, 0);
    ink_consumer_free(consumer);
}

static bool lags_by_six(void *consumer)
{
    return ink_consumer_stats(consumer).lag == 6;
}

static void the_database_goes_and_comes_back(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    struct ink_consumer *consumer =
        fixture_consumer("away", &handler, (struct ink_consumer_settings){0});
    fixture_produce("away", "k", "id-1", "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_await_effects("away", 1, 20000);
    test_control("kill", "postgres");
    fixture_produce("away", "k", "id-2", "{\"type\":\"thing-changed\",\"n\":2}");
    fixture_await("the trouble to be noticed", is_troubled, consumer, 5000);
    for (int i = 0; i < 5; i++)
        fixture_produce("away", "k", "id-3", "{\"type\":\"thing-changed\",\"n\":3}");
    fixture_await("the lag to be measured", lags_by_six, consumer, 10000);
    test_control("start", "postgres");
    fixture_sleep_ms(1000); /* for the test's own pool */
    fixture_await_effects("away", 3, 20000);
    fixture_expect_order("away");
    ink_consumer_free(consumer);
}

static bool waits_for_the_table(void *arg)
{
    (void)arg;
    static const struct ink_db_statement count = {
        .name = "count_waiting",
        .sql = "SELECT count(*) FROM pg_locks WHERE NOT granted"
               " AND relation = 'effects'::regclass"};
    struct ink_ctx *ctx = fixture_ctx(10000);
    INK_DB_ROWS struct ink_db_rows rows = {0};
    fixture_expect(ink_db_query(fixture_db(), ctx, &count, NULL, &rows), INK_OK);
    return ink_db_int64(&rows, 0, 0) > 0;
}

/* It ends in time also when Kafka does not say whether it has the offsets. */
static void a_frozen_kafka_does_not_hold_up_the_end(void **state)
{
    (void)state;
    static const struct ink_db_statement lock = {.name = "lock_effects",
                                                 .sql = "LOCK TABLE effects IN EXCLUSIVE MODE"};
    struct fixture_handler handler = {0};
    struct ink_consumer *consumer =
        fixture_consumer("end", &handler, (struct ink_consumer_settings){0});
    INK_DB_TX struct ink_db_tx *tx = NULL;
    fixture_expect(ink_db_begin(fixture_db(), fixture_ctx(30000), &tx), INK_OK);
    fixture_expect(ink_db_tx_query(tx, &lock, NULL, NULL), INK_OK);
    fixture_produce("end", "k", "id-1", "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_await("a batch at work", waits_for_the_table, NULL, 20000);
    test_control("pause", "kafka");
    fixture_expect(ink_db_commit(&tx), INK_OK);
    fixture_await_effects("end", 1, 20000);
    int64_t begun = ink_now();
    ink_consumer_free(consumer);
    int64_t took_ms = (ink_now() - begun) / INK_MILLISECOND;
    test_control("resume", "kafka");
    print_message("the end took %d ms\n", (int)took_ms);
    assert_true(took_ms < 10000);
}

/* A consumer in a process of its own: this program, called with the argument
 * "consume". */
static pid_t spawn_consumer(void)
{
    char *const command[] = {"consumer_test", "consume", NULL};
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, command, environ), 0);
    return pid;
}

int trouble_run_consumer(void)
{
    struct fixture_handler handler = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fixture_start(NULL);
    (void)fixture_consumer("killed", &handler, (struct ink_consumer_settings){.batch = 7});
    for (;;)
        pause();
    return 0;
}

static bool has_some(void *unused)
{
    (void)unused;
    return fixture_effects("killed") >= 100;
}

/* In the middle of the flow; offsets that were not committed come again. */
static void a_killed_consumer_repeats_nothing(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){0});
    char key[32];
    for (int n = 1; n <= 40; n++) {
        for (int i = 0; i < 15; i++) {
            snprintf(key, sizeof(key), "killed-%d", i);
            fixture_write(NULL, "killed", key, n);
        }
    }
    pid_t child = spawn_consumer();
    fixture_await("the child to be in the middle of it", has_some, NULL, 30000);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(fixture_effects("killed") < 600);
    struct ink_consumer *consumer =
        fixture_consumer("killed", &handler, (struct ink_consumer_settings){0});
    fixture_await_effects("killed", 600, 30000);
    fixture_expect_order("killed");
    ink_consumer_free(consumer);
    ink_relay_free(relay, 1000);
}

static void a_consumer_stops_while_kafka_is_away(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    struct ink_consumer *consumer =
        fixture_consumer("gone", &handler, (struct ink_consumer_settings){0});
    fixture_produce("gone", "k", "id-1", "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_await_effects("gone", 1, 20000);
    test_control("kill", "kafka");
    int64_t start = ink_now();
    ink_consumer_free(consumer);
    assert_true(ink_now() - start < 5 * INK_SECOND);
    consumer = fixture_consumer("gone", &handler, (struct ink_consumer_settings){0});
    test_control("start", "kafka");
    fixture_produce("gone", "k", "id-2", "{\"type\":\"thing-changed\",\"n\":2}");
    fixture_await_effects("gone", 2, 30000);
    ink_consumer_free(consumer);
}

/* Nor does one that is frozen before there is a topic. */
static void a_consumer_stops_while_it_waits_for_its_topics(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    test_control("pause", "kafka");
    struct ink_consumer *consumer =
        fixture_consumer("nowhere", &handler, (struct ink_consumer_settings){0});
    fixture_sleep_ms(200);
    int64_t start = ink_now();
    ink_consumer_free(consumer);
    int64_t took_ms = (ink_now() - start) / INK_MILLISECOND;
    test_control("resume", "kafka");
    print_message("the end took %d ms\n", (int)took_ms);
    assert_true(took_ms < 4000);
}

int trouble_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_that_pass_are_tried_again),
        cmocka_unit_test(a_pile_is_two_transactions_at_the_same_time),
        cmocka_unit_test(a_frozen_kafka_does_not_hold_up_the_end),
        cmocka_unit_test(a_consumer_stops_while_it_waits_for_its_topics),
        cmocka_unit_test(partitions_that_were_taken_while_paused_are_read_again),
        cmocka_unit_test(a_commit_without_outcome_is_not_forgotten_with_its_batch),
        cmocka_unit_test(a_sick_database_makes_no_dead_letters),
        cmocka_unit_test(a_killed_consumer_repeats_nothing),
        cmocka_unit_test(the_database_goes_and_comes_back),
        cmocka_unit_test(a_consumer_stops_while_kafka_is_away),
    };
    return cmocka_run_group_tests_name("trouble_cases", tests, fixture_start, fixture_end);
}
