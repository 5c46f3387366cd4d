/* lib/smtp/message.h. What other people's readers make of the messages, tests/integration/smtp
 * shows. */
#include "lib/smtp/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/random.h"
#include "lib/base/text.h"

#define ID "01890000-0000-7000-8000-00000000000a"

static struct ink_arena arena;
static struct ink_buf out;

static struct ink_mail plain_mail(void)
{
    return (struct ink_mail){.id = ID,
                             .date = INT64_C(1763859600000000), /* 2025-11-23 01:00:00 UTC */
                             .from = "no-reply@inkmesh.example",
                             .from_name = "inkmesh",
                             .to = "ada@example.com",
                             .to_name = "Ada",
                             .subject = "Welcome, Ada!",
                             .text = "Welcome, Ada!",
                             .html = "<p>Welcome, Ada!</p>"};
}

static const char *composed(const struct ink_mail *mail)
{
    ink_buf_clear(&out);
    assert_int_equal(ink_mail_compose(mail, &out).code, INK_OK);
    return out.data;
}

/* The value of a header, unfolded; fails unless there is exactly one. */
static char *header(const char *message, const char *name)
{
    char *head =
        ink_arena_strndup(&arena, message, (size_t)(strstr(message, "\r\n\r\n") - message));
    char *value = NULL;
    for (char *line = head, *next; line != NULL; line = next) {
        next = strstr(line, "\r\n");
        while (next != NULL && (next[2] == ' ' || next[2] == '\t')) {
            memmove(next, next + 2, strlen(next + 2) + 1);
            next = strstr(next, "\r\n");
        }
        if (next != NULL) {
            *next = '\0';
            next += 2;
        }
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
            assert_null(value);
            value = line + strlen(name) + 2;
        }
    }
    assert_non_null(value);
    return value;
}

static size_t count_headers(const char *message)
{
    size_t count = 0;
    const char *end = strstr(message, "\r\n\r\n");
    for (const char *line = message; line < end; line = strstr(line, "\r\n") + 2)
        count += *line != ' ' && *line != '\t';
    return count;
}

/* What holds for every message, whatever went into it. */
static void assert_sound(const char *message, size_t size)
{
    assert_int_equal(strlen(message), size);
    size_t column = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)message[i];
        if (c == '\r') {
            assert_int_equal(message[i + 1], '\n');
            i++;
            column = 0;
            continue;
        }
        assert_true((c >= ' ' && c <= '~') || c == '\t');
        assert_true(++column <= 998);
    }
    assert_int_equal(count_headers(message), 8);
    const char *parts = strstr(message, "\r\n\r\n");
    size_t boundaries = 0;
    for (const char *at = parts; (at = strstr(at, "--=_inkmesh")) != NULL; at++)
        boundaries++;
    assert_int_equal(boundaries, 3);
}

static void test_whole(void **state)
{
    (void)state;
    struct ink_mail mail = plain_mail();
    assert_string_equal(composed(&mail),
                        "Date: Sun, 23 Nov 2025 01:00:00 +0000\r\n"
                        "From: \"inkmesh\" <no-reply@inkmesh.example>\r\n"
                        "To: \"Ada\" <ada@example.com>\r\n"
                        "Subject: Welcome, Ada!\r\n"
                        "Message-ID: <" ID "@inkmesh.example>\r\n"
                        "Auto-Submitted: auto-generated\r\n"
                        "MIME-Version: 1.0\r\n"
                        "Content-Type: multipart/alternative; boundary=\"=_inkmesh\"\r\n"
                        "\r\n"
                        "--=_inkmesh\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: quoted-printable\r\n"
                        "\r\n"
                        "Welcome, Ada!\r\n"
                        "--=_inkmesh\r\n"
                        "Content-Type: text/html; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: quoted-printable\r\n"
                        "\r\n"
                        "<p>Welcome, Ada!</p>\r\n"
                        "--=_inkmesh--\r\n");
    assert_sound(out.data, out.len);
}

static void test_the_same_again(void **state)
{
    (void)state;
    struct ink_mail mail = plain_mail();
    char *first = ink_arena_strdup(&arena, composed(&mail));
    assert_string_equal(composed(&mail), first);
}

static void test_subjects(void **state)
{
    (void)state;
    static const struct {
        const char *subject, *header;
    } cases[] = {
        {"", ""},
        {"Caf\xc3\xa9", "=?UTF-8?B?Q2Fmw6k=?="},
        {"=?UTF-8?B?Q2Fm?=", "=?UTF-8?B?PT9VVEYtOD9CP1EyRm0/PQ==?="},
        {"a\r\nBcc: eve@example.com", "a Bcc: eve@example.com"},
        {"a\nBcc: eve@example.com\r\n\r\nbody", "a Bcc: eve@example.com body"},
        {"a\rb\x01\x1b[0m\x7f\tc", "a b [0m c"},
        {"  a \xc2\x85 b \xe2\x80\xa8 ", "a b"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_mail mail = plain_mail();
        mail.subject = cases[i].subject;
        assert_string_equal(header(composed(&mail), "Subject"), cases[i].header);
        assert_sound(out.data, out.len);
    }
}

/* Decodes encoded words, all of them UTF-8 and base64. */
static char *decode_words(char *value)
{
    char *decoded = ink_arena_strdup(&arena, "");
    for (char *word = strtok(value, " "); word != NULL; word = strtok(NULL, " ")) {
        void *data;
        size_t size, frame = strlen("=?UTF-8?B?");
        assert_true(strlen(word) <= 75);
        assert_memory_equal(word, "=?UTF-8?B?", frame);
        assert_string_equal(word + strlen(word) - 2, "?=");
        assert_true(
            ink_base64_decode(&arena, word + frame, strlen(word) - frame - 2, &data, &size));
        /* A character is never cut in two (RFC 2047, section 5). */
        assert_true(ink_utf8_valid(data, size));
        decoded = ink_arena_printf(&arena, "%s%.*s", decoded, (int)size, (char *)data);
    }
    return decoded;
}

static void assert_short_header_lines(const char *message)
{
    const char *end = strstr(message, "\r\n\r\n");
    for (const char *line = message, *next; line < end; line = next + 2) {
        next = strstr(line, "\r\n");
        assert_true(next - line <= 78);
    }
}

static void test_long_subjects(void **state)
{
    (void)state;
    static const char *const units[] = {"x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\xa6\x8a"};
    for (size_t unit = 0; unit < INK_COUNT(units); unit++) {
        char subject[4 * 500 + 1] = "";
        for (size_t length = 1; length <= 500; length++) {
            strcat(subject, units[unit]);
            struct ink_mail mail = plain_mail();
            mail.subject = subject;
            char *value = header(composed(&mail), "Subject");
            assert_string_equal(value[0] == '=' ? decode_words(value) : value, subject);
            assert_short_header_lines(out.data);
        }
        assert_sound(out.data, out.len);
    }
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *header;
    } cases[] = {
        {NULL, "ada@example.com"},
        {"", "ada@example.com"},
        {"\r\n", "ada@example.com"},
        {"Ada \"A\" \\ Lovelace", "\"Ada \\\"A\\\" \\\\ Lovelace\" <ada@example.com>"},
        {"x\" <eve@example.com>, \"", "\"x\\\" <eve@example.com>, \\\"\" <ada@example.com>"},
        {"Ada\r\nBcc: eve@example.com", "\"Ada Bcc: eve@example.com\" <ada@example.com>"},
        {"Zo\xc3\xab", "=?UTF-8?B?Wm/Dqw==?= <ada@example.com>"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_mail mail = plain_mail();
        mail.to_name = cases[i].name;
        assert_string_equal(header(composed(&mail), "To"), cases[i].header);
        assert_sound(out.data, out.len);
        assert_short_header_lines(out.data);
    }
}

static char *repeat(const char *text, size_t count)
{
    char *all = ink_arena_alloc(&arena, strlen(text) * count + 1);
    all[0] = '\0';
    for (size_t i = 0; i < count; i++)
        strcat(all, text);
    return all;
}

static void test_addresses(void **state)
{
    (void)state;
    const char *good[] = {"a@b", "ada+x.y_z'@sub.example.com",
                          ink_arena_printf(&arena, "%s@b.example", repeat("x", 64)),
                          ink_arena_printf(&arena, "a@%s.example", repeat("x", 63))};
    const char *bad[] = {"",
                         "a",
                         "@b",
                         "a@",
                         "a b@c",
                         "a@b c",
                         "a@b\r\nRCPT TO:<eve@example.com>",
                         "a@b\n",
                         "a\r@b",
                         "a@b>",
                         "<a@b>",
                         "\"a b\"@c",
                         "a@b,c@d",
                         "a@b@c",
                         "a@[127.0.0.1]",
                         "a@b\x01",
                         "\xc3\xa9@b",
                         "a@\xc3\xa9.example",
                         "a@-b",
                         "a@b..c",
                         ink_arena_printf(&arena, "%s@b.example", repeat("x", 65)),
                         ink_arena_printf(&arena, "a@%s", repeat("xxxxxxxx.", 28)),
                         ink_arena_printf(&arena, "a@%sy", repeat("xxxxxxxx.", 29))};
    for (size_t i = 0; i < INK_COUNT(good); i++)
        assert_true(ink_mail_address_valid(good[i]));
    for (size_t i = 0; i < INK_COUNT(bad); i++) {
        assert_false(ink_mail_address_valid(bad[i]));
        struct ink_mail to = plain_mail(), from = plain_mail();
        to.to = bad[i];
        from.from = bad[i];
        ink_buf_clear(&out);
        assert_int_equal(ink_mail_compose(&to, &out).code, INK_INVALID_ARGUMENT);
        assert_int_equal(ink_mail_compose(&from, &out).code, INK_INVALID_ARGUMENT);
        assert_int_equal(out.len, 0);
    }
}

static void test_ids_and_encodings(void **state)
{
    (void)state;
    const char *ids[] = {"", "a>", "a b", "a\r\n", "a@b", "\xc3\xa9", repeat("x", 65)};
    for (size_t i = 0; i < INK_COUNT(ids); i++) {
        struct ink_mail mail = plain_mail();
        mail.id = ids[i];
        assert_int_equal(ink_mail_compose(&mail, &out).code, INK_INVALID_ARGUMENT);
    }
    static const size_t members[] = {
        offsetof(struct ink_mail, from_name), offsetof(struct ink_mail, to_name),
        offsetof(struct ink_mail, subject), offsetof(struct ink_mail, text),
        offsetof(struct ink_mail, html)};
    for (size_t i = 0; i < INK_COUNT(members); i++) {
        struct ink_mail mail = plain_mail();
        *(const char **)(void *)((char *)&mail + members[i]) = "a\xff";
        assert_int_equal(ink_mail_compose(&mail, &out).code, INK_INVALID_ARGUMENT);
    }
}

/* The plain part as it stands in the message, without the line end before the boundary. */
static char *text_part(const char *text)
{
    struct ink_mail mail = plain_mail();
    mail.text = text;
    const char *start = strstr(strstr(composed(&mail), "\r\n\r\n--") + 4, "\r\n\r\n") + 4;
    assert_sound(out.data, out.len);
    return ink_arena_strndup(&arena, start, (size_t)(strstr(start, "\r\n--=_inkmesh") - start));
}

static void test_quoted_printable(void **state)
{
    (void)state;
    assert_string_equal(text_part("a=b"), "a=3Db");
    assert_string_equal(text_part("caf\xc3\xa9"), "caf=C3=A9");
    assert_string_equal(text_part("a \nb\t\r\nc "), "a=20\r\nb=09\r\nc=20");
    assert_string_equal(text_part("a\rb\n\nc"), "a\r\nb\r\n\r\nc");
    assert_string_equal(text_part("a\x1b\x01"), "a=EF=BF=BD=EF=BF=BD");
    assert_string_equal(text_part("--=_inkmesh--"), "--=3D_inkmesh--");
    assert_string_equal(text_part(".\n..\n.x"), ".\r\n..\r\n.x"); /* stuffing is SMTP's */
    const char *x75 = repeat("x", 75), *x74 = repeat("x", 74);
    assert_string_equal(text_part(x75), x75);
    assert_string_equal(text_part(ink_arena_printf(&arena, "%syz", x75)),
                        ink_arena_printf(&arena, "%s=\r\nyz", x75));
    assert_string_equal(text_part(ink_arena_printf(&arena, "%s\xc3\xa9", x74)),
                        ink_arena_printf(&arena, "%s=\r\n=C3=A9", x74));
}

static void test_html(void **state)
{
    (void)state;
    ink_buf_clear(&out);
    ink_mail_put_html(&out, "<a href=\"x\" y='z'>&amp;\r\nb\nc\x1b\t\xc3\xa9");
    assert_string_equal(out.data, "&lt;a href=&quot;x&quot; y=&#39;z&#39;&gt;&amp;amp;<br>\nb<br>\n"
                                  "c\xef\xbf\xbd\t\xc3\xa9");
}

static void test_one_line(void **state)
{
    (void)state;
    assert_string_equal(ink_mail_one_line(&arena, " a\r\n b\t", 10), "a b");
    assert_string_equal(ink_mail_one_line(&arena, "abcde", 5), "abcde");
    assert_string_equal(ink_mail_one_line(&arena, "abcdef", 5), "abcd\xe2\x80\xa6");
    assert_string_equal(ink_mail_one_line(&arena, "abcd f", 5), "abcd\xe2\x80\xa6");
    assert_string_equal(ink_mail_one_line(&arena, "\xc3\xa9\xc3\xa9\xc3\xa9", 2),
                        "\xc3\xa9\xe2\x80\xa6");
    assert_string_equal(ink_mail_one_line(&arena, "", 1), "");
}

/* Whatever anybody puts in: no header, part or line end of its own. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const pieces[] = {"\r\n",
                                         "\n",
                                         "\r",
                                         "\r\n\r\n",
                                         "\r\n.\r\n",
                                         "Bcc: eve@example.com",
                                         "--=_inkmesh",
                                         "--=_inkmesh--",
                                         "\r\n--=_inkmesh\r\n",
                                         "=?UTF-8?B?",
                                         "?=",
                                         "=",
                                         "\"",
                                         "\\",
                                         "<",
                                         ">",
                                         " ",
                                         "\t",
                                         "\x01",
                                         "\x7f",
                                         "\xc2\x85",
                                         "\xe2\x80\xa8",
                                         "\xc3\xa9",
                                         "\xf0\x9f\xa6\x8a",
                                         ",",
                                         ";",
                                         "Content-Type: text/html",
                                         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    for (int round = 0; round < 3000; round++) {
        char *texts[4];
        for (size_t i = 0; i < INK_COUNT(texts); i++) {
            texts[i] = ink_arena_strdup(&arena, "");
            for (uint32_t left = ink_random_jitter() % 12; left > 0; left--)
                texts[i] = ink_arena_printf(&arena, "%s%s", texts[i],
                                            pieces[ink_random_jitter() % INK_COUNT(pieces)]);
        }
        struct ink_mail mail = plain_mail();
        mail.from_name = mail.to_name = texts[0];
        mail.subject = texts[1];
        mail.text = texts[2];
        mail.html = texts[3];
        composed(&mail);
        assert_sound(out.data, out.len);
        ink_arena_release(&arena);
    }
}

static int set_up(void **state)
{
    (void)state;
    ink_arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ink_arena_release(&arena);
    ink_buf_release(&out);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whole),
        TEST(test_the_same_again),
        TEST(test_subjects),
        TEST(test_long_subjects),
        TEST(test_names),
        TEST(test_addresses),
        TEST(test_ids_and_encodings),
        TEST(test_quoted_printable),
        TEST(test_html),
        TEST(test_one_line),
        TEST(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
