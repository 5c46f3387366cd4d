#include "lib/rpc/credentials.h"

#include <stdlib.h>

static struct ink_status read_pems(const struct ink_rpc_tls *tls, struct ink_arena *arena,
                                   struct ink_tls_pems *ret_pems)
{
    const struct ink_tls_files files = {
        .ca_file = tls->ca_file, .cert_file = tls->cert_file, .key_file = tls->key_file};
    return ink_tls_read(&files, arena, ret_pems);
}

struct ink_status ink_rpc_client_pems(const struct ink_rpc_tls *tls, struct ink_arena *arena,
                                      struct ink_tls_pems *ret_pems)
{
    struct ink_tls_pems pems;
    struct ink_status status = read_pems(tls, arena, &pems);
    if (ink_is_ok(status) && pems.ca == NULL)
        return ink_error(INK_INVALID_ARGUMENT, "a TLS client needs a CA file to trust");
    if (ink_is_ok(status))
        *ret_pems = pems;
    return status;
}

struct ink_status ink_rpc_server_pems(const struct ink_rpc_tls *tls, struct ink_arena *arena,
                                      struct ink_tls_pems *ret_pems)
{
    struct ink_tls_pems pems;
    struct ink_status status = read_pems(tls, arena, &pems);
    if (ink_is_ok(status) && pems.cert == NULL)
        return ink_error(INK_INVALID_ARGUMENT, "a TLS server needs a certificate and its key");
    if (ink_is_ok(status))
        *ret_pems = pems;
    return status;
}

grpc_channel_credentials *ink_rpc_channel_credentials(const struct ink_tls_pems *pems)
{
    if (pems == NULL)
        return grpc_insecure_credentials_create();
    grpc_ssl_pem_key_cert_pair pair = {.private_key = pems->key, .cert_chain = pems->cert};
    grpc_channel_credentials *credentials =
        grpc_ssl_credentials_create_ex(pems->ca, pems->cert == NULL ? NULL : &pair, NULL, NULL);
    if (credentials == NULL)
        abort(); /* the C core checks nothing here that was not checked before */
    return credentials;
}
