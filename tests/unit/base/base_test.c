/* lib/base: memory, text, time, ids and status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/ctx.h"
#include "lib/base/status.h"
#include "lib/base/text.h"
#include "lib/base/trace.h"
#include "lib/base/uuid.h"

static void arenas_give_aligned_memory_of_any_size(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    for (size_t size = 0; size < 2000000; size = size * 3 + 1) {
        char *memory = ink_arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        memset(memory, 0xAB, size);
    }
    assert_string_equal(ink_arena_printf(&arena, "%s-%d", "a", 7), "a-7");
    const uint64_t *zeros = ink_arena_calloc(&arena, 100, sizeof(*zeros));
    for (int i = 0; i < 100; i++)
        assert_int_equal(zeros[i], 0);
    ink_arena_release(&arena);
    assert_string_equal(ink_arena_strdup(&arena, "again"), "again");
    ink_arena_release(&arena);
}

static void buffers_grow_and_stay_terminated(void **state)
{
    (void)state;
    struct ink_buf buf = INK_BUF_INIT;
    for (int i = 0; i < 1000; i++)
        ink_buf_printf(&buf, "%d,", i % 10);
    assert_int_equal(buf.len, 2000);
    assert_int_equal(strlen(buf.data), 2000);
    ink_buf_clear(&buf);
    assert_string_equal(buf.data, "");
    ink_buf_release(&buf);
}

/* Wherever the first byte that is not plain stands, and whatever follows. */
static void plain_ascii_ends_where_it_ends(void **state)
{
    static const unsigned char others[] = {'"', '\\', '\n', 0x1f, 0x7f, 0x80, 0xFF, 0};
    char text[40];
    (void)state;
    for (size_t size = 0; size <= sizeof(text); size++) {
        memset(text, '~', sizeof(text));
        assert_int_equal(ink_ascii_plain(text, size), size);
        for (size_t at = 0; at < size; at++) {
            memset(text, ' ', sizeof(text));
            text[at] = (char)others[(at + size) % sizeof(others)];
            assert_int_equal(ink_ascii_plain(text, size), at);
            text[size - 1] = '"';
            assert_int_equal(ink_ascii_plain(text, size), at);
        }
    }
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"\"\\/", "\"\\\"\\\\/\""},
        {"\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\""},
        {"äß€𝄞", "\"äß€𝄞\""},
        {"a\xFFz\xC3", "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\""},
        {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""}, /* a surrogate */
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_buf buf = INK_BUF_INIT;
        ink_buf_json_string(&buf, cases[i].text, strlen(cases[i].text));
        assert_string_equal(buf.data, cases[i].json);
        ink_buf_release(&buf);
    }
}

static void utf8_is_checked_strictly(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "a",
                                       "\x7f",
                                       "\xC2\x80",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {
        "\x80", "\xC0\x80",         "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF5", "\xF4\x90\x80\x80", "\xC3",     "\xE2\x82",     "\xC3(",        "12345678\xFF"};
    for (size_t i = 0; i < INK_COUNT(good); i++)
        assert_true(ink_utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < INK_COUNT(bad); i++)
        assert_false(ink_utf8_valid(bad[i], strlen(bad[i])));
    assert_int_equal(ink_utf8_length("aä€𝄞", 10), 4);
}

static void base64_goes_both_ways(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    unsigned char data[64];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(i * 37 + 11);
    for (size_t size = 0; size <= sizeof(data); size++) {
        struct ink_buf forms[2] = {INK_BUF_INIT, INK_BUF_INIT};
        ink_buf_base64(&forms[0], data, size);
        ink_buf_base64url(&forms[1], data, size);
        for (int i = 0; i < 2; i++) {
            void *back;
            size_t back_size;
            assert_true(ink_base64_decode(&arena, forms[i].data != NULL ? forms[i].data : "",
                                          forms[i].len, &back, &back_size));
            assert_int_equal(back_size, size);
            assert_memory_equal(back, data, size);
            ink_buf_release(&forms[i]);
        }
    }
    static const char *const bad[] = {"A", "AA=", "AAA==", "A===", "AA AA", "AA\nA", "?AAA"};
    for (size_t i = 0; i < INK_COUNT(bad); i++) {
        void *back;
        size_t size;
        assert_false(ink_base64_decode(&arena, bad[i], strlen(bad[i]), &back, &size));
    }
    ink_arena_release(&arena);
}

static void times_go_both_ways(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        int32_t nanos;
        const char *text;
    } cases[] = {
        {0, 0, "1970-01-01T00:00:00Z"},
        {1763805600, 120000000, "2025-11-22T10:00:00.120Z"},
        {1763805600, 1000, "2025-11-22T10:00:00.000001Z"},
        {1763805600, 1, "2025-11-22T10:00:00.000000001Z"},
        {-62135596800, 0, "0001-01-01T00:00:00Z"},
        {253402300799, 999999999, "9999-12-31T23:59:59.999999999Z"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        char text[INK_RFC3339_SIZE];
        int64_t seconds;
        int32_t nanos;
        ink_rfc3339(cases[i].seconds, cases[i].nanos, text);
        assert_string_equal(text, cases[i].text);
        assert_true(ink_rfc3339_parse(text, strlen(text), &seconds, &nanos));
        assert_int_equal(seconds, cases[i].seconds);
        assert_int_equal(nanos, cases[i].nanos);
    }
    int64_t seconds;
    int32_t nanos;
    assert_true(ink_rfc3339_parse("2024-02-29t12:00:00.5-05:30", 27, &seconds, &nanos));
    assert_int_equal(seconds, 1709227800);
    assert_int_equal(nanos, 500000000);
    static const char *const bad[] = {
        "",
        "2025-11-22",
        "2025-11-22T10:00:00",
        "2025-02-29T10:00:00Z",
        "2025-13-01T10:00:00Z",
        "2025-11-22T24:00:00Z",
        "2025-11-22T10:00:00.Z",
        "2025-11-22T10:00:00.1234567890Z",
        "2025-11-22T10:00:00+24:00",
        "2025-11-22T10:00:00Z ",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2025-11-22 10:00:00Z",
    };
    for (size_t i = 0; i < INK_COUNT(bad); i++)
        assert_false(ink_rfc3339_parse(bad[i], strlen(bad[i]), &seconds, &nanos));
}

/* All over the calendar, as the C library has it. */
static void dates_are_those_of_the_c_library(void **state)
{
    (void)state;
    for (int64_t day = -719528; day <= 2932896; day += 13) {
        char text[INK_RFC3339_SIZE], expected[32];
        time_t seconds = day * 86400 + (day * 7919 % 86400 + 86400) % 86400;
        struct tm tm;
        gmtime_r(&seconds, &tm);
        strftime(expected, sizeof(expected), "-%m-%dT%H:%M:%SZ", &tm);
        ink_rfc3339(seconds, 0, text);
        assert_int_equal(atoi(text), tm.tm_year + 1900);
        assert_string_equal(text + 4, expected);
    }
    char text[INK_RFC3339_SIZE];
    ink_rfc3339(INT64_MIN, 0, text);
    assert_string_equal(text, "0000-01-01T00:00:00Z");
    ink_rfc3339(INT64_MAX, 0, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
}

static void numbers_are_written_in_decimal(void **state)
{
    (void)state;
    struct ink_buf buf = INK_BUF_INIT;
    ink_buf_integer(&buf, INT64_MIN);
    ink_buf_putc(&buf, ' ');
    ink_buf_integer(&buf, -7);
    ink_buf_putc(&buf, ' ');
    ink_buf_integer(&buf, 0);
    ink_buf_putc(&buf, ' ');
    ink_buf_unsigned(&buf, UINT64_MAX);
    assert_string_equal(buf.data, "-9223372036854775808 -7 0 18446744073709551615");
    assert_int_equal(buf.len, strlen(buf.data));
    ink_buf_release(&buf);
}

static void ids_are_ordered_by_time(void **state)
{
    (void)state;
    char first[INK_UUID_SIZE], second[INK_UUID_SIZE], lower[INK_UUID_SIZE];
    ink_uuid_v7(first);
    int64_t until = ink_wall_clock() / 1000 + 2;
    while (ink_wall_clock() / 1000 < until)
        ;
    ink_uuid_v7(second);
    assert_true(strcmp(first, second) < 0);
    assert_true(ink_uuid_valid(first, 36));
    assert_int_equal(first[14], '7');
    assert_non_null(strchr("89ab", first[19]));
    assert_true(ink_uuid_normalize("01A20561-F43A-7AA6-B745-2D411081EEBE", lower));
    assert_string_equal(lower, "01a20561-f43a-7aa6-b745-2d411081eebe");
    assert_false(ink_uuid_valid("01a20561-f43a-7aa6-b745-2d411081eeb", 35));
    assert_false(ink_uuid_valid("01a20561-f43a-7aa6-b745-2d411081eebg", 36));
    assert_false(ink_uuid_valid("01a20561+f43a-7aa6-b745-2d411081eebe", 36));
}

#define TRACE_ID "4bf92f3577b34da6a3ce929d0e0e4736"

static void traces_are_continued(void **state)
{
    (void)state;
    struct ink_trace trace;
    char text[INK_TRACEPARENT_SIZE];
    assert_true(ink_trace_continue(&trace, "00-" TRACE_ID "-00f067aa0ba902b7-01"));
    assert_string_equal(trace.trace_id, TRACE_ID);
    assert_string_equal(trace.parent_id, "00f067aa0ba902b7");
    assert_true(trace.sampled);
    ink_trace_format(&trace, text);
    assert_int_equal(strlen(text), 55);
    assert_memory_equal(text, "00-" TRACE_ID "-", 36);
    assert_string_not_equal(trace.span_id, trace.parent_id);
    assert_true(ink_trace_continue(&trace, "00-" TRACE_ID "-00f067aa0ba902b7-00"));
    assert_false(trace.sampled);
    /* A later version may add to what version 00 has. */
    assert_true(ink_trace_continue(&trace, "cc-" TRACE_ID "-00f067aa0ba902b7-01-more"));
}

static void malformed_traces_start_anew(void **state)
{
    (void)state;
    static const char *const bad[] = {
        NULL,
        "",
        "00-" TRACE_ID "-00f067aa0ba902b7",
        "00-" TRACE_ID "-00f067aa0ba902b7-0",
        "00-" TRACE_ID "-00f067aa0ba902b7-01-more",
        "00-" TRACE_ID "-0000000000000000-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "ff-" TRACE_ID "-00f067aa0ba902b7-01",
        "00-" TRACE_ID "+00f067aa0ba902b7-01",
        "cc-" TRACE_ID "-00f067aa0ba902b7-01more",
    };
    for (size_t i = 0; i < INK_COUNT(bad); i++) {
        struct ink_trace trace;
        assert_false(ink_trace_continue(&trace, bad[i]));
        assert_int_equal(strlen(trace.trace_id), 32);
        assert_int_equal(strlen(trace.span_id), 16);
        assert_string_equal(trace.parent_id, "");
        assert_string_not_equal(trace.trace_id, TRACE_ID);
    }
}

static void violations_make_a_status(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_violation *list = NULL;
    assert_true(ink_is_ok(ink_violations_status(&arena, list)));
    ink_violation_add(&arena, &list, "name", "must not be empty");
    assert_string_equal(ink_violations_status(&arena, list).message, "name: must not be empty");
    ink_violation_add(&arena, &list, "", "must be something");
    struct ink_status status = ink_violations_status(&arena, list);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_string_equal(status.message, "name: must not be empty (and 1 more)");
    struct ink_status copy = ink_status_copy(&arena, status);
    assert_string_equal(copy.violations->next->message, "must be something");
    assert_ptr_not_equal(copy.violations, status.violations);
    status = ink_error_cause(&arena, INK_INTERNAL, "internal error", "errno %d", 5);
    assert_string_equal(status.message, "internal error");
    assert_string_equal(status.cause, "errno 5");
    assert_string_equal(ink_code_name(INK_UNAUTHENTICATED), "UNAUTHENTICATED");
    assert_string_equal(ink_code_name((enum ink_code)99), "UNKNOWN");
    ink_arena_release(&arena);
}

static void contexts_end(void **state)
{
    (void)state;
    struct ink_arena arena;
    atomic_bool cancelled = false;
    ink_arena_init(&arena);
    struct ink_ctx ctx = ink_ctx_background(&arena);
    assert_true(ink_is_ok(ink_ctx_check(&ctx)));
    assert_int_equal(ink_deadline_left_ms(ctx.deadline, 700), 700);
    ctx.deadline = ink_now() + 10 * INK_SECOND;
    assert_in_range(ink_deadline_left_ms(ctx.deadline, 700000), 9000, 10000);
    ctx.cancelled = &cancelled;
    assert_true(ink_is_ok(ink_ctx_check(&ctx)));
    atomic_store(&cancelled, true);
    assert_int_equal(ink_ctx_check(&ctx).code, INK_CANCELLED);
    atomic_store(&cancelled, false);
    ctx.deadline = ink_now() - 1;
    assert_int_equal(ink_ctx_check(&ctx).code, INK_DEADLINE_EXCEEDED);
    assert_int_equal(ink_deadline_left_ms(ctx.deadline, 700), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arenas_give_aligned_memory_of_any_size),
        cmocka_unit_test(buffers_grow_and_stay_terminated),
        cmocka_unit_test(plain_ascii_ends_where_it_ends),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(utf8_is_checked_strictly),
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(times_go_both_ways),
        cmocka_unit_test(dates_are_those_of_the_c_library),
        cmocka_unit_test(numbers_are_written_in_decimal),
        cmocka_unit_test(ids_are_ordered_by_time),
        cmocka_unit_test(traces_are_continued),
        cmocka_unit_test(malformed_traces_start_anew),
        cmocka_unit_test(violations_make_a_status),
        cmocka_unit_test(contexts_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
