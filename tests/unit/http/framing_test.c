/* Where bodies begin and end, and what is refused because of doubt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/http/framing.h"

static struct ink_http_framing framing;
static const char *detail;

static int frame(const char *version, const struct ink_http_field *fields, size_t n)
{
    struct ink_http_head head = {"POST", version, fields, n};
    framing = (struct ink_http_framing){0};
    detail = NULL;
    return ink_http_frame(&head, 1000, &framing, &detail);
}

#define FRAME(version, ...)                                                                        \
    frame(version, (const struct ink_http_field[]){{"Host", "x"}, __VA_ARGS__},                    \
          sizeof((const struct ink_http_field[]){{"Host", "x"}, __VA_ARGS__}) /                    \
              sizeof(struct ink_http_field))

static void good_framings(void **state)
{
    (void)state;
    assert_int_equal(FRAME("1.1", {"Accept", "*/*"}), 0);
    assert_false(framing.chunked);
    assert_int_equal(framing.content_length, 0);
    assert_int_equal(FRAME("1.1", {"content-LENGTH", "1000"}), 0);
    assert_int_equal(framing.content_length, 1000);
    assert_int_equal(FRAME("1.1", {"Transfer-Encoding", "CHUNKED"}), 0);
    assert_true(framing.chunked);
    assert_int_equal(FRAME("1.1", {"Content-Length", "0"}, {"Expect", "100-Continue"}), 0);
    assert_false(framing.expects_continue);
    assert_int_equal(FRAME("1.1", {"Content-Length", "7"}, {"Expect", "100-Continue"}), 0);
    assert_true(framing.expects_continue);
}

static void refused_framings(void **state)
{
    (void)state;
    assert_int_equal(FRAME("1.1", {"Content-Length", "1001"}), 413);
    assert_int_equal(FRAME("1.1", {"Content-Length", "18446744073709551616"}), 400);
    assert_int_equal(FRAME("1.1", {"Content-Length", "1"}, {"Content-Length", "1"}), 400);
    assert_int_equal(FRAME("1.1", {"Content-Length", "1 "}), 400);
    assert_int_equal(FRAME("1.1", {"Transfer-Encoding", "chunked"}, {"Content-Length", "1"}), 400);
    assert_int_equal(FRAME("1.1", {"Transfer-Encoding", "gzip, chunked"}), 501);
    assert_int_equal(
        FRAME("1.1", {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}), 501);
    assert_int_equal(FRAME("1.0", {"Transfer-Encoding", "chunked"}), 400);
    assert_int_equal(FRAME("1.1", {"Host", "x"}), 400);
    assert_int_equal(FRAME("1.1", {"Bad Name", "x"}), 400);
    assert_int_equal(FRAME("1.1", {"", "x"}), 400);
    assert_int_equal(FRAME("1.1", {"Expect", "200-ok"}), 417);
    assert_non_null(detail);
    assert_int_equal(frame("1.1", NULL, 0), 400);
    assert_int_equal(frame("1.0", NULL, 0), 0);
}

static void too_many_headers(void **state)
{
    struct ink_http_field fields[INK_HTTP_MAX_HEADERS];
    (void)state;
    for (size_t i = 0; i < INK_HTTP_MAX_HEADERS; i++)
        fields[i] = (struct ink_http_field){i == 0 ? "Host" : "X", "x"};
    assert_int_equal(frame("1.1", fields, INK_HTTP_MAX_HEADERS), 431);
    assert_int_equal(frame("1.1", fields, INK_HTTP_MAX_HEADERS - 1), 0);
}

/* The head as civetweb leaves it: names and values cut off by NULs. */
static void whole_heads(void **state)
{
    static const char text[] = "GET\0/\0HTTP/1.1\0\0A\0 1\0\0B\0\0\0\r";
    const char *begin = text, *end = text + sizeof(text);
    struct ink_http_field fields[] = {{text + 16, text + 19}, {text + 22, text + 24}};
    struct ink_http_head head = {text, text + 11, fields, 2};
    (void)state;
    assert_string_equal(fields[0].name, "A");
    assert_string_equal(fields[0].value, "1");
    assert_string_equal(fields[1].name, "B");
    assert_string_equal(head.version, "1.1");
    assert_true(ink_http_head_is_whole(&head, begin, end));
    assert_false(ink_http_head_is_whole(&head, begin, end + 1)); /* lines that were left out */
    head.n_fields = 1;
    assert_false(ink_http_head_is_whole(&head, begin, end));
    head.n_fields = 2;
    head.method = text + 1;
    assert_false(ink_http_head_is_whole(&head, begin, end));
    head.method = text;
    fields[0].value = text + 20; /* what is skipped between colon and value is no blank */
    assert_false(ink_http_head_is_whole(&head, begin, end));
}

/* The one line end that may come first, and what only resembles it. */
static void line_ends_in_front(void **state)
{
    (void)state;
    char text[] = "\r\nGET\0/\0HTTP/1.0\0\0\0";
    struct ink_http_head head = {text + 2, text + 13, NULL, 0};
    const char *end = text + sizeof(text);
    assert_string_equal(head.version, "1.0");
    assert_true(ink_http_head_is_whole(&head, text, end));
    text[1] = '\r';
    assert_false(ink_http_head_is_whole(&head, text, end));
    memcpy(text, "\n\n", 2);
    assert_false(ink_http_head_is_whole(&head, text, end));
}

static int head_size(const char *data)
{
    return ink_http_head_size(data, strlen(data));
}

static void head_ends_with_empty_line(void **state)
{
    (void)state;
    static const char head[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const int size = (int)strlen(head);
    for (int i = 0; i < size; i++)
        assert_int_equal(ink_http_head_size(head, (size_t)i), 0);
    assert_int_equal(head_size(head), size);
    assert_int_equal(head_size("GET / HTTP/1.1\r\nHost: x\r\n\r\n\1body\n\n"), size);
    assert_int_equal(head_size("GET / HTTP/1.1\n\nHost"), 16);
    assert_int_equal(head_size("GET / HTTP/1.1\r\n\n"), 17);
    assert_int_equal(head_size("GET / HTTP/1.1\n\r\nx"), 0);
    assert_int_equal(head_size("\n"), 0);
    assert_int_equal(head_size("\r\n\r\n"), 4);
    assert_int_equal(head_size(""), 0);
}

/* Any byte at any place of a word and of what is left of one. */
static void head_has_no_controls(void **state)
{
    (void)state;
    char head[] = "GET /aaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n\r\n";
    const size_t size = strlen(head);
    for (size_t at = 5; at < 25; at++) {
        for (int c = 0; c < 256; c++) {
            head[at] = (char)c;
            bool control = c == 127 || (c < 32 && c != '\r' && c != '\n');
            assert_int_equal(ink_http_head_size(head, size), control ? -1 : (int)size);
            assert_int_equal(ink_http_head_size(head, 25), control ? -1 : 0);
        }
        head[at] = 'a';
    }
}

static bool lines_whole(const char *head)
{
    return ink_http_lines_whole(head, strlen(head));
}

/* What civetweb takes for lines, and others do not. */
static void lines_end_in_crlf(void **state)
{
    (void)state;
    assert_true(lines_whole("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(lines_whole("GET / HTTP/1.0\r\n\r\n"));
    assert_false(lines_whole("GET / HTTP/1.1\r Host: x\r\n\r\n"));
    assert_false(lines_whole("GET / HTTP/1.1\n Host: x\r\n\r\n"));
    assert_false(lines_whole("GET / HTTP/1.1\r\r\nHost: x\r\n\r\n"));
    assert_false(lines_whole("GET / HTTP/1.1\r\nHost: x\n\r\n\n")); /* one byte of a body */
    assert_false(lines_whole("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n"));
    assert_false(lines_whole("GET / HTTP/1.0\n \n\n"));
    assert_false(lines_whole("GET / HTTP/1.0\r\n\r"));
    assert_false(lines_whole("GET  / HTTP/1.0\r\n\r\n"));
    assert_false(lines_whole("GET / HTTP/1.0 \r\n\r\n"));
    assert_false(lines_whole("GET /\r\n\r\n"));
    assert_false(lines_whole(""));
}

/* "A : 1", which civetweb accepts: the blank is a NUL by now, as is the colon. */
static void blank_before_colon(void **state)
{
    static const char text[] = "GET\0/\0HTTP/1.1\0\0A\0\0"
                               "1\0\0\r";
    struct ink_http_field field = {text + 16, text + 19};
    struct ink_http_head head = {text, text + 11, &field, 1};
    (void)state;
    assert_string_equal(field.value, "1");
    assert_false(ink_http_head_is_whole(&head, text, text + sizeof(text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_framings),        cmocka_unit_test(refused_framings),
        cmocka_unit_test(too_many_headers),     cmocka_unit_test(whole_heads),
        cmocka_unit_test(line_ends_in_front),   cmocka_unit_test(head_ends_with_empty_line),
        cmocka_unit_test(head_has_no_controls), cmocka_unit_test(lines_end_in_crlf),
        cmocka_unit_test(blank_before_colon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
