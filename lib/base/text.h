/*
 * Text as bytes: UTF-8 (RFC 3629), hexadecimal, base64 (RFC 4648), comparison in constant time.
 * Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/macros.h"

/* How many bytes (1 to 4) the well-formed sequence at `text` has; 0 when it is malformed,
 * overlong, a surrogate or cut off by `size`. */
size_t ink_utf8_sequence(const char *text, size_t size);
bool ink_utf8_valid(const char *text, size_t size);
/* The number of code points of valid UTF-8. */
size_t ink_utf8_length(const char *text, size_t size);

/* How many of the first bytes are printable ASCII other than '"' and '\\': what a JSON string holds
 * as it is. Eight bytes a step. */
size_t ink_ascii_plain(const char *text, size_t size);

/* Writes a code point up to U+FFFF as an escape of a JSON string (RFC 8259): the short one where
 * there is one, \uXXXX otherwise. `out` takes INK_JSON_ESCAPE_MAX bytes and gets no NUL. Returns
 * how many are used. */
#define INK_JSON_ESCAPE_MAX 6
size_t ink_json_escape(uint32_t c, char *out);

/* Writes a number's decimal digits so that they end before `end`, behind at most INK_DECIMAL_MAX
 * bytes. Returns where they begin. */
#define INK_DECIMAL_MAX 20
char *ink_decimal(uint64_t value, char *end);

/* Lower-case hexadecimal; `out` takes 2 * size + 1 bytes. */
void ink_hex(const void *data, size_t size, char *out);

/* Decodes base64 in either alphabet, with or without padding. The bytes live in the arena. False,
 * with *ret_data and *ret_size untouched, when `text` is not base64. */
bool ink_base64_decode(struct ink_arena *arena, const char *text, size_t size, void **ret_data,
                       size_t *ret_size) INK_MUST_CHECK;

/* Compares without telling by its time where the two differ. */
bool ink_equal_constant_time(const void *a, const void *b, size_t size);
