/* Unary calls: requested in advance, run on a worker thread, answered in one batch. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/rpc/server_internal.h"

/* How many calls of a method the C core may hand over at once. */
#define REQUESTED 16

struct unary {
    struct event requested, closed, replied;
    struct call call;
    atomic_int pending; /* of closed and replied */
    grpc_byte_buffer *reply;
    struct status_op status;
};

static grpc_completion_queue *queue_of(const struct served *served)
{
    return served->built_in ? served->server->events : served->server->work;
}

static void release(struct unary *unary)
{
    if (unary->reply != NULL)
        grpc_byte_buffer_destroy(unary->reply);
    status_op_release(&unary->status);
    call_release(&unary->call);
    free(unary);
}

static void finish_one(struct unary *unary)
{
    if (atomic_fetch_sub(&unary->pending, 1) != 1)
        return;
    struct ink_rpc_server *server = unary->call.served->server;
    release(unary);
    server_leave(server);
}

static void closed(struct event *event, bool ok)
{
    struct unary *unary = INK_CONTAINER_OF(event, struct unary, closed);
    if (!ok || unary->call.closed != 0)
        atomic_store_explicit(&unary->call.cancelled, true, memory_order_relaxed);
    finish_one(unary);
}

static void replied(struct event *event, bool ok)
{
    (void)ok; /* the client has gone: nobody to tell */
    finish_one(INK_CONTAINER_OF(event, struct unary, replied));
}

static void watch_close(struct unary *unary)
{
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    op.data.recv_close_on_server.cancelled = &unary->call.closed;
    if (!start_batch(unary->call.grpc, &op, 1, &unary->closed))
        closed(&unary->closed, false);
}

static void send_reply(struct unary *unary, struct ink_status status, const ProtobufCMessage *reply)
{
    grpc_op ops[3] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}};
    size_t count = 1;
    if (ink_is_ok(status)) {
        unary->reply = ink_wire_pack(reply);
        ops[count].op = GRPC_OP_SEND_MESSAGE;
        ops[count++].data.send_message.send_message = unary->reply;
    }
    status_op_init(&unary->status, &ops[count++], &unary->call.arena, status);
    if (!start_batch(unary->call.grpc, ops, count, &unary->replied)) {
        grpc_call_cancel(unary->call.grpc, NULL);
        replied(&unary->replied, false);
    }
}

static void listen_once(struct served *served);

static void requested(struct event *event, bool ok)
{
    struct unary *unary = INK_CONTAINER_OF(event, struct unary, requested);
    struct served *served = unary->call.served;
    if (!ok) { /* the server stops */
        release(unary);
        return;
    }
    server_enter(served->server);
    listen_once(served);
    watch_close(unary);
    call_make_context(&unary->call, served->server->options.max_deadline_ms);
    ProtobufCMessage *reply =
        ink_arena_alloc(&unary->call.arena, served->output->c->sizeof_message);
    protobuf_c_message_init(served->output->c, reply);
    send_reply(unary, call_run(&unary->call, reply, NULL), reply);
}

static void listen_once(struct served *served)
{
    struct unary *unary = ink_calloc(1, sizeof(*unary));
    unary->requested.done = requested;
    unary->closed.done = closed;
    unary->replied.done = replied;
    atomic_init(&unary->pending, 2);
    unary->status.message = grpc_empty_slice();
    unary->status.trailer.value = grpc_empty_slice();
    call_init(&unary->call, served);
    call_request(&unary->call, &unary->requested, queue_of(served));
}

void unary_listen(struct served *served)
{
    for (int i = 0; i < REQUESTED; i++)
        listen_once(served);
}
