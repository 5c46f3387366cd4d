#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/transcode/json_reader.h"
#include "tests/support/arena_case.h"

static struct ink_json_reader reader;

static void start(const char *text)
{
    ink_json_reader_init(&reader, &arena, text, strlen(text));
}

/* Whether the whole of `text` is one JSON value. The copy has no byte to spare. */
static bool accepts(const char *text, size_t size)
{
    char *copy = malloc(size + (size == 0));
    memcpy(copy, text, size);
    ink_json_reader_init(&reader, &arena, copy, size);
    bool accepted = ink_json_skip(&reader) && ink_json_finish(&reader);
    assert_int_equal(accepted, reader.error == NULL);
    free(copy);
    return accepted;
}

static void takes_json(void **state)
{
    (void)state;
    static const char *const good[] = {
        "0",
        "-0",
        "10",
        "-1.5",
        "1e5",
        "1E+5",
        "1.25e-3",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\"",
        "{}",
        "[]",
        " [ ] ",
        "\t{\r\n}\n",
        "[1,2]",
        "[[],{}]",
        "{\"a\":1,\"b\":[null]}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\xc3\xa9\xf0\x9f\x98\x80\"",
        "\"\x7f\"",
        "{\"\":0}",
        "\"12345678\"",
        "\"123456789012345\"",
    };
    for (size_t i = 0; i < INK_COUNT(good); i++)
        if (!accepts(good[i], strlen(good[i])))
            fail_msg("refused: %s (%s)", good[i], reader.error);
}

static void refuses_what_is_not_json(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "x",
        "{",
        "[",
        "\"",
        "\"a",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{1:1}",
        "{\"a\" 1}",
        "]",
        "}",
        "[}",
        "{]",
        "01",
        "+1",
        "1.",
        ".5",
        "-",
        "--1",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "Infinity",
        "-Infinity",
        "tru",
        "truex",
        "nul",
        "nullx",
        "True",
        "'a'",
        "1 1",
        "{}{}",
        "[]x",
        "/**/1",
        "1//",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u123\"",
        "\"\\u12g4\"",
        "\"\\",
        "\"\t\"",
        "\"\n\"",
        "\"\x01\"",
        "\"\x1f\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800x\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud800\\udbff\"",
        "\"\xc3\"",
        "\"\xc3\x28\"",
        "\"\xff\"",
        "\"\xc0\xaf\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\x80\"",
        "\xef\xbb\xbf{}",
        "\"1234567\t\"",
        "\"12345678\xff\"",
        "\v1",
        "\f1",
        "\xc2\xa0 1",
    };
    for (size_t i = 0; i < INK_COUNT(bad); i++)
        if (accepts(bad[i], strlen(bad[i])))
            fail_msg("taken: %s", bad[i]);
    assert_false(accepts("1\0", 2));
    assert_false(accepts("\"a\0b\"", 5));
}

/* Every byte of every short string is passed or stopped at, wherever it stands among eight. */
static void finds_each_byte_at_each_place(void **state)
{
    (void)state;
    for (int byte = 0; byte < 0x80; byte++) {
        for (size_t place = 0; place < 20; place++) {
            char text[22];
            memset(text, 'a', sizeof(text));
            text[0] = text[21] = '"';
            text[1 + place] = (char)byte;
            bool good = byte >= 0x20 && byte != '"' && byte != '\\';
            assert_int_equal(accepts(text, sizeof(text)), good);
        }
    }
}

static void decodes_strings(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"\"\"", ""},
        {"\"plain\"", "plain"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"a\\u0041b\"", "aAb"},
        {"\"\\u007f\\u0080\\u07FF\\u0800\\uFFFF\"", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
        {"\"\\uD83D\\uDE00\"", "\xf0\x9f\x98\x80"},
        {"\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf"},
        {"\"long enough to have several words\\n\"", "long enough to have several words\n"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_json_text text;
        start(cases[i].json);
        assert_true(ink_json_string(&reader, &text));
        assert_int_equal(text.size, strlen(cases[i].text));
        assert_memory_equal(text.data, cases[i].text, text.size);
        assert_string_equal(ink_json_text_keep(&reader, text), cases[i].text);
        assert_true(ink_json_finish(&reader));
    }
}

static void keeps_no_nul(void **state)
{
    (void)state;
    struct ink_json_text text;
    start("\"a\\u0000b\"");
    assert_true(ink_json_string(&reader, &text));
    assert_int_equal(text.size, 3);
    assert_memory_equal(text.data, "a\0b", 3);
    assert_null(ink_json_text_keep(&reader, text));
}

/* What lies right behind the input in the arena is not taken for a part of the input. */
static void tells_the_input_from_the_arena(void **state)
{
    (void)state;
    const char json[] = "\"\\u0000abcdefgh\"";
    char *input = ink_arena_alloc(&arena, sizeof(json) - 1);
    memcpy(input, json, sizeof(json) - 1);
    struct ink_json_text text;
    ink_json_reader_init(&reader, &arena, input, sizeof(json) - 1);
    assert_true(ink_json_string(&reader, &text));
    assert_ptr_equal(text.data, input + 16);
    assert_null(ink_json_text_keep(&reader, text));
}

static void walks_without_a_tree(void **state)
{
    (void)state;
    struct ink_json_text name, text;
    bool flag = false;
    start("{\"a\": [1, \"x\"], \"b\\u0062\": {\"c\": true}, \"d\": null}");
    assert_int_equal(ink_json_peek(&reader), INK_JSON_OBJECT);
    assert_true(ink_json_enter_object(&reader));
    assert_true(ink_json_next_name(&reader, &name));
    assert_int_equal(ink_json_peek(&reader), INK_JSON_ARRAY);
    assert_true(ink_json_enter_array(&reader));
    assert_true(ink_json_next_element(&reader));
    assert_true(ink_json_number(&reader, &text) && text.size == 1 && *text.data == '1');
    assert_true(ink_json_next_element(&reader));
    assert_true(ink_json_string(&reader, &text));
    assert_false(ink_json_next_element(&reader));
    assert_true(ink_json_next_name(&reader, &name));
    assert_true(name.size == 2 && memcmp(name.data, "bb", 2) == 0);
    assert_true(ink_json_enter_object(&reader));
    assert_true(ink_json_next_name(&reader, &name));
    assert_true(ink_json_bool(&reader, &flag) && flag);
    assert_false(ink_json_next_name(&reader, &name));
    assert_true(ink_json_next_name(&reader, &name));
    assert_true(ink_json_null(&reader));
    assert_false(ink_json_next_name(&reader, &name));
    assert_true(ink_json_finish(&reader));
}

static void counts_depth(void **state)
{
    (void)state;
    char text[2 * (INK_JSON_DEPTH + 1)];
    memset(text, '[', INK_JSON_DEPTH);
    memset(text + INK_JSON_DEPTH, ']', INK_JSON_DEPTH);
    assert_true(accepts(text, 2 * INK_JSON_DEPTH));
    memset(text, '[', INK_JSON_DEPTH + 1);
    memset(text + INK_JSON_DEPTH + 1, ']', INK_JSON_DEPTH + 1);
    assert_false(accepts(text, sizeof(text)));
    assert_string_equal(reader.error, "nested too deeply");
    /* Side by side is not deep. */
    const char *wide = "[[],[],[{}],{\"a\":[]}]";
    assert_true(accepts(wide, strlen(wide)));
}

static void says_where(void **state)
{
    (void)state;
    static const struct {
        const char *json, *where;
    } cases[] = {
        {"", "line 1, column 1: unexpected end"},
        {"{\"a\":1", "line 1, column 7: unexpected end"},
        {"{\n  \"a\": 1,\n  \"b\": x\n}", "line 3, column 8: a value expected"},
        {"[\"\xc3\xa9\xc3\xa9\", x]", "line 1, column 8: a value expected"},
        {"{\"a\":\"\\ud800\"}", "line 1, column 7: lone surrogate in a string"},
        {"[1 2]", "line 1, column 4: ',' or ']' expected"},
        {"{} x", "line 1, column 4: text after the value"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        assert_false(accepts(cases[i].json, strlen(cases[i].json)));
        /* The input must be in place for this. */
        ink_json_reader_init(&reader, &arena, cases[i].json, strlen(cases[i].json));
        assert_false(ink_json_skip(&reader) && ink_json_finish(&reader));
        struct ink_status status = ink_json_status(&reader);
        assert_int_equal(status.code, INK_INVALID_ARGUMENT);
        assert_string_equal(status.violations->field, "");
        assert_non_null(strstr(status.message, cases[i].where));
    }
}

static void keeps_the_first_error(void **state)
{
    (void)state;
    struct ink_json_text text;
    start("[1, x, \"\\ud800\"]");
    assert_false(ink_json_skip(&reader));
    assert_string_equal(reader.error, "a value expected");
    assert_false(ink_json_string(&reader, &text));
    assert_false(ink_json_finish(&reader));
    assert_int_equal(ink_json_peek(&reader), INK_JSON_INVALID);
    assert_string_equal(reader.error, "a value expected");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(takes_json),
        ARENA_TEST(refuses_what_is_not_json),
        ARENA_TEST(finds_each_byte_at_each_place),
        ARENA_TEST(decodes_strings),
        ARENA_TEST(keeps_no_nul),
        ARENA_TEST(tells_the_input_from_the_arena),
        ARENA_TEST(walks_without_a_tree),
        ARENA_TEST(counts_depth),
        ARENA_TEST(says_where),
        ARENA_TEST(keeps_the_first_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
