/*
 * The server's TLS: what is spoken, and which certificate a new connection gets.
 *
 * civetweb makes one SSL_CTX for its whole life, which its threads use without a lock. So nothing
 * in it ever changes: it has no certificate, and each handshake is given the one of that moment.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/http/internal.h"

/* Forward secrecy and authenticated encryption only: what TLS 1.3 has, for TLS 1.2. */
#define SUITES_1_2                                                                                 \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SUITES_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384"

struct ink_http_certificate {
    X509 *leaf;
    STACK_OF(X509) * chain; /* those behind it */
    EVP_PKEY *key;
    uint8_t digest[INK_TLS_DIGEST_SIZE]; /* of the files */
};

static void certificate_free(struct ink_http_certificate *certificate)
{
    if (certificate == NULL)
        return;
    X509_free(certificate->leaf);
    sk_X509_pop_free(certificate->chain, X509_free);
    EVP_PKEY_free(certificate->key);
    free(certificate);
}

/* Of texts that ink_tls_read() has checked. */
static struct ink_http_certificate *certificate_new(const struct ink_tls_pems *pems)
{
    struct ink_http_certificate *made = ink_calloc(1, sizeof(*made));
    BIO *cert = BIO_new_mem_buf(pems->cert, -1), *key = BIO_new_mem_buf(pems->key, -1);
    X509 *next;
    made->leaf = PEM_read_bio_X509(cert, NULL, NULL, NULL);
    made->chain = sk_X509_new_null();
    while ((next = PEM_read_bio_X509(cert, NULL, NULL, NULL)) != NULL)
        sk_X509_push(made->chain, next);
    made->key = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
    memcpy(made->digest, pems->digest, sizeof(made->digest));
    BIO_free(cert);
    BIO_free(key);
    ERR_clear_error();
    return made;
}

static struct ink_status read_pems(const struct ink_http_server *server, struct ink_arena *arena,
                                   struct ink_tls_pems *ret_pems)
{
    const struct ink_tls_files files = {.cert_file = server->options.tls_cert_file,
                                        .key_file = server->options.tls_key_file};
    return ink_tls_read(&files, arena, ret_pems);
}

struct ink_status tls_init(struct ink_http_server *server, struct ink_arena *arena)
{
    struct ink_tls_pems pems;
    pthread_mutex_init(&server->certificate_lock, NULL);
    if (server->options.tls_cert_file == NULL && server->options.tls_key_file == NULL)
        return ink_ok();
    struct ink_status status = read_pems(server, arena, &pems);
    if (ink_is_ok(status))
        server->certificate = certificate_new(&pems);
    return status;
}

void tls_release(struct ink_http_server *server)
{
    certificate_free(server->certificate);
    pthread_mutex_destroy(&server->certificate_lock);
}

struct ink_status ink_http_server_reload(struct ink_http_server *server, struct ink_arena *arena,
                                         struct ink_tls_state *ret_state)
{
    struct ink_http_certificate *old = server->certificate;
    struct ink_tls_pems pems;
    struct ink_tls_state state = {0};
    if (old == NULL) {
        *ret_state = state;
        return ink_ok();
    }
    struct ink_status status = read_pems(server, arena, &pems);
    if (!ink_is_ok(status))
        return status;
    state.used = true;
    state.expires = pems.expires;
    state.changed = memcmp(pems.digest, old->digest, sizeof(old->digest)) != 0;
    if (state.changed) {
        struct ink_http_certificate *new = certificate_new(&pems);
        pthread_mutex_lock(&server->certificate_lock);
        server->certificate = new;
        pthread_mutex_unlock(&server->certificate_lock);
        certificate_free(old);
    }
    *ret_state = state;
    return ink_ok();
}

/* A session begun with one certificate is not resumed when there is another: who replaced it wants
 * it to be gone. */
static int hello(SSL *ssl, int *alert, void *self)
{
    struct ink_http_server *server = self;
    pthread_mutex_lock(&server->certificate_lock);
    const struct ink_http_certificate *now = server->certificate;
    bool good = SSL_use_cert_and_key(ssl, now->leaf, now->key, now->chain, 1) == 1 &&
                SSL_set_session_id_context(ssl, now->digest, sizeof(now->digest)) == 1;
    pthread_mutex_unlock(&server->certificate_lock);
    if (!good)
        *alert = SSL_AD_INTERNAL_ERROR;
    return good ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

/* Who can only speak something else (RFC 7301) is told at once. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *in, unsigned in_size, void *self)
{
    static const unsigned char http11[] = "\x08http/1.1";
    unsigned char *chosen;
    (void)ssl;
    (void)self;
    if (SSL_select_next_proto(&chosen, out_size, http11, sizeof(http11) - 1, in, in_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

int tls_setup(void *ssl_ctx, void *self)
{
    if (SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ssl_ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ssl_ctx, SUITES_1_2) != 1 ||
        SSL_CTX_set_ciphersuites(ssl_ctx, SUITES_1_3) != 1 ||
        SSL_CTX_set1_groups_list(ssl_ctx, GROUPS) != 1)
        return -1;
    SSL_CTX_set_options(ssl_ctx, SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_client_hello_cb(ssl_ctx, hello, self);
    SSL_CTX_set_alpn_select_cb(ssl_ctx, choose_protocol, NULL);
    /* civetweb's own looks for further domains, of which there are none. */
    SSL_CTX_set_tlsext_servername_callback(ssl_ctx, NULL);
    return 1;
}
