/* A client's channel, and how it is replaced by one with new certificates under calls. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/rpc/client_internal.h"
#include "lib/rpc/credentials.h"

struct link *link_new(const struct ink_contract *contract, grpc_channel *channel)
{
    size_t n_services;
    const struct ink_service *const *services = ink_contract_services(contract, &n_services);
    struct link *link = ink_calloc(1, sizeof(*link));
    link->channel = channel;
    atomic_init(&link->users, 1);
    link->registered = ink_calloc(ink_contract_method_count(contract), sizeof(*link->registered));
    for (size_t s = 0; s < n_services; s++)
        for (size_t m = 0; m < services[s]->n_methods; m++) {
            const struct ink_method *method = &services[s]->methods[m];
            link->registered[method->id] =
                grpc_channel_register_call(channel, method->path, NULL, NULL);
        }
    return link;
}

struct link *link_take(struct ink_rpc_client *client)
{
    pthread_mutex_lock(&client->lock);
    struct link *link = client->link;
    atomic_fetch_add(&link->users, 1);
    pthread_mutex_unlock(&client->lock);
    return link;
}

void link_drop(struct link *link)
{
    if (atomic_fetch_sub(&link->users, 1) > 1)
        return;
    grpc_channel_destroy(link->channel);
    free(link->registered);
    free(link);
}

grpc_call *link_call(struct link *link, const struct ink_method *method,
                     grpc_completion_queue *queue, int64_t deadline)
{
    return grpc_channel_create_registered_call(link->channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
                                               link->registered[method->id],
                                               ink_wire_deadline(deadline), NULL);
}

struct ink_status ink_rpc_client_reload(struct ink_rpc_client *client, struct ink_arena *arena,
                                        struct ink_tls_state *ret_state)
{
    struct ink_tls_pems pems;
    struct ink_tls_state state = {0};
    if (client->options.tls == NULL) {
        *ret_state = state;
        return ink_ok();
    }
    struct ink_status status = ink_rpc_client_pems(client->options.tls, arena, &pems);
    if (!ink_is_ok(status))
        return status;
    state.used = true;
    state.expires = pems.expires;
    state.changed = memcmp(pems.digest, client->digest, sizeof(pems.digest)) != 0;
    if (state.changed) {
        struct link *new = client_connect(client, &pems);
        pthread_mutex_lock(&client->lock);
        struct link *old = client->link;
        client->link = new;
        pthread_mutex_unlock(&client->lock);
        link_drop(old);
    }
    *ret_state = state;
    return ink_ok();
}
