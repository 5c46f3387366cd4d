/* The path from the row to its effect: once each, in order, whatever comes
 * between. */
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/events/lag.h"
#include "lib/events/letter.h"
#include "lib/events/reader.h"
#include "tests/integration/events/fixture.h"

extern char **environ;

static void sleep_ms(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

struct dead {
    struct ink_consumer *consumer;
    uint64_t count;
};

static bool has_dead(void *arg)
{
    const struct dead *dead = arg;
    return ink_consumer_stats(dead->consumer).dead >= dead->count;
}

/* The effects of a batch are there before its dead letters. */
static void await_dead(struct ink_consumer *consumer, uint64_t count)
{
    struct dead dead = {consumer, count};
    fixture_await("the dead letters", has_dead, &dead, 10000);
    assert_int_equal(ink_consumer_stats(consumer).dead, count);
}

static void row_becomes_message_becomes_effect(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){0});
    struct ink_consumer *consumer =
        fixture_consumer("path", &handler, (struct ink_consumer_settings){0});
    fixture_write(NULL, "path", "one", 1);
    ink_outbox_wake(relay);
    fixture_await_effects("path", 1, 20000);
    fixture_await_outbox(0, 5000);

    size_t count;
    struct ink_ctx *ctx = fixture_ctx(20000);
    struct ink_raw_message *messages = fixture_messages(ctx, "path-events", &count);
    assert_int_equal(count, 1);
    assert_string_equal(messages[0].key, "one");
    assert_string_equal(messages[0].payload,
                        "{\"type\":\"thing-changed\",\"key\":\"one\",\"n\":1}");
    assert_string_equal(ink_message_header(&messages[0], "ce_source"), "/test/things");
    assert_string_equal(ink_message_header(&messages[0], "ce_specversion"), "1.0");
    assert_string_equal(ink_message_header(&messages[0], "ce_type"), "thing-changed");
    assert_string_equal(ink_message_header(&messages[0], "content-type"), "application/json");
    assert_int_equal(strlen(ink_message_header(&messages[0], "ce_id")), 36);
    assert_non_null(ink_message_header(&messages[0], "ce_time"));
    assert_int_equal(strlen(ink_message_header(&messages[0], "traceparent")), 55);

    struct ink_consumer_stats stats = ink_consumer_stats(consumer);
    assert_true(stats.joined);
    assert_int_equal(stats.handled, 1);
    assert_int_equal(stats.lag, 0);
    assert_int_equal(handler.done, 1);
    ink_consumer_free(consumer);
    int64_t lag = -1;
    struct ink_kafka_settings kafka = fixture_kafka();
    fixture_expect(ink_group_lag(&kafka, fixture_ctx(10000), "path", "path-events", &lag), INK_OK);
    assert_int_equal(lag, 0);
    ink_relay_free(relay, 1000);
}

/* The relay looks for rows by itself only long after this test would have given up. */
static void a_write_wakes_the_relay(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){.poll_ms = 600000});
    struct ink_consumer *consumer =
        fixture_consumer("quick", &handler, (struct ink_consumer_settings){0});
    for (int i = 1; i <= 20; i++) {
        fixture_write(NULL, "quick", "warm", i);
        ink_outbox_wake(relay);
        fixture_await_effects("quick", i, 20000);
    }
    ink_consumer_free(consumer);
    ink_relay_free(relay, 1000);
}

#define WRITERS 4
#define KEYS 25
#define UPDATES 10

static void *write_many(void *arg)
{
    char key[32];
    for (int n = 1; n <= UPDATES; n++) {
        for (int i = 0; i < KEYS; i++) {
            snprintf(key, sizeof(key), "%s-%d", (const char *)arg, i);
            fixture_write(NULL, "many", key, n);
        }
    }
    return NULL;
}

/* Consumers come and go meanwhile. */
static void many_writers_and_rebalances_keep_the_order_of_each_key(void **state)
{
    (void)state;
    static const char *const names[WRITERS] = {"a", "b", "c", "d"};
    struct fixture_handler handler = {0};
    struct ink_relay *relay = fixture_relay((struct ink_relay_settings){.batch = 37});
    struct ink_consumer *first =
        fixture_consumer("many", &handler, (struct ink_consumer_settings){.batch = 20});
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, write_many, (void *)names[i]);
    sleep_ms(300);
    struct ink_consumer *second =
        fixture_consumer("many", &handler, (struct ink_consumer_settings){.batch = 20});
    sleep_ms(1500);
    ink_consumer_free(first);
    first = fixture_consumer("many", &handler, (struct ink_consumer_settings){.batch = 20});
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    fixture_await_effects("many", WRITERS * KEYS * UPDATES, 60000);
    fixture_expect_order("many");
    ink_consumer_free(first);
    ink_consumer_free(second);
    ink_relay_free(relay, 1000);
}

static int64_t inbox_rows(const char *age)
{
    static const struct ink_db_statement count = {
        .name = "inbox_rows",
        .sql = "SELECT count(*) FROM inbox"
               " WHERE consumer = 'gone' AND received_at < now() - $1::interval"};
    struct ink_ctx *ctx = fixture_ctx(10000);
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, age);
    fixture_expect(ink_db_query(fixture_db(), ctx, &count, &params, &rows), INK_OK);
    return ink_db_int64(&rows, 0, 0);
}

static bool old_rows_are_gone(void *unused)
{
    (void)unused;
    return inbox_rows("30 days") == 0;
}

/* More of them than one statement deletes. */
static void the_inbox_forgets_what_is_past_its_time(void **state)
{
    (void)state;
    static const struct ink_db_statement fill = {
        .name = "fill_inbox",
        .sql = "INSERT INTO inbox SELECT 'gone', 'event ' || n, now() - interval '30 days'"
               " - (n - 10) * interval '1 min' FROM generate_series(1, 12010) n"};
    struct fixture_handler handler = {0};
    fixture_expect(ink_db_query(fixture_db(), fixture_ctx(20000), &fill, NULL, NULL), INK_OK);
    struct ink_consumer *consumer =
        fixture_consumer("forget", &handler, (struct ink_consumer_settings){0});
    fixture_await("old rows to go", old_rows_are_gone, NULL, 30000);
    assert_in_range(inbox_rows("1 day"), 8, 10);
    ink_consumer_free(consumer);
}

static void messages_without_headers_count_by_their_place(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    struct ink_consumer *consumer =
        fixture_consumer("plain", &handler, (struct ink_consumer_settings){0});
    fixture_produce("plain", NULL, NULL, "{\"type\":\"thing-changed\",\"n\":1,\"new\":[{}]}");
    fixture_produce("plain", NULL, NULL, "{\"type\":\"thing-changed\",\"n\":1,\"new\":[{}]}");
    fixture_await_effects("plain", 2, 20000);
    ink_consumer_free(consumer);
}

static void repeats_have_no_effect(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    fixture_produce("again", "k", "id-1", "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_produce("again", "k", "id-1", "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_produce("again", "k", "id-2", "{\"type\":\"thing-changed\",\"n\":2}");
    struct ink_consumer *consumer =
        fixture_consumer("again", &handler, (struct ink_consumer_settings){0});
    fixture_await_effects("again", 2, 20000);
    fixture_produce("again", "k", "id-1", "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_produce("again", "k", "id-3", "{\"type\":\"thing-changed\",\"n\":3}");
    fixture_await_effects("again", 3, 20000);
    assert_int_equal(ink_consumer_stats(consumer).repeated, 2);
    ink_consumer_free(consumer);
    fixture_expect_order("again");
}

static bool knows_unknown(void *consumer)
{
    return ink_consumer_stats(consumer).unknown == 1;
}

static void unknown_types_are_skipped_and_counted(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    struct ink_consumer *consumer =
        fixture_consumer("unknown", &handler, (struct ink_consumer_settings){0});
    fixture_produce("unknown", "k", "id-1", "{\"type\":\"thing-painted\"}");
    fixture_produce("unknown", "k", "id-2", "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_await_effects("unknown", 1, 20000);
    fixture_await("the unknown one to be counted", knows_unknown, consumer, 5000);
    assert_int_equal(ink_consumer_stats(consumer).dead, 0);
    ink_consumer_free(consumer);
}

static void settle(const struct ink_ctx *ctx, const char *topic, struct ink_dead_letter *letters,
                   size_t count, enum ink_dead_letter_fate fate, size_t expected)
{
    struct ink_kafka_settings kafka = fixture_kafka();
    size_t settled;
    fixture_expect(ink_dead_letters_settle(&kafka, ctx, topic, letters, count, fate, &settled),
                   INK_OK);
    assert_int_equal(settled, expected);
}

static void poison_goes_aside_and_comes_back_by_replay(void **state)
{
    (void)state;
    struct ink_kafka_settings kafka = fixture_kafka();
    struct fixture_handler handler = {.reject = "poison"};
    fixture_produce("sick", "k", NULL, "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_produce("sick", "k", NULL, "{\"type\":\"thing-changed\",\"n\":5,\"x\":\"poison\"}");
    fixture_produce("sick", "k", "id-9", "not JSON at all");
    fixture_produce("sick", "k", NULL, "{\"type\":\"thing-changed\",\"n\":2}");
    struct ink_consumer *consumer =
        fixture_consumer("sick", &handler, (struct ink_consumer_settings){0});
    fixture_await_effects("sick", 2, 20000);
    await_dead(consumer, 2);
    ink_consumer_free(consumer);

    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx background = ink_ctx_background(&arena), *ctx = &background;
    ctx->deadline = ink_now() + 60 * INK_SECOND;
    struct ink_dead_letter *letters;
    size_t count;
    fixture_expect(ink_dead_letters_list(&kafka, ctx, "sick-events", &letters, &count), INK_OK);
    assert_int_equal(count, 2);
    assert_string_equal(letters[0].original_topic, "sick-events");
    assert_int_equal(letters[0].original_offset, 1);
    assert_true(letters[0].original_time > 0);
    assert_string_equal(letters[0].group, "sick");
    assert_string_equal(letters[0].reason, "it is poison");
    assert_string_equal(letters[0].key, "k");
    assert_non_null(strstr(letters[0].payload, "\"n\":5"));
    assert_null(letters[0].settled);
    assert_string_equal(letters[1].id, "id-9");
    assert_non_null(strstr(letters[1].reason, "type"));

    settle(ctx, "sick-events", letters, count, INK_DEAD_LETTER_REPLAYED, 2);
    assert_string_equal(letters[0].settled, "replayed");
    settle(ctx, "sick-events", letters, count, INK_DEAD_LETTER_REPLAYED, 0);
    handler.reject = NULL; /* the consumer was mended */
    consumer = fixture_consumer("sick", &handler, (struct ink_consumer_settings){0});
    fixture_await_effects("sick", 3, 20000);
    await_dead(consumer, 1);
    ink_consumer_free(consumer);
    fixture_expect(ink_dead_letters_list(&kafka, ctx, "sick-events", &letters, &count), INK_OK);
    assert_int_equal(count, 3); /* what is not JSON died again */
    assert_string_equal(letters[0].settled, "replayed");
    assert_string_equal(letters[1].settled, "replayed");
    assert_null(letters[2].settled);
    settle(ctx, "sick-events", letters, count, INK_DEAD_LETTER_DISCARDED, 1);
    fixture_expect(ink_dead_letters_list(&kafka, ctx, "sick-events", &letters, &count), INK_OK);
    assert_int_equal(count, 3);
    assert_string_equal(letters[2].settled, "discarded");
    assert_true(letters[2].settled_time >= letters[2].time);
    size_t topic_count;
    const char **topics;
    fixture_expect(ink_dead_letters_topics(&kafka, ctx, &topics, &topic_count), INK_OK);
    assert_true(topic_count >= 1);
    ink_arena_release(&arena);
}

/* As if a consumer had died, or lost its partitions, before its offsets
 * arrived. */
static void forget_offsets(const char *type)
{
    struct ink_ctx *ctx = fixture_ctx(20000);
    struct ink_kafka_settings kafka = fixture_kafka();
    INK_KAFKA *rk = NULL;
    INK_KAFKA_LIST *list = NULL;
    fixture_expect(ink_reader_open(ctx, &kafka, type, &rk), INK_OK);
    fixture_expect(
        ink_reader_partitions(rk, ctx, ink_arena_printf(ctx->arena, "%s-events", type), &list),
        INK_OK);
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = 0;
    assert_int_equal(rd_kafka_commit(rk, list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static bool has_repeated_three(void *consumer)
{
    return ink_consumer_stats(consumer).repeated == 3;
}

static void what_comes_again_is_put_aside_once(void **state)
{
    (void)state;
    struct fixture_handler handler = {.reject = "poison"};
    fixture_produce("twice", "k", "id-1", "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_produce("twice", "k", "id-2", "{\"type\":\"thing-changed\",\"x\":\"poison\"}");
    fixture_produce("twice", "k", NULL, "no JSON");
    struct ink_consumer *consumer =
        fixture_consumer("twice", &handler, (struct ink_consumer_settings){0});
    await_dead(consumer, 2);
    ink_consumer_free(consumer);
    forget_offsets("twice");
    consumer = fixture_consumer("twice", &handler, (struct ink_consumer_settings){0});
    fixture_await("all three to come again", has_repeated_three, consumer, 20000);
    assert_int_equal(ink_consumer_stats(consumer).dead, 0);
    ink_consumer_free(consumer);
    size_t count;
    (void)fixture_messages(fixture_ctx(20000), "twice-events.DLT", &count);
    assert_int_equal(count, 2);
}

/* What a consumer leaves that dies before it could note what it put aside. */
static void copies_of_one_origin_are_one_letter(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx background = ink_ctx_background(&arena), *ctx = &background;
    ctx->deadline = ink_now() + 60 * INK_SECOND;
    struct ink_kafka_settings kafka = fixture_kafka();
    const struct ink_raw_message raw = {.topic = "copied-events",
                                        .partition = 2,
                                        .offset = 7,
                                        .time = 1700000000000,
                                        .key = "k",
                                        .key_size = 1,
                                        .payload = "{\"type\":\"thing-changed\",\"n\":1}",
                                        .payload_size = 30};
    const struct ink_letter_reason reason = {"copied", "kafka:copied-events/2/7", "the test"};
    struct ink_message copies[3];
    for (size_t i = 0; i < INK_COUNT(copies); i++)
        ink_letter_write(&arena, &raw, &reason, true, &copies[i]);
    struct ink_producer *producer = NULL;
    fixture_expect(ink_producer_new(&arena, &kafka, &producer), INK_OK);
    fixture_expect(ink_producer_ensure_topic(producer, ctx, "copied-events.DLT", 1), INK_OK);
    fixture_expect(ink_producer_send_all(producer, ctx, copies, 2), INK_OK);

    struct ink_dead_letter *letters;
    size_t count;
    fixture_expect(ink_dead_letters_list(&kafka, ctx, "copied-events", &letters, &count), INK_OK);
    assert_int_equal(count, 1);
    assert_int_equal(letters[0].copies, 2);
    settle(ctx, "copied-events", letters, count, INK_DEAD_LETTER_REPLAYED, 1);
    fixture_expect(ink_producer_send_all(producer, ctx, &copies[2], 1), INK_OK);
    ink_producer_free(producer);
    fixture_expect(ink_dead_letters_list(&kafka, ctx, "copied-events", &letters, &count), INK_OK);
    assert_int_equal(count, 1); /* a late copy is settled, too */
    assert_int_equal(letters[0].copies, 3);
    assert_string_equal(letters[0].settled, "replayed");
    size_t back;
    struct ink_raw_message *messages = fixture_messages(ctx, "copied-events", &back);
    assert_int_equal(back, 1);
    assert_string_equal(messages[0].payload, raw.payload);
    assert_string_equal(messages[0].key, "k");
    assert_int_equal(messages[0].header_count, 1);
    assert_string_equal(ink_message_header(&messages[0], INK_HEADER_EVENT_ID), reason.event_id);
    ink_arena_release(&arena);
}

/* Its headers make a letter larger than its message, and Kafka has a limit. */
static void a_message_of_the_largest_size_can_die(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    size_t size = 999850;
    char *payload = ink_malloc(size + 1);
    memset(payload, 'x', size);
    payload[size] = '\0';
    fixture_produce("large", "k", NULL, payload);
    fixture_produce("large", "k", "id-2", "{\"type\":\"thing-changed\",\"n\":1}");
    struct ink_consumer *consumer =
        fixture_consumer("large", &handler, (struct ink_consumer_settings){0});
    fixture_await_effects("large", 1, 20000);
    await_dead(consumer, 1);
    ink_consumer_free(consumer);
    free(payload);
    struct ink_ctx *ctx = fixture_ctx(20000);
    struct ink_kafka_settings kafka = fixture_kafka();
    struct ink_dead_letter *letters;
    size_t count;
    fixture_expect(ink_dead_letters_list(&kafka, ctx, "large-events", &letters, &count), INK_OK);
    assert_int_equal(count, 1);
    assert_int_equal(letters[0].payload_size, 0);
    assert_int_equal(letters[0].original_offset, 0);
    assert_int_equal(letters[0].left_out, size);
    settle(ctx, "large-events", letters, count, INK_DEAD_LETTER_REPLAYED, 0); /* there is nothing */
    settle(ctx, "large-events", letters, count, INK_DEAD_LETTER_DISCARDED, 1);
}

static const struct ink_group *find_group(const struct ink_group *groups, size_t count,
                                          const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(groups[i].name, name) == 0)
            return &groups[i];
    }
    fail_msg("no group %s", name);
    return NULL;
}

static void groups_are_seen_from_outside(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    struct ink_kafka_settings kafka = fixture_kafka();
    fixture_produce("watched", "k", "id-1", "{\"type\":\"thing-changed\",\"n\":1}");
    struct ink_consumer *consumer =
        fixture_consumer("watched", &handler, (struct ink_consumer_settings){0});
    fixture_await_effects("watched", 1, 20000);
    struct ink_group *groups;
    size_t count;
    fixture_expect(ink_groups_list(&kafka, fixture_ctx(20000), &groups, &count), INK_OK);
    const struct ink_group *group = find_group(groups, count, "watched");
    assert_string_equal(group->state, "Stable");
    assert_int_equal(group->members, 1);
    assert_int_equal(group->partition_count, 3); /* also those without messages */
    ink_consumer_free(consumer);
    for (int i = 0; i < 6; i++) { /* for every partition, also those that have no offset yet */
        char key[] = {(char)('a' + i), '\0'}, id[] = {'i', (char)('a' + i), '\0'};
        fixture_produce("watched", key, id, "{\"type\":\"thing-changed\",\"n\":2}");
    }
    fixture_expect(ink_groups_list(&kafka, fixture_ctx(20000), &groups, &count), INK_OK);
    group = find_group(groups, count, "watched");
    assert_string_equal(group->state, "Empty");
    assert_int_equal(group->members, 0);
    assert_int_equal(group->partition_count, 3);
    assert_int_equal(group->lag, 6);
    int64_t lag = -1;
    fixture_expect(ink_group_lag(&kafka, fixture_ctx(10000), "watched", "watched-events", &lag),
                   INK_OK);
    assert_int_equal(lag, 6);
}

/* The database refuses one of a batch and does not say which. */
static void a_culprit_is_found_among_many(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    fixture_produce("hunt", "k", "id-1", "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_produce("hunt", "k", "forbidden", "{\"type\":\"thing-changed\",\"n\":9}");
    fixture_produce("hunt", "k", "id-2", "{\"type\":\"thing-changed\",\"n\":2}");
    struct ink_consumer *consumer =
        fixture_consumer("hunt", &handler, (struct ink_consumer_settings){0});
    fixture_await_effects("hunt", 2, 20000);
    fixture_expect_order("hunt");
    await_dead(consumer, 1);
    ink_consumer_free(consumer);
}

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
    sleep_ms(1000); /* for the test's own pool */
    fixture_await_effects("away", 3, 20000);
    fixture_expect_order("away");
    ink_consumer_free(consumer);
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

static int run_consumer(void)
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

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "consume") == 0)
        return run_consumer();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_becomes_message_becomes_effect),
        cmocka_unit_test(a_write_wakes_the_relay),
        cmocka_unit_test(the_inbox_forgets_what_is_past_its_time),
        cmocka_unit_test(many_writers_and_rebalances_keep_the_order_of_each_key),
        cmocka_unit_test(messages_without_headers_count_by_their_place),
        cmocka_unit_test(repeats_have_no_effect),
        cmocka_unit_test(unknown_types_are_skipped_and_counted),
        cmocka_unit_test(poison_goes_aside_and_comes_back_by_replay),
        cmocka_unit_test(what_comes_again_is_put_aside_once),
        cmocka_unit_test(copies_of_one_origin_are_one_letter),
        cmocka_unit_test(a_message_of_the_largest_size_can_die),
        cmocka_unit_test(groups_are_seen_from_outside),
        cmocka_unit_test(a_culprit_is_found_among_many),
        cmocka_unit_test(failures_that_pass_are_tried_again),
        cmocka_unit_test(partitions_that_were_taken_while_paused_are_read_again),
        cmocka_unit_test(a_killed_consumer_repeats_nothing),
        cmocka_unit_test(the_database_goes_and_comes_back),
        cmocka_unit_test(a_consumer_stops_while_kafka_is_away),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_end);
}
