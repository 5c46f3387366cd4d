/* lib/smtp/answer.h: whatever a mail server says, what is kept of it is short, printable, and
 * without the recipient's address. A line with the address; the rest is the server's. */
#define _GNU_SOURCE /* strcasestr */
#include <string.h>

#include "lib/smtp/answer.h"
#include "lib/smtp/message.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    struct ink_arena arena;
    char answer[INK_SMTP_ANSWER_SIZE];
    ink_arena_init(&arena);
    const char *to = fuzz_line(&input, &arena);
    ink_smtp_answer_take(answer, input.data, input.size);
    CHECK(strlen(answer) < INK_SMTP_ANSWER_SIZE);
    if (ink_mail_address_valid(to)) {
        const char *told = ink_smtp_answer_tell(&arena, answer, to);
        for (const char *c = told; *c != '\0'; c++)
            CHECK(*c >= ' ' && *c <= '~');
        CHECK(strcasestr(told, to) == NULL);
        CHECK(strcasestr(answer, to) != NULL || strcmp(answer, told) == 0);
    }
    ink_arena_release(&arena);
    return 0;
}
