/*
 * The keys that tokens are signed with (RFC 7517, RFC 7518): a secret for HS256, an RSA or P-256
 * key for RS256 or ES256. The key alone decides the algorithm. Private to lib/auth.
 *
 * A key is constant once made; verifying is thread-safe.
 */
#pragma once

#include <openssl/evp.h>
#include <stdbool.h>

#include "lib/base/arena.h"
#include "lib/base/status.h"

#define INK_KEY_ID_SIZE 44 /* a SHA-256 in base64url, and a NUL */
#define INK_KEY_RSA_MIN 2048
#define INK_KEY_RSA_MAX 8192 /* a larger one would make verifying costly and tokens too long */

struct ink_key {
    const char *alg; /* "HS256", "RS256" or "ES256" */
    /* Of a public key its thumbprint (RFC 7638). Of a secret what HMAC makes of a constant with it:
     * it tells no more about the secret than a token does. */
    char id[INK_KEY_ID_SIZE];
    char *secret;     /* of HS256; else NULL */
    EVP_PKEY *public; /* of the others; else NULL */
    char *service;    /* whose tokens it signs; NULL: users' tokens, and with a secret all */
    struct ink_key *next;
};

struct ink_key *ink_key_of_secret(const char *secret);
/* The public half of `pkey`, which it takes a reference of. NULL, with *ret_wrong saying why, for a
 * key that is weak, malformed or of another kind. */
struct ink_key *ink_key_of_pkey(EVP_PKEY *pkey, const char **ret_wrong);
/* Wipes the secret. Accepts NULL. */
void ink_key_free(struct ink_key *key);

/* Whether `signature`, as base64url in its one spelling, is this key's for the bytes. */
bool ink_key_verify(const struct ink_key *key, struct ink_arena *arena, const char *data,
                    size_t size, const char *signature) INK_MUST_CHECK;

/* A public key as a JSON Web Key (RFC 7517, section 4), in `arena`. */
const char *ink_key_jwk(const struct ink_key *key, struct ink_arena *arena) INK_MUST_CHECK;
