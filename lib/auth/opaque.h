/*
 * Opaque tokens: 256 random bits as text, for refresh tokens. Whoever stores them keeps only the
 * SHA-256: it cannot be turned back, and a random token needs no salt and no slow hash. Tokens of a
 * family begin alike, with 132 bits that nobody knows who never had one of them; the others are
 * each token's own. Those of a next one are an HMAC of the token before it: who has the secret can
 * make it again, so an answer that was lost can be repeated, though no token is kept; who has only
 * the token learns nothing of the next. Thread-safe.
 */
#pragma once

#include <stdint.h>

#include "lib/auth/seal.h"

#define INK_OPAQUE_SIZE 44      /* 43 characters of base64url and a NUL */
#define INK_OPAQUE_HASH_SIZE 32 /* bytes */

/* Makes a token, the first of a family. */
void ink_opaque_make(char out[INK_OPAQUE_SIZE]);
/* Makes the one after `token`, of the same family, always the same. What claims to be a token may
 * be any text; that after a shorter one is shorter, too. */
void ink_opaque_make_next(const struct ink_seal *seal, const char *token,
                          char out[INK_OPAQUE_SIZE]);
/* The hash of any text that claims to be one. */
void ink_opaque_hash(const char *token, uint8_t out[INK_OPAQUE_HASH_SIZE]);
/* The hash of what the text would have in common with all of its family. */
void ink_opaque_family(const char *token, uint8_t out[INK_OPAQUE_HASH_SIZE]);
