#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/transcode/query.h"

static void decodes_escapes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum ink_decode how;
        const char *expected; /* NULL: refused */
    } cases[] = {
        {"", INK_DECODE_ALL, ""},
        {"abc", INK_DECODE_ALL, "abc"},
        {"a%2Fb%2fc%20d", INK_DECODE_ALL, "a/b/c d"},
        {"a%2Fb%2fc%20d", INK_DECODE_KEEP_SLASH, "a%2Fb%2fc d"},
        {"%252F", INK_DECODE_KEEP_SLASH, "%2F"},
        {"a+b%2B", INK_DECODE_ALL, "a+b+"},
        {"a+b%2B", INK_DECODE_FORM, "a b+"},
        {"%c3%A9", INK_DECODE_ALL, "\xc3\xa9"},
        {"%41", INK_DECODE_ALL, "A"},
        {"%", INK_DECODE_ALL, NULL},
        {"a%4", INK_DECODE_ALL, NULL},
        {"%4g", INK_DECODE_ALL, NULL},
        {"%g4", INK_DECODE_ALL, NULL},
        {"%%41", INK_DECODE_ALL, NULL},
        {"%00", INK_DECODE_ALL, NULL},
        {"%ff", INK_DECODE_ALL, NULL},
        {"%c0%80", INK_DECODE_ALL, NULL},
        {"%ed%a0%80", INK_DECODE_ALL, NULL},
        {"%c3", INK_DECODE_ALL, NULL},
        {"\xff", INK_DECODE_FORM, NULL},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_arena arena;
        const char *text = NULL;
        size_t size = 0;
        ink_arena_init(&arena);
        const char *problem = ink_percent_decode(&arena, cases[i].text, strlen(cases[i].text),
                                                 cases[i].how, &text, &size);
        if (!cases[i].expected) {
            if (!problem)
                fail_msg("%s was accepted", cases[i].text);
            assert_null(text);
        } else {
            assert_null(problem);
            assert_string_equal(text, cases[i].expected);
            assert_int_equal(size, strlen(cases[i].expected));
        }
        ink_arena_release(&arena);
    }
}

static void refuses_a_plain_nul(void **state)
{
    (void)state;
    struct ink_arena arena;
    const char *text;
    size_t size;
    ink_arena_init(&arena);
    assert_string_equal(ink_percent_decode(&arena, "a\0b", 3, INK_DECODE_ALL, &text, &size),
                        "has a NUL character");
    ink_arena_release(&arena);
}

static void splits_queries(void **state)
{
    (void)state;
    static const struct {
        const char *query, *expected;
    } cases[] = {
        {"", ""},
        {"&&", ""},
        {"a", "a=;"},
        {"a=", "a=;"},
        {"a=1&b=2", "a=1;b=2;"},
        {"&a=1&&b=2&", "a=1;b=2;"},
        {"a=1&a=2", "a=1;a=2;"},
        {"a=b=c", "a=b=c;"},
        {"a+b=c+d%2B", "a b=c d+;"},
        {"a%3Db=%26", "a=b=&;"},
        {"x.y=%C3%A9", "x.y=\xc3\xa9;"},
        {"a=1?b/c:d", "a=1?b/c:d;"},
        {"=1", "! a query parameter has no name"},
        {"a=1&=", "! a query parameter has no name"},
        {"a=%", "! a: has a \"%\" that no two hexadecimal digits follow"},
        {"a=%ff", "! a: is not valid UTF-8"},
        {"a=%00", "! a: has a NUL character"},
        {"%zz=1", "! the name of a query parameter has a \"%\" that no two hexadecimal digits "
                  "follow"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_arena arena;
        struct ink_query_parameter *parameters = NULL;
        struct ink_buf line = INK_BUF_INIT;
        size_t count = 0;
        ink_arena_init(&arena);
        struct ink_status status =
            ink_query_parse(&arena, cases[i].query, strlen(cases[i].query), &parameters, &count);
        ink_buf_puts(&line, "");
        if (status.violations)
            ink_buf_printf(&line, "! %s: %s", status.violations->field, status.violations->message);
        else if (!ink_is_ok(status))
            ink_buf_printf(&line, "! %s", status.message);
        for (size_t j = 0; j < count; j++)
            ink_buf_printf(&line, "%s=%s;", parameters[j].name, parameters[j].value);
        assert_string_equal(line.data ? line.data : "", cases[i].expected);
        ink_buf_release(&line);
        ink_arena_release(&arena);
    }
}

static void bounds_the_number_of_parameters(void **state)
{
    (void)state;
    struct ink_arena arena;
    struct ink_query_parameter *parameters;
    struct ink_buf query = INK_BUF_INIT;
    size_t count;
    ink_arena_init(&arena);
    for (int i = 0; i < INK_QUERY_MAX_PARAMETERS; i++)
        ink_buf_puts(&query, i ? "&a=1" : "a=1");
    assert_true(ink_is_ok(ink_query_parse(&arena, query.data, query.len, &parameters, &count)));
    assert_int_equal(count, INK_QUERY_MAX_PARAMETERS);
    ink_buf_puts(&query, "&a=1");
    struct ink_status status = ink_query_parse(&arena, query.data, query.len, &parameters, &count);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_string_equal(status.message, "the query has more than 1000 parameters");
    ink_buf_release(&query);
    ink_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_escapes),
        cmocka_unit_test(refuses_a_plain_nul),
        cmocka_unit_test(splits_queries),
        cmocka_unit_test(bounds_the_number_of_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
