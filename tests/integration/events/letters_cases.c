/* What cannot be handled goes aside, once, and comes back when it is told to. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/events/letter.h"
#include "lib/events/reader.h"
#include "tests/integration/events/consumer_cases.h"
#include "tests/integration/events/fixture.h"

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
    fixture_await_dead(consumer, 2);
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
    fixture_await_dead(consumer, 1);
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
    fixture_await_dead(consumer, 2);
    ink_consumer_free(consumer);
    forget_offsets("twice");
    struct fixture_handler again = {.reject = "poison"};
    consumer = fixture_consumer("twice", &again, (struct ink_consumer_settings){0});
    fixture_await("all three to come again", has_repeated_three, consumer, 20000);
    assert_int_equal(ink_consumer_stats(consumer).dead, 0);
    ink_consumer_free(consumer);
    assert_true(again.reports > 0); /* an attempt that seemed to fail may have committed */
    assert_int_equal(again.done, 0);
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
    fixture_await_dead(consumer, 1);
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
    fixture_await_dead(consumer, 1);
    ink_consumer_free(consumer);
}

/* What `read` rejects is not handled at all. */
static void reject_nine(void *self, struct ink_arena *arena, struct ink_event *event)
{
    (void)self;
    if (strstr(event->payload, "\"n\":9") != NULL)
        event->rejected = ink_arena_strdup(arena, "a nine");
}

static void what_cannot_be_read_goes_aside(void **state)
{
    (void)state;
    struct fixture_handler handler = {0};
    fixture_produce("unread", "k", "id-1", "{\"type\":\"thing-changed\",\"n\":1}");
    fixture_produce("unread", "k", "id-2", "{\"type\":\"thing-changed\",\"n\":9}");
    fixture_produce("unread", "k", "id-3", "{\"type\":\"thing-changed\",\"n\":2}");
    struct ink_consumer *consumer =
        fixture_consumer("unread", &handler, (struct ink_consumer_settings){.read = reject_nine});
    fixture_await_effects("unread", 2, 20000);
    fixture_await_dead(consumer, 1);
    assert_int_equal(handler.done, 2);
    fixture_expect_order("unread");
    ink_consumer_free(consumer);
}

int letters_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poison_goes_aside_and_comes_back_by_replay),
        cmocka_unit_test(what_comes_again_is_put_aside_once),
        cmocka_unit_test(copies_of_one_origin_are_one_letter),
        cmocka_unit_test(a_message_of_the_largest_size_can_die),
        cmocka_unit_test(a_culprit_is_found_among_many),
        cmocka_unit_test(what_cannot_be_read_goes_aside),
    };
    return cmocka_run_group_tests_name("letters_cases", tests, fixture_start, fixture_end);
}
