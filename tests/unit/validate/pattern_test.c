/* Patterns: RE2's syntax and no more, and hostile texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/validate/pattern.h"

static bool matches(const char *expression, const char *text, size_t size)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    const char *error = NULL;
    struct ink_pattern *pattern = ink_pattern_new(expression, &arena, &error);
    if (pattern == NULL)
        fail_msg("%s: %s", expression, error);
    bool found = ink_pattern_matches(pattern, text, size);
    ink_pattern_free(pattern);
    ink_arena_release(&arena);
    return found;
}

static void patterns_are_searched_in_code_points(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        const char *text;
        bool found;
    } cases[] = {
        {"b", "abc", true},
        {"^b", "abc", false},
        {"^.$", "\xf0\x9f\x98\x80", true},
        {"^..$", "\xc3\xa9", false},
        {"^[\xc3\xa0-\xc3\xbf]+$", "\xc3\xa9\xc3\xa8", true},
        {"a$", "a\n", false}, /* `$` is the very end */
        {"(?m)a$", "a\nb", true},
        {"(?i)^AB$", "ab", true},
        {"^\\p{L}+$",
         "\xc3\xa9"
         "a\xe6\x97\xa5",
         true},
        {"^\\d+$", "12\xd9\xa3", false}, /* ASCII digits only */
        {"^(?P<year>\\d{4})-(?:\\d\\d)$", "2026-11", true},
        {"^\\x{e9}\\++$", "\xc3\xa9++", true},
        {"^[]a]+$", "]a", true},
        {"^[[:alpha:]+]+$", "a+b", true},
        {"^a+?$", "aaa", true},
        {"", "", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (matches(cases[i].expression, cases[i].text, strlen(cases[i].text)) != cases[i].found)
            fail_msg("%s on %s", cases[i].expression, cases[i].text);
}

static void what_re2_lacks_is_refused(void **state)
{
    (void)state;
    static const char *const expressions[] = {
        "a(?=b)", "a(?!b)",  "(?<=a)b", "(?<!a)b",   "(a)\\1", "(?>a)", "(?|a|b)",
        "(?R)",   "(*FAIL)", "a++",     "a*+",       "a?+",    "a{2}+", "\\Ka",
        "\\R",    "\\X",     "\\h",     "\\Z",       "a(b",    "[a",    "a**",
        "a{3,2}", "(?P=n)",  "a\\",     "\\p{Nope}", "(?#c)",  "(?x)a",
    };
    for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
        struct ink_arena arena;
        ink_arena_init(&arena);
        const char *error = NULL;
        struct ink_pattern *pattern = ink_pattern_new(expressions[i], &arena, &error);
        if (pattern != NULL)
            fail_msg("%s is accepted", expressions[i]);
        assert_non_null(error);
        ink_arena_release(&arena);
    }
}

static void hostile_texts_cost_little(void **state)
{
    (void)state;
    static char text[5000];
    memset(text, 'a', sizeof(text));
    int64_t start = ink_now();
    assert_false(matches("^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 41));
    assert_false(matches("^(a|aa)+b$", text, sizeof(text)));
    assert_true(ink_now() - start < 2 * INK_SECOND); /* without a limit: years */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_searched_in_code_points),
        cmocka_unit_test(what_re2_lacks_is_refused),
        cmocka_unit_test(hostile_texts_cost_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
