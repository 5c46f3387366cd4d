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

/* The next token is unknown to who lacks the secret, but says which family it is of. */
static void test_family(void **state)
{
    (void)state;
    char first[INK_OPAQUE_SIZE], next[INK_OPAQUE_SIZE], other[INK_OPAQUE_SIZE];
    uint8_t of_first[INK_OPAQUE_HASH_SIZE], of_next[INK_OPAQUE_HASH_SIZE];
    uint8_t of_other[INK_OPAQUE_HASH_SIZE];
    ink_opaque_make(first);
    struct ink_seal seal;
    ink_seal_init(&seal, "secret", "test");
    ink_opaque_make_next(&seal, first, next);
    ink_opaque_make_next(&seal, "short", other);
    assert_int_equal(strlen(next), INK_OPAQUE_SIZE - 1);
    assert_int_equal(strlen(other), INK_OPAQUE_SIZE - 1 - 22 + strlen("short"));
    assert_memory_equal(first, next, 22);
    assert_string_not_equal(first + 22, next + 22);
    ink_opaque_family(first, of_first);
    ink_opaque_family(next, of_next);
    ink_opaque_family(other, of_other);
    assert_memory_equal(of_first, of_next, INK_OPAQUE_HASH_SIZE);
    assert_memory_not_equal(of_first, of_other, INK_OPAQUE_HASH_SIZE);
}

static void test_next_is_always_the_same(void **state)
{
    (void)state;
    char first[INK_OPAQUE_SIZE], next[INK_OPAQUE_SIZE], again[INK_OPAQUE_SIZE];
    struct ink_seal seal, other;
    ink_seal_init(&seal, "secret", "test");
    ink_seal_init(&other, "another secret", "test");
    ink_opaque_make(first);
    ink_opaque_make_next(&seal, first, next);
    ink_opaque_make_next(&seal, first, again);
    assert_string_equal(next, again);
    ink_opaque_make_next(&other, first, again);
    assert_string_not_equal(next, again);
    ink_opaque_make_next(&seal, next, again);
    assert_string_not_equal(next, again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_make),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_family),
        cmocka_unit_test(test_next_is_always_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
