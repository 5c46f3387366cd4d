/*
 * Unary calls. Each is taken as soon as its headers are there, so that none is held inside the C
 * core, where nobody counts them and a client that gives no deadline has none. Its message is read
 * next, it waits in its lane for its turn, and is answered in one batch. The thread that found the
 * message there has the handler run, if there may be one more of them.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/rpc/server_internal.h"

/* How many calls of a method the C core may hand over at once. */
#define REQUESTED 16
/* Beyond the deadline: for a handler to say so itself, and for a reply on its way. */
#define HANDLER_GRACE (1 * INK_SECOND)
#define REPLY_GRACE (5 * INK_SECOND)

struct unary {
    struct event requested, received, closed, replied;
    struct call call;
    struct lane_entry entry;
    atomic_int pending; /* of received, closed and replied */
    grpc_byte_buffer *reply;
    struct status_op status;
};

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
    lanes_leave(&server->lanes, &unary->entry);
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
    if (ink_is_ok(status))
        status = call_pack_reply(&unary->call, reply, &unary->reply);
    if (ink_is_ok(status)) {
        ops[count].op = GRPC_OP_SEND_MESSAGE;
        ops[count++].data.send_message.send_message = unary->reply;
    }
    status_op_init(&unary->status, &ops[count++], &unary->call.arena, status);
    int64_t until = unary->call.ctx.deadline;
    lanes_answer(&unary->call.served->server->lanes, &unary->entry,
                 (until > ink_now() ? until : ink_now()) + REPLY_GRACE);
    if (!start_batch(unary->call.grpc, ops, count, &unary->replied)) {
        grpc_call_cancel(unary->call.grpc, NULL);
        replied(&unary->replied, false);
    }
}

static void run(struct unary *unary)
{
    struct call *call = &unary->call;
    const struct ink_message *output = call->served->output;
    call_make_context(call, call->latest);
    ProtobufCMessage *reply = ink_arena_alloc(&call->arena, output->c->sizeof_message);
    protobuf_c_message_init(output->c, reply);
    send_reply(unary, call_run(call, reply, NULL), reply);
}

/* Whether the client took the call back before anybody began with it. Time that ran out is another
 * thing, which is answered, counted and logged. */
static bool taken_back(const struct unary *unary)
{
    return atomic_load_explicit(&unary->call.cancelled, memory_order_relaxed) &&
           ink_now() < unary->call.latest &&
           ink_now() < ink_wire_deadline_back(unary->call.deadline);
}

/* Handles what waits, as long as there may be one more handler. */
static void work(struct ink_rpc_server *server)
{
    struct lane_entry *entry;
    while ((entry = lanes_take(&server->lanes)) != NULL) {
        struct unary *unary = INK_CONTAINER_OF(entry, struct unary, entry);
        struct lane_method *method = entry->method;
        if (taken_back(unary)) {
            flood_watch_note_reset(server->floods, unary->call.ctx.peer);
            finish_one(unary);
        } else {
            run(unary);
        }
        lanes_done(&server->lanes, method);
    }
}

static void received(struct event *event, bool ok)
{
    struct unary *unary = INK_CONTAINER_OF(event, struct unary, received);
    struct call *call = &unary->call;
    struct ink_rpc_server *server = call->served->server;
    bool whole = ok && call->payload != NULL;
    flood_watch_note(server->floods, call->ctx.peer);
    if (!whole) {
        flood_watch_note_reset(server->floods, call->ctx.peer);
        call_cancel_empty(call);
        finish_one(unary); /* there is no reply */
    } else if (call->served->built_in) {
        run(unary);
    } else if (!lanes_wait(&server->lanes, &unary->entry)) {
        finish_one(unary);
    }
    finish_one(unary);
    work(server);
}

static void read_message(struct unary *unary)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &unary->call.payload;
    if (!start_batch(unary->call.grpc, &op, 1, &unary->received))
        received(&unary->received, false);
}

static void listen_once(struct served *served);

static void requested(struct event *event, bool ok)
{
    struct unary *unary = INK_CONTAINER_OF(event, struct unary, requested);
    struct served *served = unary->call.served;
    struct ink_rpc_server *server = served->server;
    if (!ok || !server_enter(server)) { /* the server stops */
        release(unary);
        return;
    }
    listen_once(served);
    struct ink_status status = call_check_metadata(&unary->call);
    if (!ink_is_ok(status)) {
        server_refuse(server, &unary->call, status);
        release(unary);
        return;
    }
    int64_t now = ink_now();
    unary->call.latest = now + server->options.max_deadline_ms * INK_MILLISECOND;
    unary->entry.grpc = unary->call.grpc;
    unary->entry.method = &served->lane;
    unary->entry.latest = unary->call.latest + HANDLER_GRACE;
    unary->entry.until =
        now + ARRIVAL_TIME < unary->call.latest ? now + ARRIVAL_TIME : unary->call.latest;
    struct lane_admission admission = lanes_admit(
        &server->lanes, &unary->entry, call_connection(server, &unary->call) + served->number);
    if (admission.dropped != NULL)
        finish_one(INK_CONTAINER_OF(admission.dropped, struct unary, entry));
    if (!admission.admitted) {
        server_refuse(server, &unary->call, ink_overloaded(LANES_FULL, 1000));
        release(unary);
        return;
    }
    watch_close(unary);
    read_message(unary);
}

static void listen_once(struct served *served)
{
    struct unary *unary = ink_calloc(1, sizeof(*unary));
    unary->requested.done = requested;
    unary->received.done = received;
    unary->closed.done = closed;
    unary->replied.done = replied;
    atomic_init(&unary->pending, 3);
    unary->status.message = grpc_empty_slice();
    unary->status.trailer.value = grpc_empty_slice();
    call_init(&unary->call, served);
    call_request(&unary->call, &unary->requested);
}

void unary_listen(struct served *served)
{
    for (int i = 0; i < REQUESTED; i++)
        listen_once(served);
}
