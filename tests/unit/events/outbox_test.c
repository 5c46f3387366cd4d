/* What a service writes and what the relay makes of it. */
#include <string.h>

#include "lib/base/uuid.h"
#include "lib/events/outbox.h"
#include "lib/events/row.h"
#include "lib/events/seqs.h"
#include "tests/support/arena_case.h"

static void parameters_are_an_id_and_the_trace(void **state)
{
    (void)state;
    struct ink_ctx ctx = ink_ctx_background(&arena);
    struct ink_db_params params = ink_db_params(&arena);
    ink_outbox_add(&params, &ctx);
    assert_int_equal(params.count, 2);
    assert_true(ink_uuid_valid(params.values[0], strlen(params.values[0])));
    assert_string_equal(params.values[1], "{}");
    assert_true(
        ink_trace_continue(&ctx.trace, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    ink_outbox_add(&params, &ctx);
    assert_string_not_equal(params.values[0], params.values[2]);
    assert_non_null(strstr(params.values[3], "\"00-0af7651916cd43dd8448eb211c80319c-"));
}

static const char *value_of(const struct ink_message *message, const char *name)
{
    for (size_t i = 0; i < message->header_count; i++) {
        if (strcmp(message->headers[i].name, name) == 0)
            return message->headers[i].value;
    }
    return NULL;
}

static struct ink_message make_at(const char *created_at, const char *headers)
{
    const struct ink_outbox_row row = {.id = "the-id",
                                       .aggregate_type = "blog",
                                       .aggregate_id = "b1",
                                       .type = "blog-published",
                                       .payload = "{\"a\": 1}",
                                       .headers = headers,
                                       .created_at = created_at};
    struct ink_message message;
    ink_outbox_message(&arena, &row, ink_outbox_topic(&arena, row.aggregate_type), "/inkmesh/blog",
                       &message);
    return message;
}

static struct ink_message make(const char *headers)
{
    return make_at("2023-11-14 22:13:20.123456+00", headers);
}

static void a_row_becomes_a_message(void **state)
{
    (void)state;
    struct ink_message message = make("{\"traceparent\":\"00-1\", \"deep\": {\"x\": 1}, \"n\": 7,"
                                      " \"ce_id\": \"forged\", \"say\": \"\\\"hi\\\"\"}");
    assert_string_equal(message.topic, "blog-events");
    assert_memory_equal(message.key, "b1", 2);
    assert_int_equal(message.key_size, 2);
    assert_int_equal(message.payload_size, 8);
    assert_string_equal(value_of(&message, "ce_id"), "the-id");
    assert_string_equal(value_of(&message, "ce_source"), "/inkmesh/blog");
    assert_string_equal(value_of(&message, "ce_specversion"), "1.0");
    assert_string_equal(value_of(&message, "ce_type"), "blog-published");
    assert_string_equal(value_of(&message, "ce_time"), "2023-11-14T22:13:20.123456Z");
    assert_string_equal(value_of(&message, "content-type"), "application/json");
    assert_string_equal(value_of(&message, "traceparent"), "00-1");
    assert_string_equal(value_of(&message, "say"), "\"hi\"");
    assert_int_equal(message.header_count, 8);
}

static void times_are_as_rfc_3339_has_them(void **state)
{
    (void)state;
    static const char *const times[][2] = {
        {"2023-11-14 22:13:20+00", "2023-11-14T22:13:20Z"},
        {"2023-11-14 22:13:20.5+00", "2023-11-14T22:13:20.5Z"},
        {"infinity", "infinity"}, /* nothing that a service writes */
        {"12023-11-14 22:13:20+00", "12023-11-14 22:13:20+00"},
    };
    for (size_t i = 0; i < INK_COUNT(times); i++) {
        struct ink_message message = make_at(times[i][0], "{}");
        assert_string_equal(value_of(&message, "ce_time"), times[i][1]);
    }
}

static void odd_headers_do_no_harm(void **state)
{
    (void)state;
    static const char *const odd[] = {"[]", "null", "\"x\"", "{}", "{\"a\\u0000\":\"b\"}"};
    for (size_t i = 0; i < INK_COUNT(odd); i++)
        assert_int_equal(make(odd[i]).header_count, 6);
}

static void there_is_a_limit_to_headers(void **state)
{
    (void)state;
    char *text = ink_arena_strdup(&arena, "{\"h\":\"0\"");
    for (int i = 0; i < 100; i++)
        text = ink_arena_printf(&arena, "%s,\"h%d\":\"0\"", text, i);
    assert_int_equal(make(ink_arena_printf(&arena, "%s}", text)).header_count, 32);
}

static void expect_set(const struct ink_seqs *set, const char *text)
{
    assert_string_equal(ink_seqs_text(set, &arena), text);
}

static void rows_are_told_by_their_runs(void **state)
{
    (void)state;
    struct ink_seqs set = {0};
    expect_set(&set, "{}");
    for (int64_t seq = 7; seq < 5000; seq++)
        ink_seqs_add(&set, seq);
    assert_int_equal(set.count, 1);
    expect_set(&set, "{[7,4999]}");
    ink_seqs_add(&set, 5001);
    ink_seqs_add(&set, 3);
    expect_set(&set, "{[7,4999],[5001,5001],[3,3]}");
    ink_seqs_clear(&set);
    for (int64_t seq = 0; seq < 100; seq += 2)
        ink_seqs_add(&set, seq);
    assert_int_equal(set.count, 50);
    ink_seqs_release(&set);
    expect_set(&set, "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_an_id_and_the_trace),
        cmocka_unit_test(a_row_becomes_a_message),
        cmocka_unit_test(times_are_as_rfc_3339_has_them),
        cmocka_unit_test(odd_headers_do_no_harm),
        cmocka_unit_test(there_is_a_limit_to_headers),
        cmocka_unit_test(rows_are_told_by_their_runs),
    };
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
