/*
 * Sealed texts: what a client carries for us and may read but not change or make up, such as a page
 * token. A seal has a key of its own, derived from a secret and a purpose (HMAC-SHA-256, RFC 2104),
 * so that what is sealed for one purpose opens for no other. A text is sealed together with a
 * context that does not travel with it (the filters of a listing, say) and opens only in the same.
 *
 * A seal is constant once made; the other functions are thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"

struct ink_seal {
    uint8_t key[32];
};

void ink_seal_init(struct ink_seal *seal, const char *secret, const char *purpose);
/* Wipes the key. */
void ink_seal_release(struct ink_seal *seal);

/* `text`, sealed, in `arena`: base64url (RFC 4648, section 5) of 16 bytes of the HMAC, and the text
 * itself. */
const char *ink_seal_close(const struct ink_seal *seal, struct ink_arena *arena,
                           const char *context, const char *text) INK_MUST_CHECK;
/* A mark that stands for a text in places that should not show it (a key in Redis, a log line):
 * equal for equal texts, and of no use to guess the text with for those without the secret. */
#define INK_SEAL_MARK_SIZE 23 /* 22 characters of base64url and a NUL */
void ink_seal_mark(const struct ink_seal *seal, const char *text, char out[INK_SEAL_MARK_SIZE]);

/* The text, in `arena`; NULL when this seal did not make it for this context. */
const char *ink_seal_open(const struct ink_seal *seal, struct ink_arena *arena, const char *context,
                          const char *sealed) INK_MUST_CHECK;
