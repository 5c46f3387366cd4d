/* What is kept of a mail server's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/smtp/answer.h"

static void takes_one_printable_line(void **state)
{
    (void)state;
    char out[INK_SMTP_ANSWER_SIZE];
    static const char said[] = "550 \x1b[31mno\0 such\xff user\r\n250 and more";
    ink_smtp_answer_take(out, said, sizeof(said) - 1);
    assert_string_equal(out, "550 [31mno such user");
    ink_smtp_answer_take(out, said, 0);
    assert_string_equal(out, "");
    char lengthy[2 * INK_SMTP_ANSWER_SIZE];
    memset(lengthy, 'x', sizeof(lengthy));
    ink_smtp_answer_take(out, lengthy, sizeof(lengthy));
    assert_int_equal(strlen(out), INK_SMTP_ANSWER_SIZE - 1);
}

static void tells_without_the_address(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    assert_string_equal(ink_smtp_answer_tell(&arena, "550 <Ada@Example.COM>: no ada@example.com",
                                             "ada@example.com"),
                        "550 <[recipient]>: no [recipient]");
    assert_string_equal(ink_smtp_answer_tell(&arena, "250 aa@b.cd@b.cd", "a@b.cd"),
                        "250 a[recipient]@b.cd");
    assert_string_equal(ink_smtp_answer_tell(&arena, "421 later", "a@b.cd"), "421 later");
    ink_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_one_printable_line),
        cmocka_unit_test(tells_without_the_address),
    };
    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
