#include "lib/auth/seal.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/text.h"

#define MAC_SIZE 16 /* of 32: 128 bits cannot be guessed */

static void hmac(const void *key, size_t key_size, const char *data, size_t size, uint8_t out[32])
{
    unsigned length = 32;
    if (HMAC(EVP_sha256(), key, (int)key_size, (const unsigned char *)data, size, out, &length) ==
        NULL)
        abort(); /* OpenSSL without SHA-256 */
}

void ink_seal_init(struct ink_seal *seal, const char *secret, const char *purpose)
{
    hmac(secret, strlen(secret), purpose, strlen(purpose), seal->key);
}

void ink_seal_release(struct ink_seal *seal)
{
    explicit_bzero(seal->key, sizeof(seal->key));
}

/* Of the context with its NUL, so that nothing can move from the one to the other, and the text. */
static void make_mac(const struct ink_seal *seal, const char *context, const char *text,
                     size_t size, uint8_t out[32])
{
    INK_CLEANUP(ink_buf_release) struct ink_buf both = INK_BUF_INIT;
    ink_buf_append(&both, context, strlen(context) + 1);
    ink_buf_append(&both, text, size);
    hmac(seal->key, sizeof(seal->key), both.data, both.len, out);
}

static const char *encode(struct ink_arena *arena, const void *data, size_t size)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf text = INK_BUF_INIT;
    ink_buf_base64url(&text, data, size);
    return ink_arena_strndup(arena, text.data, text.len);
}

const char *ink_seal_close(const struct ink_seal *seal, struct ink_arena *arena,
                           const char *context, const char *text)
{
    uint8_t mac[32];
    size_t size = strlen(text);
    char *data = ink_arena_alloc(arena, MAC_SIZE + size);
    make_mac(seal, context, text, size, mac);
    memcpy(data, mac, MAC_SIZE);
    memcpy(data + MAC_SIZE, text, size);
    return encode(arena, data, MAC_SIZE + size);
}

void ink_seal_mark(const struct ink_seal *seal, const char *text, char out[INK_SEAL_MARK_SIZE])
{
    uint8_t mac[32];
    INK_CLEANUP(ink_buf_release) struct ink_buf mark = INK_BUF_INIT;
    hmac(seal->key, sizeof(seal->key), text, strlen(text), mac);
    ink_buf_base64url(&mark, mac, MAC_SIZE);
    memcpy(out, mark.data, INK_SEAL_MARK_SIZE);
}

/* The decoder takes several spellings of the same bytes; only the one that was given out opens. */
const char *ink_seal_open(const struct ink_seal *seal, struct ink_arena *arena, const char *context,
                          const char *sealed)
{
    void *data;
    size_t size;
    uint8_t mac[32];
    if (!ink_base64_decode(arena, sealed, strlen(sealed), &data, &size) || size < MAC_SIZE ||
        strcmp(encode(arena, data, size), sealed) != 0)
        return NULL;
    const char *text = (const char *)data + MAC_SIZE;
    make_mac(seal, context, text, size - MAC_SIZE, mac);
    if (!ink_equal_constant_time(mac, data, MAC_SIZE))
        return NULL;
    return ink_arena_strndup(arena, text, size - MAC_SIZE);
}
