/* lib/auth/opaque.h. */
#include "lib/auth/opaque.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/text.h"

static void test_make(void **state)
{
    (void)state;
    char first[INK_OPAQUE_SIZE], second[INK_OPAQUE_SIZE];
    ink_opaque_make(first);
    ink_opaque_make(second);
    assert_int_equal(strlen(first), INK_OPAQUE_SIZE - 1);
    assert_string_not_equal(first, second);
    assert_int_equal(strspn(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-_"),
                     INK_OPAQUE_SIZE - 1);
}

/* FIPS 180-2, appendix B.1. */
static void test_hash(void **state)
{
    (void)state;
    uint8_t hash[INK_OPAQUE_HASH_SIZE];
    char hex[2 * INK_OPAQUE_HASH_SIZE + 1];
    ink_opaque_hash("abc", hash);
    ink_hex(hash, sizeof(hash), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_make),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
