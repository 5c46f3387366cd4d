#include "lib/base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/text.h"

void ink_buf_release(struct ink_buf *buf)
{
    free(buf->data);
    *buf = (struct ink_buf)INK_BUF_INIT;
}

void ink_buf_clear(struct ink_buf *buf)
{
    buf->len = 0;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

char *ink_buf_reserve(struct ink_buf *buf, size_t more)
{
    size_t need;
    if (__builtin_add_overflow(buf->len, more, &need) || need > SIZE_MAX / 4)
        abort();
    if (need + 1 > buf->cap) {
        size_t cap = buf->cap < 128 ? 128 : buf->cap * 2;
        buf->cap = cap < need + 1 ? need + 1 : cap;
        buf->data = ink_realloc(buf->data, buf->cap);
    }
    return buf->data + buf->len;
}

void ink_buf_append(struct ink_buf *buf, const void *data, size_t size)
{
    char *at = ink_buf_reserve(buf, size);
    if (size != 0)
        memcpy(at, data, size);
    buf->len += size;
    buf->data[buf->len] = '\0';
}

void ink_buf_puts(struct ink_buf *buf, const char *text)
{
    ink_buf_append(buf, text, strlen(text));
}

void ink_buf_putc(struct ink_buf *buf, char c)
{
    char *at = ink_buf_reserve(buf, 1);
    at[0] = c;
    at[1] = '\0';
    buf->len++;
}

void ink_buf_unsigned(struct ink_buf *buf, uint64_t value)
{
    char text[INK_DECIMAL_MAX], *at = ink_decimal(value, text + sizeof(text));
    ink_buf_append(buf, at, (size_t)(text + sizeof(text) - at));
}

void ink_buf_integer(struct ink_buf *buf, int64_t value)
{
    if (value < 0)
        ink_buf_putc(buf, '-');
    ink_buf_unsigned(buf, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void ink_buf_vprintf(struct ink_buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    if (size < 0)
        abort();
    vsnprintf(ink_buf_reserve(buf, (size_t)size), (size_t)size + 1, format, again);
    va_end(again);
    buf->len += (size_t)size;
}

void ink_buf_printf(struct ink_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ink_buf_vprintf(buf, format, args);
    va_end(args);
}

static void put_escape(struct ink_buf *buf, unsigned char c)
{
    char escape[INK_JSON_ESCAPE_MAX];
    ink_buf_append(buf, escape, ink_json_escape(c, escape));
}

void ink_buf_json_string(struct ink_buf *buf, const char *text, size_t size)
{
    ink_buf_reserve(buf, size + 2);
    ink_buf_putc(buf, '"');
    size_t done = 0;
    for (size_t at = 0; (at += ink_ascii_plain(text + at, size - at)) < size;) {
        unsigned char c = (unsigned char)text[at];
        size_t step = c < 0x80 ? 1 : ink_utf8_sequence(text + at, size - at);
        if (step != 0 && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
            at += step;
            continue;
        }
        ink_buf_append(buf, text + done, at - done);
        if (step == 0)
            ink_buf_puts(buf, "\xEF\xBF\xBD");
        else
            put_escape(buf, c);
        done = ++at;
    }
    ink_buf_append(buf, text + done, size - done);
    ink_buf_putc(buf, '"');
}

static void base64(struct ink_buf *buf, const unsigned char *in, size_t size, const char *digits,
                   bool pad)
{
    char *out = ink_buf_reserve(buf, (size + 2) / 3 * 4);
    char *start = out;
    for (; size >= 3; in += 3, size -= 3) {
        *out++ = digits[in[0] >> 2];
        *out++ = digits[(in[0] & 3) << 4 | in[1] >> 4];
        *out++ = digits[(in[1] & 15) << 2 | in[2] >> 6];
        *out++ = digits[in[2] & 63];
    }
    if (size > 0) {
        unsigned char second = size == 2 ? in[1] : 0;
        *out++ = digits[in[0] >> 2];
        *out++ = digits[(in[0] & 3) << 4 | second >> 4];
        if (size == 2)
            *out++ = digits[(second & 15) << 2];
        else if (pad)
            *out++ = '=';
        if (pad)
            *out++ = '=';
    }
    buf->len += (size_t)(out - start);
    buf->data[buf->len] = '\0';
}

void ink_buf_base64(struct ink_buf *buf, const void *data, size_t size)
{
    base64(buf, data, size, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
           true);
}

void ink_buf_base64url(struct ink_buf *buf, const void *data, size_t size)
{
    base64(buf, data, size, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
           false);
}
