#include "lib/auth/key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/seal.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"
#include "lib/base/text.h"

#define SHA256_SIZE 32
#define COORDINATE_SIZE 32 /* of a point on P-256; a signature is two such numbers */

static void free_bn(BIGNUM **bn)
{
    BN_free(*bn);
}

static void free_context(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static void free_digest(EVP_MD_CTX **digest)
{
    EVP_MD_CTX_free(*digest);
}

static void free_ecdsa(ECDSA_SIG **signature)
{
    ECDSA_SIG_free(*signature);
}

static struct ink_key *new_key(const char *alg, const char *id)
{
    struct ink_key *key = ink_calloc(1, sizeof(*key));
    key->alg = alg;
    memcpy(key->id, id, strlen(id) + 1);
    return key;
}

struct ink_key *ink_key_of_secret(const char *secret)
{
    struct ink_seal seal;
    char id[INK_SEAL_MARK_SIZE];
    ink_seal_init(&seal, secret, "inkmesh key id");
    ink_seal_mark(&seal, "kid", id);
    ink_seal_release(&seal);
    struct ink_key *key = new_key("HS256", id);
    key->secret = ink_strdup(secret);
    return key;
}

void ink_key_free(struct ink_key *key)
{
    if (key == NULL)
        return;
    if (key->secret != NULL)
        explicit_bzero(key->secret, strlen(key->secret));
    free(key->secret);
    EVP_PKEY_free(key->public);
    free(key->service);
    free(key);
}

/* As a JSON Web Key */

/* ,"NAME":"..." of a number: as long as it is, or of `size` bytes (RFC 7518, sections 6.2, 6.3). */
static void put_number(struct ink_buf *out, const char *name, const EVP_PKEY *pkey,
                       const char *parameter, int size)
{
    INK_CLEANUP(free_bn) BIGNUM *bn = NULL;
    unsigned char bytes[INK_KEY_RSA_MAX / 8];
    if (EVP_PKEY_get_bn_param(pkey, parameter, &bn) != 1)
        abort(); /* its kind was checked */
    if (size == 0)
        size = BN_num_bytes(bn);
    BN_bn2binpad(bn, bytes, size);
    ink_buf_printf(out, "\"%s\":\"", name);
    ink_buf_base64url(out, bytes, (size_t)size);
    ink_buf_putc(out, '"');
}

/* The members that make the key, in the order of their names, as a thumbprint wants them (RFC 7638,
 * section 3.2). */
static void put_members(struct ink_buf *out, const EVP_PKEY *pkey)
{
    if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA) {
        put_number(out, "e", pkey, OSSL_PKEY_PARAM_RSA_E, 0);
        ink_buf_puts(out, ",\"kty\":\"RSA\",");
        put_number(out, "n", pkey, OSSL_PKEY_PARAM_RSA_N, 0);
        return;
    }
    ink_buf_puts(out, "\"crv\":\"P-256\",\"kty\":\"EC\",");
    put_number(out, "x", pkey, OSSL_PKEY_PARAM_EC_PUB_X, COORDINATE_SIZE);
    ink_buf_putc(out, ',');
    put_number(out, "y", pkey, OSSL_PKEY_PARAM_EC_PUB_Y, COORDINATE_SIZE);
}

const char *ink_key_jwk(const struct ink_key *key, struct ink_arena *arena)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf out = INK_BUF_INIT;
    ink_buf_putc(&out, '{');
    put_members(&out, key->public);
    ink_buf_printf(&out, ",\"use\":\"sig\",\"alg\":\"%s\",\"kid\":\"%s\"}", key->alg, key->id);
    return ink_arena_strndup(arena, out.data, out.len);
}

static void thumbprint(const EVP_PKEY *pkey, char out[INK_KEY_ID_SIZE])
{
    unsigned char hash[SHA256_SIZE];
    INK_CLEANUP(ink_buf_release) struct ink_buf text = INK_BUF_INIT;
    ink_buf_putc(&text, '{');
    put_members(&text, pkey);
    ink_buf_putc(&text, '}');
    if (EVP_Digest(text.data, text.len, hash, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* OpenSSL without SHA-256 */
    ink_buf_clear(&text);
    ink_buf_base64url(&text, hash, sizeof(hash));
    memcpy(out, text.data, INK_KEY_ID_SIZE);
}

/* Public keys */

/* The algorithm of a key of this kind and size; NULL with *ret_wrong. */
static const char *algorithm_of(const EVP_PKEY *pkey, const char **ret_wrong)
{
    char group[32];
    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_RSA:
        if (EVP_PKEY_get_bits(pkey) >= INK_KEY_RSA_MIN &&
            EVP_PKEY_get_bits(pkey) <= INK_KEY_RSA_MAX)
            return "RS256";
        *ret_wrong = "an RSA key must have 2048 to 8192 bits";
        return NULL;
    case EVP_PKEY_EC:
        if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1 &&
            strcmp(group, "prime256v1") == 0)
            return "ES256";
        *ret_wrong = "the curve of an EC key must be P-256";
        return NULL;
    default:
        *ret_wrong = "a key must be RSA or EC on P-256";
        return NULL;
    }
}

struct ink_key *ink_key_of_pkey(EVP_PKEY *pkey, const char **ret_wrong)
{
    char id[INK_KEY_ID_SIZE];
    const char *alg = algorithm_of(pkey, ret_wrong);
    if (alg == NULL)
        return NULL;
    INK_CLEANUP(free_context)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (EVP_PKEY_public_check(context) != 1) {
        ERR_clear_error();
        *ret_wrong = "the key is not valid";
        return NULL;
    }
    thumbprint(pkey, id);
    struct ink_key *key = new_key(alg, id);
    EVP_PKEY_up_ref(pkey);
    key->public = pkey;
    return key;
}

/* Verifying */

static bool verify_secret(const char *secret, const char *data, size_t size, const char *signature)
{
    unsigned char mac[SHA256_SIZE];
    INK_CLEANUP(ink_buf_release) struct ink_buf wanted = INK_BUF_INIT;
    if (HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)data, size, mac,
             NULL) == NULL)
        return false;
    ink_buf_base64url(&wanted, mac, sizeof(mac));
    return strlen(signature) == wanted.len &&
           ink_equal_constant_time(signature, wanted.data, wanted.len);
}

/* Two numbers (RFC 7518, section 3.4) as OpenSSL takes them, in the arena. False unless they are.
 */
static bool to_der(struct ink_arena *arena, unsigned char **data, size_t *size)
{
    if (*size != 2 * COORDINATE_SIZE)
        return false;
    INK_CLEANUP(free_ecdsa) ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(*data, COORDINATE_SIZE, NULL);
    BIGNUM *s = BN_bin2bn(*data + COORDINATE_SIZE, COORDINATE_SIZE, NULL);
    if (signature == NULL || ECDSA_SIG_set0(signature, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return false;
    }
    unsigned char *end = *data = ink_arena_alloc(arena, (size_t)i2d_ECDSA_SIG(signature, NULL));
    *size = (size_t)i2d_ECDSA_SIG(signature, &end);
    return true;
}

static bool verify_public(const struct ink_key *key, const char *data, size_t size,
                          const unsigned char *signature, size_t signature_size)
{
    INK_CLEANUP(free_digest) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool good =
        digest != NULL &&
        EVP_DigestVerifyInit(digest, NULL, EVP_sha256(), NULL, key->public) == 1 &&
        EVP_DigestVerify(digest, signature, signature_size, (const unsigned char *)data, size) == 1;
    ERR_clear_error();
    return good;
}

/* The decoder takes several spellings of the same bytes; a signature has one. */
static bool decode(struct ink_arena *arena, const char *text, void **ret_data, size_t *ret_size)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf again = INK_BUF_INIT;
    if (!ink_base64_decode(arena, text, strlen(text), ret_data, ret_size) || *ret_size == 0)
        return false;
    ink_buf_base64url(&again, *ret_data, *ret_size);
    return strcmp(again.data, text) == 0;
}

bool ink_key_verify(const struct ink_key *key, struct ink_arena *arena, const char *data,
                    size_t size, const char *signature)
{
    void *bytes;
    size_t n_bytes;
    if (key->secret != NULL)
        return verify_secret(key->secret, data, size, signature);
    if (!decode(arena, signature, &bytes, &n_bytes))
        return false;
    unsigned char *der = bytes;
    if (EVP_PKEY_get_base_id(key->public) == EVP_PKEY_EC && !to_der(arena, &der, &n_bytes))
        return false;
    return verify_public(key, data, size, der, n_bytes);
}
