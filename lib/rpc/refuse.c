/* Calls that are not served: too many, or of methods that nobody serves. */
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/rpc/server_internal.h"

struct refusal {
    struct event event;
    struct ink_rpc_server *server;
    struct call call;
    struct status_op status;
};

static void refused(struct event *event, bool ok)
{
    (void)ok;
    struct refusal *refusal = INK_CONTAINER_OF(event, struct refusal, event);
    struct ink_rpc_server *server = refusal->server;
    if (refusal->call.closed != 0 && refusal->call.ctx.peer != NULL)
        flood_watch_note_reset(server->floods, refusal->call.ctx.peer);
    status_op_release(&refusal->status);
    call_release(&refusal->call);
    free(refusal);
    server_leave(server);
}

void server_refuse(struct ink_rpc_server *server, struct call *call, struct ink_status status)
{
    struct refusal *refusal = ink_calloc(1, sizeof(*refusal));
    refusal->event.done = refused;
    refusal->server = server;
    refusal->status.message = grpc_empty_slice();
    refusal->status.trailer.value = grpc_empty_slice();
    call_init(&refusal->call, NULL);
    refusal->call.grpc = call->grpc;
    if (call->ctx.peer != NULL)
        refusal->call.ctx.peer = ink_arena_strdup(&refusal->call.arena, call->ctx.peer);
    call->grpc = NULL;
    grpc_op ops[3] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_RECV_CLOSE_ON_SERVER}};
    ops[1].data.recv_close_on_server.cancelled = &refusal->call.closed;
    status_op_init(&refusal->status, &ops[2], &refusal->call.arena, status);
    if (!start_batch(refusal->call.grpc, ops, 3, &refusal->event))
        refused(&refusal->event, false);
}

/* Methods that nobody serves. */
struct unknown {
    struct event requested;
    struct ink_rpc_server *server;
    struct call call;
    grpc_call_details details;
};

static void unknown_release(struct unknown *unknown)
{
    grpc_call_details_destroy(&unknown->details);
    call_release(&unknown->call);
    free(unknown);
}

static void unknown_requested(struct event *event, bool ok)
{
    struct unknown *unknown = INK_CONTAINER_OF(event, struct unknown, requested);
    if (ok && server_enter(unknown->server)) {
        unknown_listen(unknown->server);
        (void)call_connection(unknown->server, &unknown->call);
        server_refuse(unknown->server, &unknown->call,
                      ink_error(INK_UNIMPLEMENTED, "no such method is served here"));
    }
    unknown_release(unknown);
}

void unknown_listen(struct ink_rpc_server *server)
{
    struct unknown *unknown = ink_calloc(1, sizeof(*unknown));
    unknown->requested.done = unknown_requested;
    unknown->server = server;
    call_init(&unknown->call, NULL);
    grpc_call_details_init(&unknown->details);
    INK_HAND_OVER(&unknown->requested);
    grpc_call_error error = grpc_server_request_call(
        server->grpc, &unknown->call.grpc, &unknown->details, &unknown->call.metadata.array,
        server->events.queue, server->events.queue, &unknown->requested);
    if (error != GRPC_CALL_OK)
        unknown_requested(&unknown->requested, false);
}
