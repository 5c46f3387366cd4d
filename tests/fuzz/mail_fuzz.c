/* lib/smtp/message.h: whatever texts and addresses hold, a message has its own eight headers and
 * two parts, in lines of ASCII that SMTP carries. The input is up to five texts, a NUL behind each.
 */
#include <string.h>

#include "lib/smtp/message.h"
#include "tests/fuzz/fuzz.h"

#define N_TEXTS 5

static void check_lines(const char *message, size_t size)
{
    size_t column = 0;
    for (size_t i = 0; i < size; i++, column++) {
        CHECK((message[i] >= ' ' && message[i] <= '~') || strchr("\t\r\n", message[i]) != NULL);
        CHECK((message[i] == '\n') == (i > 0 && message[i - 1] == '\r'));
        CHECK(column <= 998);
        if (message[i] == '\n')
            column = 0;
    }
}

static void check_structure(const char *message)
{
    size_t headers = 0, boundaries = 0;
    const char *body = strstr(message, "\r\n\r\n");
    CHECK(body != NULL);
    for (const char *line = message; line < body; line = strstr(line, "\r\n") + 2)
        headers += *line != ' ';
    for (const char *at = body; (at = strstr(at, "\r\n--=_inkmesh")) != NULL; at++)
        boundaries++;
    CHECK(headers == 8 && boundaries == 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    struct ink_arena arena;
    struct ink_buf out = INK_BUF_INIT;
    char *texts[N_TEXTS];
    ink_arena_init(&arena);
    for (size_t i = 0; i < N_TEXTS; i++)
        texts[i] = fuzz_until(&input, &arena, '\0', &size);
    struct ink_mail mail = {.id = "1",
                            .from = "a@example.com",
                            .from_name = texts[0],
                            .to = ink_mail_address_valid(texts[4]) ? texts[4] : "b@example.com",
                            .to_name = texts[0],
                            .subject = ink_mail_one_line(&arena, texts[1], 78),
                            .text = texts[2],
                            .html = texts[3]};
    CHECK(strpbrk(mail.to, "\r\n <>\"") == NULL);
    if (ink_is_ok(ink_mail_compose(&mail, &out))) {
        check_lines(out.data, out.len);
        check_structure(out.data);
    }
    ink_buf_release(&out);
    ink_arena_release(&arena);
    return 0;
}
