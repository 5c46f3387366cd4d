/*
 * Tokens that were found good, so that who comes again with one costs a hash and not a signature.
 * What is kept of a token is its SHA-256, who it speaks for and from when until when: whoever takes
 * it out looks at the times again. There are so many places; a token takes that of its hash, and
 * what was there before is verified anew. Thread-safe. Internal to lib/auth.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/auth/opaque.h"
#include "lib/base/ctx.h"

/* A UUID fits. Who has a longer id is verified each time. */
#define INK_KNOWN_ID_SIZE 48

struct ink_known_token {
    uint8_t hash[INK_OPAQUE_HASH_SIZE];
    enum ink_caller_kind kind;
    char id[INK_KNOWN_ID_SIZE];
    int64_t begins, ends; /* seconds since 1970, without any leeway */
};

struct ink_known_tokens;
struct ink_known_tokens *ink_known_tokens_new(void);
/* Accepts NULL. */
void ink_known_tokens_free(struct ink_known_tokens *known);

void ink_known_tokens_add(struct ink_known_tokens *known, const struct ink_known_token *token);
/* Fills the token by its hash; false, with the token untouched, when it is not known. */
bool ink_known_tokens_find(struct ink_known_tokens *known, struct ink_known_token *token);
