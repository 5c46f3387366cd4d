#include "lib/http/chunks.h"

#include <stdbool.h>
#include <string.h>

#include "lib/http/framing.h"

/* Of extensions and trailers, together. */
#define MAX_OVERHEAD 8192

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Blanks may stand before the semicolon of an extension, and nowhere else. */
static enum ink_chunks_state ext_begin(struct ink_chunks *chunks, char c)
{
    if (c == ';')
        return INK_CHUNKS_EXT;
    bool blank = (c == ' ' || c == '\t') && ++chunks->overhead <= MAX_OVERHEAD;
    return blank ? INK_CHUNKS_BLANK : INK_CHUNKS_BAD;
}

static enum ink_chunks_state size_char(struct ink_chunks *chunks, char c)
{
    int digit = hex_digit(c);
    if (digit >= 0) {
        if (++chunks->digits > 2 * sizeof(chunks->left) - 1)
            return INK_CHUNKS_BAD;
        chunks->left = chunks->left * 16 + (size_t)digit;
        return INK_CHUNKS_SIZE;
    }
    if (chunks->digits == 0)
        return INK_CHUNKS_BAD;
    if (c == '\r')
        return INK_CHUNKS_SIZE_LF;
    return ext_begin(chunks, c);
}

/* A character of what is ignored: `rest` goes on with it, `next` follows its CR. */
static enum ink_chunks_state ignored_char(struct ink_chunks *chunks, char c,
                                          enum ink_chunks_state rest, enum ink_chunks_state next)
{
    if (c == '\n' || c == '\0' || ++chunks->overhead > MAX_OVERHEAD)
        return INK_CHUNKS_BAD;
    return c == '\r' ? next : rest;
}

/* Of a trailer's name, or its end. */
static enum ink_chunks_state name_char(struct ink_chunks *chunks, char c)
{
    bool begun = chunks->state == INK_CHUNKS_TRAILER_NAME;
    if (++chunks->overhead > MAX_OVERHEAD)
        return INK_CHUNKS_BAD;
    if (c == ':' && begun)
        return INK_CHUNKS_TRAILER_LINE;
    return ink_http_is_token_char(c) ? INK_CHUNKS_TRAILER_NAME : INK_CHUNKS_BAD;
}

static enum ink_chunks_state exactly(char c, char wanted, enum ink_chunks_state next)
{
    return c == wanted ? next : INK_CHUNKS_BAD;
}

static enum ink_chunks_state control_char(struct ink_chunks *chunks, char c)
{
    switch (chunks->state) {
    case INK_CHUNKS_SIZE:
        return size_char(chunks, c);
    case INK_CHUNKS_BLANK:
        return ext_begin(chunks, c);
    case INK_CHUNKS_EXT:
        return ignored_char(chunks, c, INK_CHUNKS_EXT, INK_CHUNKS_SIZE_LF);
    case INK_CHUNKS_SIZE_LF:
        return exactly(c, '\n', chunks->left == 0 ? INK_CHUNKS_TRAILER : INK_CHUNKS_DATA);
    case INK_CHUNKS_DATA_CR:
        return exactly(c, '\r', INK_CHUNKS_DATA_LF);
    case INK_CHUNKS_DATA_LF:
        chunks->left = 0;
        chunks->digits = 0;
        return exactly(c, '\n', INK_CHUNKS_SIZE);
    case INK_CHUNKS_TRAILER:
        return c == '\r' ? INK_CHUNKS_END_LF : name_char(chunks, c);
    case INK_CHUNKS_TRAILER_NAME:
        return name_char(chunks, c);
    case INK_CHUNKS_TRAILER_LINE:
        return ignored_char(chunks, c, INK_CHUNKS_TRAILER_LINE, INK_CHUNKS_TRAILER_LF);
    case INK_CHUNKS_TRAILER_LF:
        return exactly(c, '\n', INK_CHUNKS_TRAILER);
    case INK_CHUNKS_END_LF:
        return exactly(c, '\n', INK_CHUNKS_DONE);
    default:
        return chunks->state;
    }
}

/* Takes the data of a chunk; returns how much of it there was. */
static size_t take_data(struct ink_chunks *chunks, const char *data, size_t size,
                        struct ink_buf *body)
{
    size_t part = size < chunks->left ? size : chunks->left;
    ink_buf_append(body, data, part);
    chunks->left -= part;
    if (chunks->left == 0)
        chunks->state = INK_CHUNKS_DATA_CR;
    return part;
}

size_t ink_chunks_feed(struct ink_chunks *chunks, const char *data, size_t size, size_t limit,
                       struct ink_buf *body)
{
    size_t eaten = 0;
    while (eaten < size && chunks->state < INK_CHUNKS_DONE) {
        if (chunks->state == INK_CHUNKS_DATA) {
            eaten += take_data(chunks, data + eaten, size - eaten, body);
            continue;
        }
        chunks->state = control_char(chunks, data[eaten]);
        eaten++;
        if (chunks->state == INK_CHUNKS_DATA &&
            (body->len > limit || chunks->left > limit - body->len))
            chunks->state = INK_CHUNKS_TOO_LONG;
    }
    return eaten;
}
