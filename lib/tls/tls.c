#include "lib/tls/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LARGEST_PEM (1024 * 1024)

/* Reads a whole file into the arena; a NULL path is a NULL text. */
static struct ink_status read_file(struct ink_arena *arena, const char *path, const char **ret_text)
{
    *ret_text = NULL;
    if (path == NULL)
        return ink_ok();
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "cannot read %s: %s", path, strerror(errno));
    char *text = ink_arena_alloc(arena, LARGEST_PEM + 1);
    size_t size = fread(text, 1, LARGEST_PEM + 1, file);
    bool bad = ferror(file) != 0 || size == 0 || size > LARGEST_PEM;
    fclose(file);
    if (bad || memchr(text, '\0', size) != NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s is not a PEM file of at most 1 MiB",
                          path);
    text[size] = '\0';
    *ret_text = text;
    return ink_ok();
}

static void free_bio(BIO **bio)
{
    BIO_free(*bio);
}

static void free_x509(X509 **certificate)
{
    X509_free(*certificate);
}

static void free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void free_context(SSL_CTX **context)
{
    SSL_CTX_free(*context);
}

/* The first certificate; NULL when there is none, or when a later one is malformed. */
static X509 *read_certificates(const char *text)
{
    INK_CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *first = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    X509 *next;
    while (first != NULL && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        X509_free(next);
    /* "no start line" is how the end looks */
    if (first != NULL && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        X509_free(first);
        first = NULL;
    }
    ERR_clear_error();
    return first;
}

/* An encrypted key is not asked for its password. */
static int no_password(char *buffer, int size, int writing, void *self)
{
    (void)buffer, (void)size, (void)writing, (void)self;
    return -1;
}

static EVP_PKEY *read_key(const char *text)
{
    INK_CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(text, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    ERR_clear_error();
    return key;
}

/* Whether OpenSSL would serve with the two: they are a pair and strong enough. */
static bool usable(X509 *certificate, EVP_PKEY *key)
{
    INK_CLEANUP(free_context) SSL_CTX *context = SSL_CTX_new(TLS_method());
    bool good = context != NULL && SSL_CTX_use_certificate(context, certificate) == 1 &&
                SSL_CTX_use_PrivateKey(context, key) == 1 &&
                SSL_CTX_check_private_key(context) == 1;
    ERR_clear_error();
    return good;
}

static struct ink_status check_pair(const struct ink_tls_files *files, struct ink_arena *arena,
                                    const struct ink_tls_pems *pems, int64_t *ret_expires)
{
    INK_CLEANUP(free_x509) X509 *certificate = read_certificates(pems->cert);
    if (certificate == NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s holds no certificate in PEM",
                          files->cert_file);
    INK_CLEANUP(free_key) EVP_PKEY *key = read_key(pems->key);
    if (key == NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s holds no unencrypted key in PEM",
                          files->key_file);
    if (!usable(certificate, key))
        return ink_errorf(arena, INK_INVALID_ARGUMENT,
                          "%s and %s cannot be used: they are no pair, or too weak",
                          files->cert_file, files->key_file);
    struct tm end;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s does not say when it expires",
                          files->cert_file);
    time_t expires = timegm(&end);
    if (expires <= time(NULL))
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s expired on %d-%02d-%02d",
                          files->cert_file, end.tm_year + 1900, end.tm_mon + 1, end.tm_mday);
    *ret_expires = expires;
    return ink_ok();
}

static struct ink_status check_ca(const struct ink_tls_files *files, struct ink_arena *arena,
                                  const struct ink_tls_pems *pems)
{
    INK_CLEANUP(free_x509) X509 *certificate = read_certificates(pems->ca);
    if (certificate == NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s holds no certificate in PEM",
                          files->ca_file);
    return ink_ok();
}

/* With the NUL of each text, so that nothing can move from one to the next unseen. */
static void make_digest(struct ink_tls_pems *pems)
{
    const char *texts[] = {pems->ca, pems->cert, pems->key};
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
        abort(); /* OpenSSL without SHA-256 */
    for (size_t i = 0; i < INK_COUNT(texts); i++) {
        const char *text = texts[i] == NULL ? "" : texts[i];
        EVP_DigestUpdate(hash, text, strlen(text) + 1);
    }
    EVP_DigestFinal_ex(hash, pems->digest, NULL);
    EVP_MD_CTX_free(hash);
}

struct ink_status ink_tls_read(const struct ink_tls_files *files, struct ink_arena *arena,
                               struct ink_tls_pems *ret)
{
    struct ink_tls_pems pems = {0};
    if ((files->cert_file == NULL) != (files->key_file == NULL))
        return ink_error(INK_INVALID_ARGUMENT, "a TLS certificate and its key go together");
    struct ink_status status = read_file(arena, files->ca_file, &pems.ca);
    if (ink_is_ok(status))
        status = read_file(arena, files->cert_file, &pems.cert);
    if (ink_is_ok(status))
        status = read_file(arena, files->key_file, &pems.key);
    if (ink_is_ok(status) && pems.ca != NULL)
        status = check_ca(files, arena, &pems);
    if (ink_is_ok(status) && pems.cert != NULL)
        status = check_pair(files, arena, &pems, &pems.expires);
    if (!ink_is_ok(status))
        return status;
    make_digest(&pems);
    *ret = pems;
    return ink_ok();
}
