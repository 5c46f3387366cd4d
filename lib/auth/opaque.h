/*
 * Opaque tokens: 256 random bits as text, for refresh tokens. Whoever stores them keeps only the
 * SHA-256: it cannot be turned back, and a random token needs no salt and no slow hash.
 * Thread-safe.
 */
#pragma once

#include <stdint.h>

#define INK_OPAQUE_SIZE 44      /* 43 characters of base64url and a NUL */
#define INK_OPAQUE_HASH_SIZE 32 /* bytes */

/* Makes a token. */
void ink_opaque_make(char out[INK_OPAQUE_SIZE]);
/* The hash of any text that claims to be one. */
void ink_opaque_hash(const char *token, uint8_t out[INK_OPAQUE_HASH_SIZE]);
