/* The path from the row to its effect: once each, in order, whatever comes
 * between. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "lib/events/lag.h"
#include "tests/integration/events/consumer_cases.h"
#include "tests/integration/events/fixture.h"

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
    fixture_sleep_ms(300);
    struct ink_consumer *second =
        fixture_consumer("many", &handler, (struct ink_consumer_settings){.batch = 20});
    fixture_sleep_ms(1500);
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

static int flow_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_becomes_message_becomes_effect),
        cmocka_unit_test(a_write_wakes_the_relay),
        cmocka_unit_test(the_inbox_forgets_what_is_past_its_time),
        cmocka_unit_test(many_writers_and_rebalances_keep_the_order_of_each_key),
        cmocka_unit_test(messages_without_headers_count_by_their_place),
        cmocka_unit_test(repeats_have_no_effect),
        cmocka_unit_test(unknown_types_are_skipped_and_counted),
        cmocka_unit_test(groups_are_seen_from_outside),
    };
    return cmocka_run_group_tests_name("flow_cases", tests, fixture_start, fixture_end);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "consume") == 0)
        return trouble_run_consumer();
    return flow_cases() + letters_cases() + trouble_cases();
}
