#define _GNU_SOURCE /* memfd_create() */
#include "tests/unit/auth/forge.h"

#include <fcntl.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/buf.h"

static const char rsa_pem[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCrvhn1V4C/vlQV\n"
                              "bXvIvKlpV2wedvgfSMxL/u3vh5sdhjwZmI8PUWV+8MMJviJ2AcrZNovgL9wlx6XY\n"
                              "7ygPpPPOrZ27ok6fN9914K9Pd/eK5hiZDkFdKvlqvjgaFlh+f/2qH5xwqAh+F6dJ\n"
                              "7s1yybpQcPzIsNe/KRNIIvjjEW9LIHVfIjoK0y4UwGSxesBX3KaP2SBu6/va7AVy\n"
                              "1m2V9NzGRGgWl5HxyJYXDzGQ9boJvXRAuVh8QrxG0bW8B9vUSK6MRPxZ/KKSCelq\n"
                              "HTNUEpCTioz6l7k1HJuLYkZN0Vr2AujCJOC4BWlAD0+Fl9C2jee9ByyF4WoDYsvJ\n"
                              "QnVkYuoZAgMBAAECggEADVqQgPLwo0Tn6GtrgFx2PVpuoSCVz5qE4BsOlZBd73n1\n"
                              "7fUrZbQdIZvg3nIQeRjpYXuMFr6oVHuyM1/Gv3V1y6OheLer4bw7cNpemnd07pgd\n"
                              "LR5E1zsb/g1gv8G7C2L/IbcOUY6POOOBi3S5BTlJ3MiPfAXCg/rSpMpE8r4mGpln\n"
                              "B7wJNwP37YO83ai/RDT43+AGL2Ops0tb8L9jfNyhSkKXjiecUbkNFZDqtq7VIvlg\n"
                              "pboSrvkJhy4LjRgMmraNijyhmvbrbIBNy0tQaVH9/l/DyTTRZ6i7F6voBahVta+z\n"
                              "efs0+jlgwkDLc/GQfLRQZA85B7IUxLa6sxvvMg2PjQKBgQDfProgaVAEKgNsoxIh\n"
                              "BmeW40Yac3WZPcOFSM+xnVXSK7HIFCGuqnnGJJ/SgIcPr8eNGJOP1LYd5w5h/2m5\n"
                              "iliYG+/ov6dRt+ZAQErD/NZlxtzW50x9WMJK+XTlnCAoXSvVor41C1ja9oUJ5hpY\n"
                              "lcHqwlfr1/Ma4RcFH/thlcMXUwKBgQDE8OYWkFePe5wQfe9nMfn+15pOBaiB9ERX\n"
                              "KkA7+UIlDeddYytXfbySGpWy0fCJzqgLO2w0xfJqLS9ud1cacZE6BHlV+g85oZ2h\n"
                              "7eSyKjZIn0aqitQj7w3tFGTbljbmt6KZOO1zICwUVEsT9hvQ7zZgVIS8utYZ+6YA\n"
                              "dmfOjOfnYwKBgQDTy88JsOAZE0Lsbklky467uCNqNN/84nv8l3d0KrChFJM2HuNV\n"
                              "sqaVNWnra8S3PS00z3wvmL6u3+blUkwbmwUySk7xoeI7xRzNGDHWfqlpJaGewRHw\n"
                              "WaT7PG+K5vQbV0mfBScva/SAyCCvo36bTHkNIBQJzHb3qVUNp6n2iv7rwQKBgBEI\n"
                              "VJ329duu8RxsB9yA8gIcW3gL/TrgCVkQimWldRcHUM8+2GzErx5jtja0+Xyxps7x\n"
                              "4LXfuMt+BPAk2h+rWsgNwwCwk8iENcHfdTwDcpZtUAtH3nkNH8M1VFO5dh4WG7Xs\n"
                              "unyOd8F6WNPtIRK83ZMPPDumXQX6Qa0gkHHItfXJAoGAF7zJlq7gwUUOITHYsPnT\n"
                              "K1aHmRCNOgohqUJRGW8yqMjuZBQupMtqd5c/w8DE+nMo4xZfcXBghtffl52tueID\n"
                              "og3nNPNS/bDXjyad7V+i0X0o5D125kofVAb7+IhnpThK2KYhM1i+MRCpFlC6az0Z\n"
                              "HpI8jwBAQhLuYPGN+Sxk64o=\n"
                              "-----END PRIVATE KEY-----\n";

static const char ec_pem[] = "-----BEGIN PRIVATE KEY-----\n"
                             "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5odinUjA2ByN3a22\n"
                             "iNccvVfz+uFBfkAu83PFlZgw146hRANCAAQL6oaSqtnWbLLq8V17xZEXaxoZs6iZ\n"
                             "acYpAECHb0HYx4HYmmmQEr9aZOv4ENycPcOi96X/inMXYNphpH5Py8UW\n"
                             "-----END PRIVATE KEY-----\n";

static void must(bool good)
{
    if (!good)
        abort();
}

static EVP_PKEY *read_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    must(key != NULL);
    return key;
}

EVP_PKEY *forge_rsa(void)
{
    return read_key(rsa_pem);
}

EVP_PKEY *forge_ec(void)
{
    return read_key(ec_pem);
}

static char *text_of(struct ink_arena *arena, BIO *bio)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    char *text = ink_arena_strndup(arena, data, (size_t)size);
    BIO_free(bio);
    return text;
}

char *forge_public_pem(struct ink_arena *arena, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    must(PEM_write_bio_PUBKEY(bio, key) == 1);
    return text_of(arena, bio);
}

char *forge_private_pem(struct ink_arena *arena, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    must(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    return text_of(arena, bio);
}

char *forge_file(struct ink_arena *arena, const char *text)
{
    int file = memfd_create("forged", 0);
    must(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    return ink_arena_printf(arena, "/proc/self/fd/%d", file);
}

static char *keep(struct ink_arena *arena, struct ink_buf *buf)
{
    char *text = ink_arena_strndup(arena, buf->data, buf->len);
    ink_buf_release(buf);
    return text;
}

char *forge_unsigned(struct ink_arena *arena, const char *header, const char *claims, size_t size)
{
    struct ink_buf buf = INK_BUF_INIT;
    ink_buf_base64url(&buf, header, strlen(header));
    ink_buf_putc(&buf, '.');
    ink_buf_base64url(&buf, claims, size);
    return keep(arena, &buf);
}

char *forge_with(struct ink_arena *arena, const char *text, const void *signature, size_t size)
{
    struct ink_buf buf = INK_BUF_INIT;
    ink_buf_printf(&buf, "%s.", text);
    ink_buf_base64url(&buf, signature, size);
    return keep(arena, &buf);
}

char *forge_hmac(struct ink_arena *arena, const char *text, const void *key, size_t size,
                 const EVP_MD *digest)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_size;
    must(HMAC(digest, key, (int)size, (const unsigned char *)text, strlen(text), mac, &mac_size) !=
         NULL);
    return forge_with(arena, text, mac, mac_size);
}

/* OpenSSL's form of a signature as the two numbers that JWS wants. */
static size_t to_raw(unsigned char *signature, size_t size)
{
    const unsigned char *der = signature;
    ECDSA_SIG *numbers = d2i_ECDSA_SIG(NULL, &der, (long)size);
    must(numbers != NULL);
    BN_bn2binpad(ECDSA_SIG_get0_r(numbers), signature, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(numbers), signature + 32, 32);
    ECDSA_SIG_free(numbers);
    return 64;
}

char *forge_signed(struct ink_arena *arena, const char *text, EVP_PKEY *key)
{
    unsigned char signature[1024];
    size_t size = sizeof(signature);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    must(EVP_DigestSignInit(digest, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestSign(digest, signature, &size, (const unsigned char *)text, strlen(text)) == 1);
    EVP_MD_CTX_free(digest);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
        size = to_raw(signature, size);
    return forge_with(arena, text, signature, size);
}
