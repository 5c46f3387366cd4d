/*
 * The server's certificate: civetweb by itself wants certificate and key in one file.
 */
#include <openssl/ssl.h>

#include "lib/http/internal.h"

int ink_http_load_certificate(void *ssl_ctx, void *self)
{
    const struct ink_http_server *server = self;
    if (SSL_CTX_use_certificate_chain_file(ssl_ctx, server->options.tls_cert_file) != 1 ||
        SSL_CTX_use_PrivateKey_file(ssl_ctx, server->options.tls_key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ssl_ctx) != 1)
        return -1;
    SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_2_VERSION);
    return 1;
}
