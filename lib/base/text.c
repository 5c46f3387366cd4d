#include "lib/base/text.h"

#include <stdint.h>
#include <string.h>

static bool continues(const unsigned char *s, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if ((s[i] & 0xC0) != 0x80)
            return false;
    return true;
}

size_t ink_utf8_sequence(const char *text, size_t size)
{
    const unsigned char *s = (const unsigned char *)text;
    if (size == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xC2 || s[0] > 0xF4)
        return 0;
    size_t length = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (size < length || !continues(s, 1, length))
        return 0;
    bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xED && s[1] > 0x9F;
    bool too_large = s[0] == 0xF4 && s[1] > 0x8F;
    return overlong || surrogate || too_large ? 0 : length;
}

#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))

/* How many bytes from the start are ASCII, in whole words of eight. */
static size_t ascii_words(const char *text, size_t size)
{
    size_t at = 0;
    for (uint64_t word; size - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, text + at, sizeof(word));
        if ((word & EVERY(0x80)) != 0)
            break;
    }
    return at;
}

bool ink_utf8_valid(const char *text, size_t size)
{
    for (size_t at = 0; (at += ascii_words(text + at, size - at)) < size;) {
        size_t step = ink_utf8_sequence(text + at, size - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

size_t ink_utf8_length(const char *text, size_t size)
{
    size_t length = 0;
    for (size_t at = 0; at < size; at++)
        length += ((unsigned char)text[at] & 0xC0) != 0x80;
    return length;
}

/* Not zero when one of the eight bytes is `byte`. */
static uint64_t any_is(uint64_t word, unsigned char byte)
{
    word ^= EVERY(byte);
    return (word - EVERY(1)) & ~word & EVERY(0x80);
}

static bool plain_word(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof(word));
    uint64_t other = (word | (word - EVERY(0x20))) & EVERY(0x80);
    return (other | any_is(word, '"') | any_is(word, '\\') | any_is(word, 0x7f)) == 0;
}

static bool plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

size_t ink_ascii_plain(const char *text, size_t size)
{
    size_t at = 0;
    while (size - at >= 8 && plain_word(text + at))
        at += 8;
    if (size - at < 8 && size >= 8 && plain_word(text + size - 8))
        return size; /* the last word overlaps the one before */
    while (at < size && plain((unsigned char)text[at]))
        at++;
    return at;
}

size_t ink_json_escape(uint32_t c, char *out)
{
    static const char shorts[0x80] = {
        ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
        ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
    };
    out[0] = '\\';
    if (c < sizeof(shorts) && shorts[c] != '\0') {
        out[1] = shorts[c];
        return 2;
    }
    out[1] = 'u';
    for (int i = 0; i < 4; i++)
        out[2 + i] = "0123456789abcdef"[c >> (12 - 4 * i) & 15];
    return INK_JSON_ESCAPE_MAX;
}

char *ink_decimal(uint64_t value, char *end)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return end;
}

void ink_hex(const void *data, size_t size, char *out)
{
    const unsigned char *in = data;
    for (size_t i = 0; i < size; i++) {
        *out++ = "0123456789abcdef"[in[i] >> 4];
        *out++ = "0123456789abcdef"[in[i] & 15];
    }
    *out = '\0';
}

static int base64_digit(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

bool ink_base64_decode(struct ink_arena *arena, const char *text, size_t size, void **ret_data,
                       size_t *ret_size)
{
    size_t padding = 0;
    while (padding < 2 && size > 0 && text[size - 1] == '=')
        padding++, size--;
    if (size % 4 == 1 || (padding != 0 && (size + padding) % 4 != 0))
        return false;
    unsigned char *out = ink_arena_alloc(arena, size / 4 * 3 + 3);
    size_t length = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < size; i++) {
        int digit = base64_digit((unsigned char)text[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (unsigned)digit;
        if (i % 4 != 0)
            out[length++] = (unsigned char)(bits >> (6 - i % 4 * 2) % 8 & 0xFF);
    }
    *ret_data = out;
    *ret_size = length;
    return true;
}

bool ink_equal_constant_time(const void *a, const void *b, size_t size)
{
    const volatile unsigned char *x = a, *y = b;
    unsigned char difference = 0;
    for (size_t i = 0; i < size; i++)
        difference |= x[i] ^ y[i];
    return difference == 0;
}
