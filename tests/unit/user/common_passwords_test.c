/* The list of common passwords: in order, so that it can be searched, and found in any case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/user/common_passwords.h"

static void the_list_is_in_order(void **state)
{
    size_t count;
    const char *const *list = user_common_passwords(&count);
    (void)state;
    assert_true(count > 500);
    for (size_t i = 1; i < count; i++)
        assert_true(strcmp(list[i - 1], list[i]) < 0);
}

static void every_entry_is_found(void **state)
{
    size_t count;
    const char *const *list = user_common_passwords(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        char upper[64];
        size_t size = strlen(list[i]);
        assert_in_range(size, 8, sizeof(upper) - 1); /* shorter ones are refused anyway */
        for (size_t c = 0; c <= size; c++) {
            assert_false(list[i][c] >= 'A' && list[i][c] <= 'Z');
            upper[c] = (char)(list[i][c] >= 'a' && list[i][c] <= 'z' ? list[i][c] - 'a' + 'A'
                                                                     : list[i][c]);
        }
        assert_true(user_password_is_common(list[i]));
        assert_true(user_password_is_common(upper));
    }
}

static void others_are_not(void **state)
{
    static const char *const others[] = {
        "",
        "a",
        "correct horse battery staple",
        "password is what I would not choose",
        "passwordpasswordpasswordpassword",
        "\xff\xff\xff\xff\xff\xff\xff\xff",
        "pass word",
        "zzzzzzzzz",
        "0",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(user_password_is_common(others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_in_order),
        cmocka_unit_test(every_entry_is_found),
        cmocka_unit_test(others_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
