/* What a consumer makes of messages: its own, the old system's, and nonsense. */
#include <string.h>

#include "lib/events/message.h"
#include "tests/support/arena_case.h"

static struct ink_event read_event(const char *payload, size_t count, struct ink_header *headers)
{
    struct ink_raw_message raw = {.topic = "blog-events",
                                  .partition = 2,
                                  .offset = 77,
                                  .time = 1700000000123,
                                  .payload = payload,
                                  .payload_size = payload != NULL ? strlen(payload) : 0,
                                  .headers = headers,
                                  .header_count = count};
    for (size_t i = 0; i < count; i++)
        headers[i].size = strlen(headers[i].value);
    struct ink_event event;
    ink_event_read(&arena, &raw, &event);
    return event;
}

static void headers_say_what_it_is(void **state)
{
    (void)state;
    struct ink_header headers[] = {{"ce_id", "id-1", 0},
                                   {"ce_type", "blog-published", 0},
                                   {"ce_source", "/inkmesh/blog", 0},
                                   {"ce_time", "2026-11-22T10:00:00.5Z", 0},
                                   {"traceparent", "00-abc", 0}};
    struct ink_event event = read_event("{\"type\":\"other\"}", 5, headers);
    assert_null(event.rejected);
    assert_string_equal(event.id, "id-1");
    assert_string_equal(event.type, "blog-published");
    assert_string_equal(event.source, "/inkmesh/blog");
    assert_string_equal(event.traceparent, "00-abc");
    assert_int_equal(event.time, 1795341600500000);
    assert_string_equal(event.key, "");
    assert_int_equal(event.offset, 77);
    assert_int_equal(event.lane, 2);
}

static void without_headers_place_and_payload_say_it(void **state)
{
    (void)state;
    struct ink_event event =
        read_event("{\"title\":{\"type\":\"no\"},\"type\":\"blog-\\u0075pdated\"}", 0, NULL);
    assert_null(event.rejected);
    assert_string_equal(event.id, "kafka:blog-events/2/77");
    assert_string_equal(event.type, "blog-updated");
    assert_int_equal(event.time, 1700000000123000);
    assert_null(event.traceparent);
}

static void a_replayed_one_keeps_its_identity(void **state)
{
    (void)state;
    struct ink_header header = {INK_HEADER_EVENT_ID, "kafka:blog-events/0/3", 0};
    struct ink_event event = read_event("{\"type\":\"t\"}", 1, &header);
    assert_string_equal(event.id, "kafka:blog-events/0/3");
}

static void nonsense_is_rejected(void **state)
{
    (void)state;
    static const char *const payloads[] = {"",
                                           "null",
                                           "7",
                                           "[]",
                                           "{}",
                                           "{\"type\":1}",
                                           "{\"type\":\"\"}",
                                           "{\"type\":\"a\"",
                                           "nonsense",
                                           "{\"type\":\"a\\u0000b\"}",
                                           "{\"type\":\"a\"} {}",
                                           "{\"Type\":\"a\"}",
                                           NULL};
    for (size_t i = 0; i < INK_COUNT(payloads); i++) {
        struct ink_event event = read_event(payloads[i], 0, NULL);
        if (event.rejected == NULL)
            fail_msg("%s was taken for %s", payloads[i], event.type);
        assert_string_equal(event.type, "");
    }
}

static void identities_that_do_not_fit_are_rejected(void **state)
{
    (void)state;
    char id[INK_EVENT_ID_LIMIT + 2];
    memset(id, 'x', sizeof(id));
    id[INK_EVENT_ID_LIMIT] = '\0';
    struct ink_header header = {"ce_id", id, 0};
    assert_null(read_event("{\"type\":\"t\"}", 1, &header).rejected);
    id[INK_EVENT_ID_LIMIT] = 'x';
    id[INK_EVENT_ID_LIMIT + 1] = '\0';
    assert_non_null(read_event("{\"type\":\"t\"}", 1, &header).rejected);
    header.value = "\xff";
    assert_non_null(read_event("{\"type\":\"t\"}", 1, &header).rejected);
    header.value = "";
    assert_non_null(read_event("{\"type\":\"t\"}", 1, &header).rejected);
}

/* Kafka takes any time from a producer. */
static void times_that_nobody_has_are_cut(void **state)
{
    (void)state;
    assert_int_equal(ink_message_time(1700000000123), 1700000000123000);
    assert_int_equal(ink_message_time(INT64_MAX), INT64_MAX / 1000 * 1000);
    assert_int_equal(ink_message_time(INT64_MIN), -(INT64_MAX / 1000 * 1000));
    struct ink_raw_message raw = {.topic = "blog-events", .time = INT64_MIN};
    struct ink_event event;
    ink_event_read(&arena, &raw, &event);
    assert_int_equal(event.time, -(INT64_MAX / 1000 * 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_say_what_it_is),
        cmocka_unit_test(without_headers_place_and_payload_say_it),
        cmocka_unit_test(a_replayed_one_keeps_its_identity),
        cmocka_unit_test(nonsense_is_rejected),
        cmocka_unit_test(identities_that_do_not_fit_are_rejected),
        cmocka_unit_test(times_that_nobody_has_are_cut),
    };
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
