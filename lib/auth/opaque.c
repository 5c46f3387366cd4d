#include "lib/auth/opaque.h"

#include <openssl/sha.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/random.h"

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

void ink_opaque_hash(const char *token, uint8_t out[INK_OPAQUE_HASH_SIZE])
{
    SHA256((const unsigned char *)token, strlen(token), out);
}
