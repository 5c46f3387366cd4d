#include "lib/auth/opaque.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/random.h"

#define COMMON 22 /* characters that a family's tokens begin with */
#define OWN (INK_OPAQUE_SIZE - 1 - COMMON)

void ink_opaque_make(char out[INK_OPAQUE_SIZE])
{
    unsigned char bits[32];
    ink_random(bits, sizeof(bits));
    struct ink_buf text = INK_BUF_INIT;
    ink_buf_base64url(&text, bits, sizeof(bits));
    memcpy(out, text.data, INK_OPAQUE_SIZE);
    explicit_bzero(text.data, text.len);
    explicit_bzero(bits, sizeof(bits));
    ink_buf_release(&text);
}

void ink_opaque_make_next(const struct ink_seal *seal, const char *token, char out[INK_OPAQUE_SIZE])
{
    char own[INK_SEAL_MARK_SIZE];
    ink_seal_mark(seal, token, own);
    snprintf(out, INK_OPAQUE_SIZE, "%.*s%.*s", COMMON, token, OWN, own);
    explicit_bzero(own, sizeof(own));
}

void ink_opaque_hash(const char *token, uint8_t out[INK_OPAQUE_HASH_SIZE])
{
    SHA256((const unsigned char *)token, strlen(token), out);
}

void ink_opaque_family(const char *token, uint8_t out[INK_OPAQUE_HASH_SIZE])
{
    SHA256((const unsigned char *)token, strnlen(token, COMMON), out);
}
