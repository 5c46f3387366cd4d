/*
 * The parts of a server, shared by the files of lib/rpc that implement it.
 *
 * Two completion queues: `work` brings unary calls to the worker threads, which may block in
 * handlers; `events` belongs to one thread that never blocks and brings everything else (new
 * streams, what streams wait for, health checks, unknown methods, the end of the shutdown).
 */
#pragma once

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>

#include "lib/base/tsan.h"
#include "lib/rpc/server.h"
#include "lib/rpc/wire.h"

#define MOST_INTERCEPTORS 16

/* The tag of every operation: what to do when it completed. */
struct event {
    void (*done)(struct event *event, bool ok);
};

/* Starts operations of a call; `event` completes when all are done, unless this fails. */
static inline bool start_batch(grpc_call *call, const grpc_op *ops, size_t count,
                               struct event *event)
{
    INK_HAND_OVER(event);
    return grpc_call_start_batch(call, ops, count, event, NULL) == GRPC_CALL_OK;
}

struct interceptor {
    ink_rpc_interceptor_fn *run;
    void *self;
};

/* What its streams are counted with. */
enum served_kind {
    SERVED_METHOD,
    SERVED_HEALTH,
    SERVED_REFLECTION,
    SERVED_KINDS,
};

/* One method that is served. */
struct served {
    struct ink_rpc_server *server;
    const struct ink_method *method;
    const struct ink_message *input;
    const struct ink_message *output;
    ink_rpc_unary_fn *unary;
    ink_rpc_stream_fn *stream;
    void *self;
    bool built_in; /* health and reflection: no interceptors, and no waiting for a worker */
    enum served_kind kind;
    void *registered;
    struct served *next;
};

struct ink_rpc_server {
    const struct ink_contract *contract;
    struct ink_arena arena;
    struct ink_rpc_server_options options;
    grpc_server *grpc;
    grpc_completion_queue *work;
    grpc_completion_queue *events;
    pthread_t *threads;
    unsigned n_threads;
    struct served *methods;
    struct interceptor interceptors[MOST_INTERCEPTORS];
    unsigned n_interceptors;
    int port;
    struct server_tls *tls; /* NULL for plain text */

    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    struct ink_rpc_stream *streams;
    unsigned n_streams;
    unsigned n_streams_of[SERVED_KINDS];
    unsigned n_calls; /* unary calls and refusals that are not finished */
    bool ready;
    int64_t started;
    bool begun;   /* it was ready once */
    bool leaving; /* about to stop: still serves, and tells those who watch */
    bool stopping;
    struct event shutdown;
    bool shut_down;
};

/* What arrives with a call, and the context made of it. */
struct ink_rpc_metadata {
    struct ink_arena *arena;
    grpc_metadata_array array;
};

struct call {
    struct served *served;
    grpc_call *grpc;
    gpr_timespec deadline;
    struct ink_rpc_metadata metadata;
    grpc_byte_buffer *payload;
    int closed; /* written by the C core when the client has gone */
    atomic_bool cancelled;
    struct ink_arena arena;
    struct ink_ctx ctx;
};

void call_init(struct call *call, struct served *served);
void call_release(struct call *call);
/* Fills call->ctx from what arrived. `longest_ms` bounds the deadline; 0 does not. */
void call_make_context(struct call *call, int64_t longest_ms);
/* Asks for the next call of call->served; `event` completes when it is there. */
void call_request(struct call *call, struct event *event, grpc_completion_queue *queue);

/* Reads the request, runs the interceptors and then the handler. A request that cannot be read goes
 * through the interceptors too, so that it is logged and counted. For a stream `reply` is NULL. */
struct ink_status call_run(struct call *call, ProtobufCMessage *reply,
                           struct ink_rpc_stream *stream);

/* The SEND_STATUS_FROM_SERVER op and what it points to, valid while the struct is. */
struct status_op {
    grpc_metadata trailer;
    grpc_slice message;
};
void status_op_init(struct status_op *status_op, grpc_op *op, struct ink_arena *arena,
                    struct ink_status status);
void status_op_release(struct status_op *status_op);

/* Keeps calls of a unary method, of a stream, and of unknown methods coming. */
void unary_listen(struct served *served);
void stream_listen(struct served *served);
void unknown_listen(struct ink_rpc_server *server);
/* Ends all streams because the server stops; those of health, which end by themselves once they
 * have told it, only when `all`. */
void streams_cancel(struct ink_rpc_server *server, bool all);

/* server_tls.c: makes server->tls, and the credentials, which are the caller's to release. */
struct ink_status server_credentials(struct ink_rpc_server *server, struct ink_arena *arena,
                                     grpc_server_credentials **ret) INK_MUST_CHECK;
void server_tls_free(struct server_tls *tls);

/* Counts an unfinished call, so that the shutdown waits for it. */
void server_enter(struct ink_rpc_server *server);
void server_leave(struct ink_rpc_server *server);
/* Adds one method by its descriptors. */
struct served *server_serve(struct ink_rpc_server *server, const struct ink_method *method);
bool server_serves(struct ink_rpc_server *server, const char *service);

/* Adds grpc.health.v1 and grpc.reflection, which the contract must contain. */
struct ink_status health_add(struct ink_rpc_server *server, struct ink_arena *arena) INK_MUST_CHECK;
struct ink_status reflection_add(struct ink_rpc_server *server,
                                 struct ink_arena *arena) INK_MUST_CHECK;
