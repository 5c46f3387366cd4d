/* Shared by the files of lib/rpc that implement the client. */
#pragma once

#include <grpc/grpc.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lib/base/tsan.h"
#include "lib/rpc/client.h"
#include "lib/rpc/client_breaker.h"
#include "lib/rpc/wire.h"

#define MOST_METADATA 3

struct ink_rpc_client {
    const struct ink_contract *contract;
    struct ink_rpc_client_options options;
    grpc_completion_queue *queue;
    uint8_t digest[INK_TLS_DIGEST_SIZE]; /* of the TLS files that were read last */
    struct client_breaker breaker;
    pthread_mutex_t lock;           /* over what follows */
    struct link *link;              /* for calls that begin */
    struct ink_rpc_flight *flights; /* unary calls that are under way */
    bool stopped;                   /* none may be under way any more */
};

/* A channel, and who uses it: the client itself, and each call until it has ended. */
struct link {
    grpc_channel *channel;
    void **registered; /* by ink_method.id */
    atomic_uint users;
};
struct link *link_new(const struct ink_contract *contract, grpc_channel *channel);
struct link *link_take(struct ink_rpc_client *client);
void link_drop(struct link *link);
grpc_call *link_call(struct link *link, const struct ink_method *method,
                     grpc_completion_queue *queue, int64_t deadline);

/* client_unary.c: a call has ended. */
void flight_lands(void *tag);
/* Ends the calls under way, but for those that the breaker has no say in. */
void client_end_all(struct ink_rpc_client *client);
/* Ends those whose context was cancelled. */
void client_end_cancelled(struct ink_rpc_client *client);
/* A call that the breaker does not keep away, and is not told of. */
struct ink_status client_probe(struct ink_rpc_client *client, const struct ink_ctx *ctx,
                               const struct ink_method *method, const ProtobufCMessage *request,
                               ProtobufCMessage **ret_reply, enum client_verdict *ret_verdict);

/* client.c: makes a link with the client's options. `pems` is NULL for plain text. */
struct link *client_connect(struct ink_rpc_client *client, const struct ink_tls_pems *pems);

/* What travels beside a request. */
struct outgoing {
    grpc_metadata metadata[MOST_METADATA];
    size_t count;
};
void outgoing_init(struct outgoing *outgoing, const struct ink_ctx *ctx);
void outgoing_release(struct outgoing *outgoing);

/* What arrives at the end of a call. */
struct ending {
    grpc_metadata_array trailing;
    grpc_status_code code;
    grpc_slice message;
    enum client_verdict verdict; /* set by ending_status() */
};
void ending_init(struct ending *ending);
/* As a status whose strings live in `arena`. */
struct ink_status ending_status(struct ending *ending, struct ink_arena *arena);
void ending_release(struct ending *ending);
/* The op that fills it. */
grpc_op ending_op(struct ending *ending);
