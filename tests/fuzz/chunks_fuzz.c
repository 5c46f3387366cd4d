/* lib/http/chunks.h: a chunked body is the same in whatever pieces it arrives, and is what a
 * decoder says that is too simple to be wrong. The first two bytes: the limit, and how to cut. */
#include <stdbool.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/http/chunks.h"
#include "tests/fuzz/fuzz.h"

struct decoded {
    struct ink_chunks chunks;
    struct ink_buf body;
    size_t eaten;
};

static struct decoded feed(const char *data, size_t size, size_t piece, size_t limit)
{
    struct decoded d = {0};
    while (d.eaten < size) {
        size_t part = size - d.eaten < piece ? size - d.eaten : piece;
        char *exact = malloc(part); /* a byte more is out of bounds */
        CHECK(exact != NULL);
        memcpy(exact, data + d.eaten, part);
        size_t eaten = ink_chunks_feed(&d.chunks, exact, part, limit, &d.body);
        free(exact);
        d.eaten += eaten;
        CHECK(eaten == part || d.chunks.state >= INK_CHUNKS_DONE);
        if (d.chunks.state >= INK_CHUNKS_DONE)
            break;
    }
    CHECK(d.body.len <= limit);
    return d;
}

/* The whole line up to CRLF, or NULL; without any other LF in it. */
static const char *line_end(const char *at, const char *end)
{
    const char *lf = memchr(at, '\n', (size_t)(end - at));
    return lf != NULL && lf > at && lf[-1] == '\r' ? lf + 1 : NULL;
}

/* A name, a colon, whatever. */
static bool is_trailer(const char *line)
{
    size_t name = strspn(line, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return name > 0 && line[name] == ':';
}

/* What is behind the body, which is appended to `out`, or NULL when it is not whole and good. */
static const char *decode(const char *at, const char *end, struct ink_buf *out)
{
    for (;;) {
        char *digits_end;
        const char *data = line_end(at, end);
        if (data == NULL || strchr("+- \t\r\n\v\f", *at) != NULL || at[1] == 'x' || at[1] == 'X')
            return NULL;
        size_t length = strtoull(at, &digits_end, 16);
        if (digits_end == at)
            return NULL;
        at = data;
        if (length == 0)
            break;
        if (length > (size_t)(end - at) || (size_t)(end - at) - length < 2 ||
            memcmp(at + length, "\r\n", 2) != 0)
            return NULL;
        ink_buf_append(out, at, length);
        at += length + 2;
    }
    const char *next = line_end(at, end);
    while (next != NULL && next != at + 2) {
        if (!is_trailer(at))
            return NULL;
        at = next;
        next = line_end(at, end);
    }
    return next;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    size_t limit = (size_t)data[0] * 8, piece = data[1] % 16 + 1;
    struct ink_buf text = INK_BUF_INIT, simple = INK_BUF_INIT; /* `text` has a NUL behind it */
    ink_buf_append(&text, data + 2, size - 2);
    struct decoded whole = feed(text.data, text.len, text.len, limit);
    struct decoded parts = feed(text.data, text.len, piece, limit);
    CHECK(whole.chunks.state == parts.chunks.state && whole.eaten == parts.eaten);
    CHECK(whole.body.len == parts.body.len);
    CHECK(whole.body.len == 0 || memcmp(whole.body.data, parts.body.data, whole.body.len) == 0);
    if (whole.chunks.state == INK_CHUNKS_DONE) {
        const char *end = decode(text.data, text.data + text.len, &simple);
        CHECK(end == text.data + whole.eaten && simple.len == whole.body.len);
        CHECK(simple.len == 0 || memcmp(simple.data, whole.body.data, simple.len) == 0);
    }
    ink_buf_release(&text);
    ink_buf_release(&simple);
    ink_buf_release(&whole.body);
    ink_buf_release(&parts.body);
    return 0;
}
