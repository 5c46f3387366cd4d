/* How parameters are spelled for the server. */
#include <string.h>

#include "lib/db/db.h"
#include "tests/support/arena_case.h"

static void each_type_as_text(void **state)
{
    (void)state;
    struct ink_db_params params = ink_db_params(&arena);
    ink_db_add_text(&params, "plain");
    ink_db_add_text(&params, NULL);
    ink_db_add_int64(&params, INT64_MIN);
    ink_db_add_bool(&params, true);
    ink_db_add_null(&params);
    ink_db_add_time(&params, INT64_C(1700000000000001));
    ink_db_add_time(&params, -1);
    ink_db_add_bytes(&params, "\0\xff", 2);
    ink_db_add_string(&params, "cut here", 3);
    assert_int_equal(params.count, 9);
    assert_string_equal(params.values[0], "plain");
    assert_null(params.values[1]);
    assert_string_equal(params.values[2], "-9223372036854775808");
    assert_string_equal(params.values[3], "t");
    assert_null(params.values[4]);
    assert_string_equal(params.values[5], "2023-11-14T22:13:20.000001Z");
    assert_string_equal(params.values[6], "1969-12-31T23:59:59.999999Z");
    assert_string_equal(params.values[7], "\\x00ff");
    assert_string_equal(params.values[8], "cut");
    assert_false(params.has_nul);
}

static void nul_is_noticed(void **state)
{
    (void)state;
    struct ink_db_params params = ink_db_params(&arena);
    ink_db_add_string(&params, "a\0b", 3);
    ink_db_add_text(&params, "fine");
    assert_true(params.has_nul);
}

static void array_quotes_its_items(void **state)
{
    (void)state;
    struct ink_db_params params = ink_db_params(&arena);
    ink_db_add_text_array(&params, (const char *[]){"a", "", "say \"hi\" \\ {},", "NULL"}, 4);
    ink_db_add_text_array(&params, NULL, 0);
    assert_string_equal(params.values[0], "{\"a\",\"\",\"say \\\"hi\\\" \\\\ {},\",\"NULL\"}");
    assert_string_equal(params.values[1], "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_as_text),
        cmocka_unit_test(nul_is_noticed),
        cmocka_unit_test(array_quotes_its_items),
    };
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
