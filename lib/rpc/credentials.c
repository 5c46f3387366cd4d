#include "lib/rpc/credentials.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LARGEST_PEM (1024 * 1024)

/* Reads a whole PEM file into the arena; a NULL path is a NULL text. */
static struct ink_status read_pem(struct ink_arena *arena, const char *path, char **ret_text)
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
    if (bad)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s is not a PEM file of at most 1 MiB",
                          path);
    text[size] = '\0';
    *ret_text = text;
    return ink_ok();
}

struct pems {
    char *ca, *cert, *key;
};

static struct ink_status read_pems(struct ink_arena *arena, const struct ink_rpc_tls *tls,
                                   struct pems *ret_pems)
{
    if ((tls->cert_file == NULL) != (tls->key_file == NULL))
        return ink_error(INK_INVALID_ARGUMENT, "a TLS certificate and its key go together");
    struct ink_status status = read_pem(arena, tls->ca_file, &ret_pems->ca);
    if (ink_is_ok(status))
        status = read_pem(arena, tls->cert_file, &ret_pems->cert);
    if (ink_is_ok(status))
        status = read_pem(arena, tls->key_file, &ret_pems->key);
    return status;
}

struct ink_status ink_rpc_server_credentials(const struct ink_rpc_tls *tls, struct ink_arena *arena,
                                             grpc_server_credentials **ret)
{
    if (tls == NULL) {
        *ret = grpc_insecure_server_credentials_create();
        return ink_ok();
    }
    struct pems pems = {0};
    struct ink_status status = read_pems(arena, tls, &pems);
    if (!ink_is_ok(status))
        return status;
    if (pems.cert == NULL)
        return ink_error(INK_INVALID_ARGUMENT, "a TLS server needs a certificate and its key");
    grpc_ssl_pem_key_cert_pair pair = {.private_key = pems.key, .cert_chain = pems.cert};
    grpc_server_credentials *credentials = grpc_ssl_server_credentials_create_ex(
        pems.ca, &pair, 1,
        pems.ca == NULL ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                        : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY,
        NULL);
    if (credentials == NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s or %s cannot be used for TLS",
                          tls->cert_file, tls->key_file);
    *ret = credentials;
    return ink_ok();
}

struct ink_status ink_rpc_channel_credentials(const struct ink_rpc_tls *tls,
                                              struct ink_arena *arena,
                                              grpc_channel_credentials **ret)
{
    if (tls == NULL) {
        *ret = grpc_insecure_credentials_create();
        return ink_ok();
    }
    struct pems pems = {0};
    struct ink_status status = read_pems(arena, tls, &pems);
    if (!ink_is_ok(status))
        return status;
    if (pems.ca == NULL)
        return ink_error(INK_INVALID_ARGUMENT, "a TLS client needs a CA file to trust");
    grpc_ssl_pem_key_cert_pair pair = {.private_key = pems.key, .cert_chain = pems.cert};
    grpc_channel_credentials *credentials =
        grpc_ssl_credentials_create_ex(pems.ca, pems.cert == NULL ? NULL : &pair, NULL, NULL);
    if (credentials == NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s cannot be used for TLS", tls->ca_file);
    *ret = credentials;
    return ink_ok();
}
