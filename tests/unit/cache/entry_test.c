/* The heads of entries and their order, which the script in Redis relies on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cache/entry.h"

static void heads_are_ordered_as_they_replace(void **state)
{
    (void)state;
    static const int64_t versions[] = {0, 1, 9, 10, 99, 1700000000000000, INT64_MAX};
    char before[INK_ENTRY_HEAD + 1] = "", head[INK_ENTRY_HEAD + 1];
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        for (int is_value = 0; is_value <= 1; is_value++) {
            ink_entry_head(versions[i], is_value, head);
            assert_int_equal(strlen(head), INK_ENTRY_HEAD);
            assert_true(strcmp(before, head) < 0);
            memcpy(before, head, sizeof(head));
        }
    }
}

static void values_are_read_and_marks_are_not(void **state)
{
    (void)state;
    char entry[INK_ENTRY_HEAD + 1];
    int64_t version = -1;
    ink_entry_head(INT64_MAX, true, entry);
    assert_true(ink_entry_read(entry, INK_ENTRY_HEAD, &version));
    assert_true(version == INT64_MAX);
    ink_entry_head(7, false, entry);
    assert_false(ink_entry_read(entry, INK_ENTRY_HEAD, &version));
    assert_true(version == INT64_MAX);
}

static void what_others_wrote_is_not_read(void **state)
{
    (void)state;
    int64_t version = -1;
    static const char *const texts[] = {"",
                                        "hello",
                                        "0000000000000000001x1",
                                        "99999999999999999991",
                                        "-0000000000000000011",
                                        "{\"username\":\"ada\"}..1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (ink_entry_read(texts[i], strlen(texts[i]), &version))
            fail_msg("took %s", texts[i]);
    }
    assert_int_equal(version, -1);
}

static void marks_are_told_by_their_random_digits(void **state)
{
    (void)state;
    char one[INK_ENTRY_MARK + 1], other[INK_ENTRY_MARK + 1];
    ink_entry_head(7, false, one);
    assert_false(ink_entry_is_mark(one, INK_ENTRY_HEAD)); /* of a release without them */
    ink_entry_random(one + INK_ENTRY_HEAD);
    assert_true(ink_entry_is_mark(one, INK_ENTRY_MARK));
    memcpy(other, one, sizeof(other));
    ink_entry_random(other + INK_ENTRY_HEAD);
    assert_string_not_equal(one, other);
    one[INK_ENTRY_HEAD - 1] = '1';
    assert_false(ink_entry_is_mark(one, INK_ENTRY_MARK));
    other[0] = 'x';
    assert_false(ink_entry_is_mark(other, INK_ENTRY_MARK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_ordered_as_they_replace),
        cmocka_unit_test(values_are_read_and_marks_are_not),
        cmocka_unit_test(marks_are_told_by_their_random_digits),
        cmocka_unit_test(what_others_wrote_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
