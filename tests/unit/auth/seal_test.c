/* lib/auth/seal.h: what was sealed opens, in the same context and unchanged, and nothing else. */
#include "lib/auth/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct ink_arena arena;
static struct ink_seal seal;

static int set_up(void **state)
{
    (void)state;
    ink_arena_init(&arena);
    ink_seal_init(&seal, "0123456789abcdef0123456789abcdef", "pages");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ink_seal_release(&seal);
    ink_arena_release(&arena);
    return 0;
}

static void opens(void **state)
{
    static const char *const texts[] = {"",        "a", "ab", "abc", "2026-01-01 00:00:00+00 x",
                                        "\xf0\x9f"};
    (void)state;
    for (size_t i = 0; i < INK_COUNT(texts); i++) {
        const char *sealed = ink_seal_close(&seal, &arena, "author=1", texts[i]);
        assert_true(strspn(sealed, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-_") == strlen(sealed));
        assert_string_equal(ink_seal_open(&seal, &arena, "author=1", sealed), texts[i]);
    }
}

/* A wire format: tokens that clients hold outlive a restart, and other programs' code. */
static void known_value(void **state)
{
    (void)state;
    assert_string_equal(ink_seal_close(&seal, &arena, "c", "t"), "lTN6Iw6ishowVbRty77LS3Q");
}

static void other_contexts(void **state)
{
    (void)state;
    const char *sealed = ink_seal_close(&seal, &arena, "ab", "cd");
    assert_null(ink_seal_open(&seal, &arena, "a", sealed));
    assert_null(ink_seal_open(&seal, &arena, "abc", sealed));
    assert_null(ink_seal_open(&seal, &arena, "", sealed));
}

static void other_keys(void **state)
{
    struct ink_seal other;
    (void)state;
    const char *sealed = ink_seal_close(&seal, &arena, "", "text");
    ink_seal_init(&other, "0123456789abcdef0123456789abcdef", "other pages");
    assert_null(ink_seal_open(&other, &arena, "", sealed));
    ink_seal_init(&other, "0123456789abcdef0123456789abcdeg", "pages");
    assert_null(ink_seal_open(&other, &arena, "", sealed));
}

/* Every byte changed to every other, one more, one less. */
static void tampered(void **state)
{
    (void)state;
    const char *sealed = ink_seal_close(&seal, &arena, "", "text");
    size_t size = strlen(sealed);
    char *copy = ink_arena_strdup(&arena, sealed);
    for (size_t i = 0; i < size; i++) {
        for (int c = 1; c < 256; c++) {
            copy[i] = (char)c;
            if (copy[i] != sealed[i])
                assert_null(ink_seal_open(&seal, &arena, "", copy));
        }
        copy[i] = sealed[i];
    }
    for (size_t i = 0; i < size; i++)
        assert_null(ink_seal_open(&seal, &arena, "", ink_arena_strndup(&arena, sealed, i)));
    static const char *const behind[] = {"=", "==", "A", "AA", " ", "\n", "!"};
    for (size_t i = 0; i < INK_COUNT(behind); i++)
        assert_null(
            ink_seal_open(&seal, &arena, "", ink_arena_printf(&arena, "%s%s", sealed, behind[i])));
    assert_non_null(ink_seal_open(&seal, &arena, "", copy));
}

static void marks(void **state)
{
    char mark[INK_SEAL_MARK_SIZE], same[INK_SEAL_MARK_SIZE], other[INK_SEAL_MARK_SIZE];
    struct ink_seal another;
    (void)state;
    ink_seal_mark(&seal, "ada@example.com", mark);
    ink_seal_mark(&seal, "ada@example.com", same);
    assert_string_equal(mark, same);
    assert_int_equal(strlen(mark), INK_SEAL_MARK_SIZE - 1);
    ink_seal_mark(&seal, "bob@example.com", other);
    assert_string_not_equal(mark, other);
    ink_seal_init(&another, "another secret, and long enough", "tests");
    ink_seal_mark(&another, "ada@example.com", other);
    assert_string_not_equal(mark, other);
    ink_seal_release(&another);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens),          cmocka_unit_test(known_value),
        cmocka_unit_test(other_contexts), cmocka_unit_test(other_keys),
        cmocka_unit_test(tampered),       cmocka_unit_test(marks),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
