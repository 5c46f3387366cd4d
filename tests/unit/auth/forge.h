/*
 * Tokens as attackers and other libraries make them, byte by byte: libjwt would not sign most of
 * them. What is malformed aborts; all texts live in the arena.
 */
#pragma once

#include <openssl/evp.h>

#include "lib/base/arena.h"

/* Two keys that only tests have, the same for ever; to be freed. */
EVP_PKEY *forge_rsa(void);
EVP_PKEY *forge_ec(void);

char *forge_public_pem(struct ink_arena *arena, EVP_PKEY *key);
char *forge_private_pem(struct ink_arena *arena, EVP_PKEY *key);

/* A file without a name that holds `text`; its path is good until the process ends. */
char *forge_file(struct ink_arena *arena, const char *text);

/* header.claims, both in base64url. */
char *forge_unsigned(struct ink_arena *arena, const char *header, const char *claims, size_t size);
/* With a signature by HMAC; by RS256 or ES256, as the key is; or any other. */
char *forge_hmac(struct ink_arena *arena, const char *text, const void *key, size_t size,
                 const EVP_MD *digest);
char *forge_signed(struct ink_arena *arena, const char *text, EVP_PKEY *key);
char *forge_with(struct ink_arena *arena, const char *text, const void *signature, size_t size);
