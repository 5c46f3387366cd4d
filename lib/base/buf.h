/*
 * A growing byte buffer on the heap. Not thread-safe. `data` always has a NUL after `len` bytes
 * (or is NULL while nothing was appended), so that it can be printed.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/macros.h"

struct ink_buf {
    char *data;
    size_t len;
    size_t cap;
};

#define INK_BUF_INIT                                                                               \
    {                                                                                              \
        0                                                                                          \
    }

void ink_buf_release(struct ink_buf *buf);
/* Empties it and keeps the memory. */
void ink_buf_clear(struct ink_buf *buf);
/* Room for at least `more` further bytes; returns where they go (then add to `len` yourself). */
char *ink_buf_reserve(struct ink_buf *buf, size_t more);
void ink_buf_append(struct ink_buf *buf, const void *data, size_t size);
void ink_buf_puts(struct ink_buf *buf, const char *text);
void ink_buf_putc(struct ink_buf *buf, char c);
/* A number in decimal, without the cost of a printf. */
void ink_buf_integer(struct ink_buf *buf, int64_t value);
void ink_buf_unsigned(struct ink_buf *buf, uint64_t value);
void ink_buf_printf(struct ink_buf *buf, const char *format, ...) INK_PRINTF(2, 3);
void ink_buf_vprintf(struct ink_buf *buf, const char *format, va_list args) INK_PRINTF(2, 0);

/* The text as a JSON string with its quotes (RFC 8259). Bytes that are not valid UTF-8 come out as
 * U+FFFD. */
void ink_buf_json_string(struct ink_buf *buf, const char *text, size_t size);
/* Standard base64 with padding, or the URL-safe alphabet without (RFC 4648, sections 4 and 5). */
void ink_buf_base64(struct ink_buf *buf, const void *data, size_t size);
void ink_buf_base64url(struct ink_buf *buf, const void *data, size_t size);
