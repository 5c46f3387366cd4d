/* ASCII classes without a locale, for the formats. */
#pragma once

#include <stdbool.h>
#include <string.h>

static inline bool ink_char_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ink_char_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool ink_char_alnum(char c)
{
    return ink_char_digit(c) || ink_char_alpha(c);
}

static inline bool ink_char_hex(char c)
{
    return ink_char_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The digit's value. */
static inline unsigned ink_char_hex_value(char c)
{
    return ink_char_digit(c) ? (unsigned)(c - '0') : ((unsigned)c | 0x20) - 'a' + 10;
}

static inline bool ink_char_in(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}
