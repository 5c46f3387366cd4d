/*
 * A server's TLS. The C core asks for certificates at every new connection, and is given those that
 * were read last; and who a client is, by its certificate, is looked at with every call.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/alloc.h"
#include "lib/rpc/credentials.h"
#include "lib/rpc/server_internal.h"

#define REFUSAL "the client's certificate has no name that may call this service"

struct server_tls {
    const struct ink_rpc_server *server;
    pthread_mutex_t lock;
    struct ink_arena arena; /* of `pems` */
    struct ink_tls_pems pems;
    bool news; /* the C core does not have them yet */
};

static grpc_ssl_certificate_config_reload_status fetch(void *self,
                                                       grpc_ssl_server_certificate_config **ret)
{
    struct server_tls *tls = self;
    pthread_mutex_lock(&tls->lock);
    bool news = tls->news;
    if (news) {
        grpc_ssl_pem_key_cert_pair pair = {.private_key = tls->pems.key,
                                           .cert_chain = tls->pems.cert};
        /* The C core insists on a CA here, also when it asks no client for a certificate. */
        *ret = grpc_ssl_server_certificate_config_create(
            tls->pems.ca != NULL ? tls->pems.ca : tls->pems.cert, &pair, 1);
        tls->news = false;
    }
    pthread_mutex_unlock(&tls->lock);
    return news ? GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW
                : GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
}

/* Whether a name is in the list: "gateway, notification". */
static bool listed(const char *list, const char *name, size_t size)
{
    for (list += strspn(list, ", "); *list != '\0'; list += strspn(list, ", ")) {
        size_t length = strcspn(list, ", ");
        if (length == size && strncasecmp(list, name, size) == 0)
            return true;
        list += length;
    }
    return false;
}

static bool has_listed_name(const grpc_auth_context *context, const char *kind, const char *list)
{
    grpc_auth_property_iterator names = grpc_auth_context_find_properties_by_name(context, kind);
    for (const grpc_auth_property *name; (name = grpc_auth_property_iterator_next(&names)) != NULL;)
        if (listed(list, name->value, name->value_length))
            return true;
    return false;
}

static void tell_refused(const struct ink_rpc_server *server, const grpc_auth_context *context)
{
    struct ink_buf text = INK_BUF_INIT;
    grpc_auth_property_iterator names =
        grpc_auth_context_find_properties_by_name(context, GRPC_X509_SAN_PROPERTY_NAME);
    for (const grpc_auth_property *name; (name = grpc_auth_property_iterator_next(&names)) != NULL;)
        ink_buf_printf(&text, "%s%.*s", text.len == 0 ? "" : ", ", (int)name->value_length,
                       name->value);
    if (server->options.refused != NULL)
        server->options.refused(server->options.events_self, text.len == 0 ? "" : text.data);
    ink_buf_release(&text);
}

static void check_client(void *self, grpc_auth_context *context, const grpc_metadata *metadata,
                         size_t count, grpc_process_auth_metadata_done_cb done, void *user_data)
{
    const struct server_tls *tls = self;
    const char *list = tls->server->options.tls->clients;
    (void)metadata;
    (void)count;
    if (has_listed_name(context, GRPC_PEER_DNS_PROPERTY_NAME, list) ||
        has_listed_name(context, GRPC_PEER_URI_PROPERTY_NAME, list)) {
        done(user_data, NULL, 0, NULL, 0, GRPC_STATUS_OK, NULL);
        return;
    }
    tell_refused(tls->server, context);
    done(user_data, NULL, 0, NULL, 0, GRPC_STATUS_PERMISSION_DENIED, REFUSAL);
}

static grpc_server_credentials *make_credentials(struct server_tls *tls)
{
    const struct ink_rpc_tls *said = tls->server->options.tls;
    grpc_ssl_client_certificate_request_type request =
        said->ca_file == NULL ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                              : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
    grpc_server_credentials *credentials = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(request, fetch, tls));
    bool any = said->clients == NULL || strcmp(said->clients, "*") == 0;
    if (said->ca_file != NULL && !any)
        grpc_server_credentials_set_auth_metadata_processor(
            credentials, (grpc_auth_metadata_processor){.process = check_client, .state = tls});
    return credentials;
}

struct ink_status server_credentials(struct ink_rpc_server *server, struct ink_arena *arena,
                                     grpc_server_credentials **ret)
{
    if (server->options.tls == NULL) {
        *ret = grpc_insecure_server_credentials_create();
        return ink_ok();
    }
    struct server_tls *tls = ink_calloc(1, sizeof(*tls));
    tls->server = server;
    pthread_mutex_init(&tls->lock, NULL);
    ink_arena_init(&tls->arena);
    server->tls = tls;
    struct ink_status status = ink_rpc_server_pems(server->options.tls, &tls->arena, &tls->pems);
    if (!ink_is_ok(status))
        return ink_status_copy(arena, status);
    tls->news = true;
    *ret = make_credentials(tls);
    return ink_ok();
}

struct ink_status ink_rpc_server_reload(struct ink_rpc_server *server, struct ink_arena *arena,
                                        struct ink_tls_state *ret_state)
{
    struct server_tls *tls = server->tls;
    struct ink_tls_pems pems;
    struct ink_tls_state state = {0};
    struct ink_arena own;
    if (tls == NULL) {
        *ret_state = state;
        return ink_ok();
    }
    ink_arena_init(&own);
    struct ink_status status = ink_rpc_server_pems(server->options.tls, &own, &pems);
    if (ink_is_ok(status)) {
        state.used = true;
        state.expires = pems.expires;
        state.changed = memcmp(pems.digest, tls->pems.digest, sizeof(pems.digest)) != 0;
        *ret_state = state;
    } else {
        status = ink_status_copy(arena, status);
    }
    if (state.changed) {
        pthread_mutex_lock(&tls->lock);
        struct ink_arena old = tls->arena;
        tls->arena = own;
        tls->pems = pems;
        tls->news = true;
        pthread_mutex_unlock(&tls->lock);
        own = old;
    }
    ink_arena_release(&own);
    return status;
}

void server_tls_free(struct server_tls *tls)
{
    if (tls == NULL)
        return;
    ink_arena_release(&tls->arena);
    pthread_mutex_destroy(&tls->lock);
    free(tls);
}
