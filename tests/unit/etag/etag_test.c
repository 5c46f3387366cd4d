/* lib/etag: lists of entity tags, as clients write them and as they should not. */
#include "lib/etag/etag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_tags(const char *list, const char *expected)
{
    char seen[128] = "";
    struct ink_etag tag;
    while (ink_etag_next(&list, &tag)) {
        strcat(seen, tag.weak ? "w" : "s");
        strncat(seen, tag.opaque, tag.size);
        strcat(seen, ";");
    }
    assert_string_equal(seen, expected);
}

static void lists(void **state)
{
    (void)state;
    assert_tags("\"5\"", "s5;");
    assert_tags("\"5\", W/\"6\",\"7\"", "s5;w6;s7;");
    assert_tags(" \t, ,\"a,b\"\t,, \"\" ,", "sa,b;s;");
    assert_tags("\"\xc3\xbc!~\"", "s\xc3\xbc!~;");
    assert_tags("", "");
}

static void malformed_lists_end_where_they_are(void **state)
{
    (void)state;
    assert_tags("5", "");
    assert_tags("\"5", "");
    assert_tags("5\"", "");
    assert_tags("w/\"5\"", "");
    assert_tags("W/ \"5\"", "");
    assert_tags("\"a b\"", "");
    assert_tags("\"a\x7f\"", "");
    assert_tags("\"5\"\"6\"", "");
    assert_tags("\"5\" \"6\"", "");
    assert_tags("\"5\", 6, \"7\"", "s5;");
    assert_tags("\"5\", *", "s5;");
    assert_tags("*", "");
}

static void ends(void **state)
{
    static const char *const whole[] = {"", " ", "\"5\"", "\"5\", W/\"6\" ,, ", ",\t"};
    static const char *const cut[] = {"5",          "*",  "\"5\", 6", "\"5\"\"6\"",
                                      "\"5\", \"6", "W/", "\"5\" *"};
    struct ink_etag tag;
    (void)state;
    for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++) {
        const char *list = whole[i];
        while (ink_etag_next(&list, &tag))
            ;
        assert_true(ink_etag_at_end(list));
    }
    for (size_t i = 0; i < sizeof(cut) / sizeof(*cut); i++) {
        const char *list = cut[i];
        while (ink_etag_next(&list, &tag))
            ;
        assert_false(ink_etag_at_end(list));
    }
}

static void any(void **state)
{
    (void)state;
    assert_true(ink_etag_is_any("*"));
    assert_true(ink_etag_is_any(" * "));
    assert_false(ink_etag_is_any(""));
    assert_false(ink_etag_is_any("\"*\""));
    assert_false(ink_etag_is_any("*, \"5\""));
    assert_false(ink_etag_is_any("**"));
}

static void membership(void **state)
{
    (void)state;
    assert_true(ink_etag_list_has("\"4\", W/\"5\"", "\"5\""));
    assert_true(ink_etag_list_has("\"5\"", "W/\"5\""));
    assert_true(ink_etag_list_has("*", "\"5\""));
    assert_false(ink_etag_list_has("\"55\"", "\"5\""));
    assert_false(ink_etag_list_has("\"\"", "\"5\""));
    assert_false(ink_etag_list_has("5", "\"5\""));
    assert_false(ink_etag_list_has("\"5\"", "5"));
    assert_false(ink_etag_list_has("", "\"5\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),      cmocka_unit_test(malformed_lists_end_where_they_are),
        cmocka_unit_test(ends),       cmocka_unit_test(any),
        cmocka_unit_test(membership),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
