/*
 * Takes apart a chunked body (RFC 9112, section 7.1). Extensions and trailers are read and ignored;
 * everything else is exact: hexadecimal size, CRLF, data, CRLF. A trailer is a name and a colon at
 * least: what follows an unfinished body, a request say, must not be swallowed as one. A pure state
 * machine that is fed with whatever has arrived.
 */
#pragma once

#include <stddef.h>

#include "lib/base/buf.h"

enum ink_chunks_state {
    INK_CHUNKS_SIZE,    /* in the size of a chunk */
    INK_CHUNKS_BLANK,   /* behind it, before a semicolon */
    INK_CHUNKS_EXT,     /* behind that, before the CRLF */
    INK_CHUNKS_SIZE_LF, /* between that CR and LF */
    INK_CHUNKS_DATA,
    INK_CHUNKS_DATA_CR,
    INK_CHUNKS_DATA_LF,
    INK_CHUNKS_TRAILER, /* at the start of a trailer line */
    INK_CHUNKS_TRAILER_NAME,
    INK_CHUNKS_TRAILER_LINE,
    INK_CHUNKS_TRAILER_LF,
    INK_CHUNKS_END_LF,
    INK_CHUNKS_DONE,
    INK_CHUNKS_BAD,
    INK_CHUNKS_TOO_LONG,
};

struct ink_chunks {
    enum ink_chunks_state state;
    size_t left;     /* of the chunk, or its size so far */
    size_t digits;   /* of the size */
    size_t overhead; /* bytes of extensions and trailers */
};

/* Eats what it can of `data` and appends the content to `body`, of which there may be `limit`
 * bytes. Returns how many bytes it ate: all of them, unless the state is DONE, BAD or TOO_LONG. */
size_t ink_chunks_feed(struct ink_chunks *chunks, const char *data, size_t size, size_t limit,
                       struct ink_buf *body);
