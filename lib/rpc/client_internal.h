/* Shared by the files of lib/rpc that implement the client. */
#pragma once

#include <grpc/grpc.h>
#include <pthread.h>

#include "lib/rpc/client.h"
#include "lib/rpc/wire.h"

#define POLLERS 2
#define MOST_METADATA 3

struct ink_rpc_client {
    const struct ink_contract *contract;
    struct ink_rpc_client_options options;
    grpc_channel *channel;
    grpc_completion_queue *queue;
    pthread_t pollers[POLLERS];
    void **registered; /* by ink_method.id */
};

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
};
void ending_init(struct ending *ending);
/* As a status whose strings live in `arena`. */
struct ink_status ending_status(const struct ending *ending, struct ink_arena *arena);
void ending_release(struct ending *ending);
/* The op that fills it. */
grpc_op ending_op(struct ending *ending);
