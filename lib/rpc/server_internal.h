/*
 * The parts of a server, shared by the files of lib/rpc that implement it.
 *
 * One completion queue, `events`, brings all that happens to threads that are alike and take turns
 * at it (turns.h). Handlers of unary calls, which may block, run on them as well, but never on all
 * at once: `lanes` (lanes.h) says which call is next, and there is one thread more than handlers. A
 * stream has a thread of its own.
 */
#pragma once

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lib/base/tsan.h"
#include "lib/rpc/flood.h"
#include "lib/rpc/lanes.h"
#include "lib/rpc/server.h"
#include "lib/rpc/turns.h"
#include "lib/rpc/wire.h"

#define MOST_INTERCEPTORS 16
/* Our clients take twice as much as our servers, so that what was sent in two requests fits into
 * one reply. */
#define LONGEST_REPLY(options) (2 * (options)->max_message_bytes)
/* Of the headers of a call, as HTTP/2 counts them: names, values, and 32 bytes each. A token of
 * ours has 1 KiB. */
#define METADATA_BYTES (16 * 1024)
/* For the message of a call, from its headers on. */
#define ARRIVAL_TIME (10 * INK_SECOND)
#define LANES_FULL "too many calls are open at once: try again later"

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
    unsigned number; /* from 0 */
    struct lane_method lane;
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
    struct lanes lanes;
    struct flood_watch *floods; /* from the start on */
    struct turns events;
    pthread_t watch; /* looks for floods, and after those that are late */
    atomic_bool watch_ends;
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
    bool closed; /* everything ended: the queue takes no operation any more */
};

/* What arrives with a call, and the context made of it. */
struct ink_rpc_metadata {
    struct ink_arena *arena;
    grpc_metadata_array array;
};

struct call {
    struct served *served;
    grpc_call *grpc;
    gpr_timespec deadline; /* as the client has it */
    int64_t latest;        /* as we have it; INK_NO_DEADLINE for most streams */
    struct ink_rpc_metadata metadata;
    grpc_byte_buffer *payload;
    int closed; /* written by the C core when the client has gone */
    atomic_bool cancelled;
    struct ink_arena arena;
    struct ink_ctx ctx;
};

void call_init(struct call *call, struct served *served);
void call_release(struct call *call);
/* Asks for the next call of call->served; `event` completes when it is there. */
void call_request(struct call *call, struct event *event);
/* A number that calls of one connection share. Sets call->ctx.peer, and notes that the connection
 * made a call. */
uint64_t call_connection(struct ink_rpc_server *server, struct call *call);
/* RESOURCE_EXHAUSTED for more metadata than a call may have. The C core (1.51) looks at each frame
 * of them alone, and a client can have it look at none. */
struct ink_status call_check_metadata(const struct call *call) INK_MUST_CHECK;
/* For a call without a message. When it was cancelled, or its message was too long, the C core has
 * told the client already, and this does nothing. */
void call_cancel_empty(struct call *call);
/* Fills call->ctx from what arrived; its deadline is `latest` at the latest. */
void call_make_context(struct call *call, int64_t latest);
/* RESOURCE_EXHAUSTED for a reply that no client should have to take. */
struct ink_status call_pack_reply(struct call *call, const ProtobufCMessage *reply,
                                  grpc_byte_buffer **ret_packed) INK_MUST_CHECK;

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
/* Cancels streams that are too late. */
void streams_sweep(struct ink_rpc_server *server, int64_t now);
/* Answers a call that cannot be served, without a thread. Takes over the call's handle and its
 * place in the count (server_enter()); the rest of `call` stays the caller's. */
void server_refuse(struct ink_rpc_server *server, struct call *call, struct ink_status status);
/* Ends all streams because the server stops; those of health, which end by themselves once they
 * have told it, only when `all`. */
void streams_cancel(struct ink_rpc_server *server, bool all);

/* server_tls.c: makes server->tls, and the credentials, which are the caller's to release. */
struct ink_status server_credentials(struct ink_rpc_server *server, struct ink_arena *arena,
                                     grpc_server_credentials **ret) INK_MUST_CHECK;
void server_tls_free(struct server_tls *tls);

/* Counts an unfinished call, so that the shutdown waits for it. False when it did not: the event
 * that a call has come may be taken from the queue just then, and the call's connection may have
 * gone. The call is to be dropped then, without an operation. */
bool server_enter(struct ink_rpc_server *server) INK_MUST_CHECK;
void server_leave(struct ink_rpc_server *server);
/* Adds one method by its descriptors. */
struct served *server_serve(struct ink_rpc_server *server, const struct ink_method *method);
bool server_serves(struct ink_rpc_server *server, const char *service);

/* Adds grpc.health.v1 and grpc.reflection, which the contract must contain. */
struct ink_status health_add(struct ink_rpc_server *server, struct ink_arena *arena) INK_MUST_CHECK;
struct ink_status reflection_add(struct ink_rpc_server *server,
                                 struct ink_arena *arena) INK_MUST_CHECK;
