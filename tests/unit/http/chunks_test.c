/* Chunked bodies, whole and byte by byte, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/http/chunks.h"

/* Feeds `text` in steps of `step` bytes; returns how many were eaten. */
static size_t feed(const char *text, size_t step, size_t limit, struct ink_buf *body,
                   enum ink_chunks_state *state)
{
    struct ink_chunks chunks = {.state = INK_CHUNKS_SIZE};
    size_t size = strlen(text), at = 0;
    while (at < size) {
        size_t part = step < size - at ? step : size - at;
        size_t eaten = ink_chunks_feed(&chunks, text + at, part, limit, body);
        at += eaten;
        if (eaten < part || chunks.state >= INK_CHUNKS_DONE)
            break;
    }
    *state = chunks.state;
    return at;
}

static void expect(const char *text, const char *content, size_t rest)
{
    for (size_t step = 1; step <= strlen(text); step++) {
        struct ink_buf body = INK_BUF_INIT;
        enum ink_chunks_state state;
        size_t eaten = feed(text, step, 1000, &body, &state);
        assert_int_equal(state, INK_CHUNKS_DONE);
        assert_int_equal(eaten, strlen(text) - rest);
        assert_string_equal(body.data == NULL ? "" : body.data, content);
        ink_buf_release(&body);
    }
}

static void expect_state(const char *text, size_t limit, enum ink_chunks_state wanted)
{
    for (size_t step = 1; step <= strlen(text); step++) {
        struct ink_buf body = INK_BUF_INIT;
        enum ink_chunks_state state;
        (void)feed(text, step, limit, &body, &state);
        assert_int_equal(state, wanted);
        assert_true(body.len <= limit);
        ink_buf_release(&body);
    }
}

static void good(void **state)
{
    (void)state;
    expect("0\r\n\r\n", "", 0);
    expect("5\r\nhello\r\n0\r\n\r\n", "hello", 0);
    expect("1\r\nh\r\n4 \t;a=b;c\r\nello\r\n000;x\r\nTrailer: 1\r\nOther: 2\r\n\r\n", "hello", 0);
    expect("A\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1", "0123456789", 14);
    expect("b\r\n0\r\n\r\n\r\n\r\n01\r\n0\r\n\r\n", "0\r\n\r\n\r\n\r\n01", 0);
}

static void bad(void **state)
{
    static const char *const texts[] = {
        "\r\n",         "x",
        "-1\r\n",       "0x1\r\n",
        "5\nhello",     "5\r\nhellox",
        "5\r\nhello\n", "5\r\nhello\r\r",
        " 5\r\nhello",  "11111111111111111\r\n",
        "0\r\nA: b\n",  "0\r\n\rx",
        "5;a\nb\r\n",   "0\r\nA: b\r\rx",
        ";x\r\n",       "5 \r\nhello",
        "5 x\r\n",      "0\r\nGET / HTTP/1.1\r\n",
        "0\r\n: b",     "0\r\nA : b",
        "0\r\n b: c",   "0\r\nA\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        expect_state(texts[i], 1000, INK_CHUNKS_BAD);
}

static void limits(void **state)
{
    (void)state;
    expect_state("5\r\nhello\r\n1\r\nx", 5, INK_CHUNKS_TOO_LONG);
    expect_state("6\r\nhello!", 5, INK_CHUNKS_TOO_LONG);
    expect_state("FFFFFFFFFFFFFFF\r\nx", 5, INK_CHUNKS_TOO_LONG);
    expect_state("5\r\nhello\r\n0\r\n\r\n", 5, INK_CHUNKS_DONE);
}

static void endless_trailer(void **state)
{
    static char text[10100] = "0\r\n";
    struct ink_buf body = INK_BUF_INIT;
    enum ink_chunks_state end;
    (void)state;
    memset(text + 3, 'x', sizeof(text) - 4);
    (void)feed(text, 512, 1000, &body, &end);
    assert_int_equal(end, INK_CHUNKS_BAD);
    ink_buf_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(bad),
        cmocka_unit_test(limits),
        cmocka_unit_test(endless_trailer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
