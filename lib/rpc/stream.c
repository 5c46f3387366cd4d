/* Streams: each has a thread of its own, which waits for the operations that the events thread
 * completes. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/rpc/server_internal.h"

#define STACK_BYTES (512 * 1024)

/* An operation somebody waits for. */
struct wait {
    struct event event;
    struct ink_rpc_stream *stream;
    bool done;
    bool ok;
};

struct ink_rpc_stream {
    struct event requested, closed;
    struct call call;
    bool started; /* initial metadata is sent */
    bool is_closed;
    struct ink_arena received; /* the last message of a client that streams */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct ink_rpc_stream *previous, *next; /* in the server's list */
};

static void wait_done(struct event *event, bool ok)
{
    struct wait *wait = INK_CONTAINER_OF(event, struct wait, event);
    struct ink_rpc_stream *stream = wait->stream;
    pthread_mutex_lock(&stream->lock);
    wait->done = true;
    wait->ok = ok;
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->lock);
}

/* Starts a batch and waits for its end. */
static bool perform(struct ink_rpc_stream *stream, const grpc_op *ops, size_t count)
{
    struct wait wait = {.event.done = wait_done, .stream = stream};
    if (!start_batch(stream->call.grpc, ops, count, &wait.event))
        return false;
    pthread_mutex_lock(&stream->lock);
    while (!wait.done)
        pthread_cond_wait(&stream->changed, &stream->lock);
    pthread_mutex_unlock(&stream->lock);
    return wait.ok;
}

static struct ink_status gone(const struct ink_rpc_stream *stream)
{
    struct ink_status status = ink_ctx_check(&stream->call.ctx);
    return ink_is_ok(status) ? ink_error(INK_CANCELLED, "the client has gone") : status;
}

struct ink_status ink_rpc_stream_begin(struct ink_rpc_stream *stream)
{
    grpc_op op = {.op = GRPC_OP_SEND_INITIAL_METADATA};
    bool ok = stream->started || perform(stream, &op, 1);
    stream->started = true;
    return ok ? ink_ok() : gone(stream);
}

struct ink_status ink_rpc_stream_send(struct ink_rpc_stream *stream,
                                      const ProtobufCMessage *message)
{
    grpc_byte_buffer *buffer = ink_wire_pack(message);
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_MESSAGE}, {.op = GRPC_OP_SEND_INITIAL_METADATA}};
    ops[0].data.send_message.send_message = buffer;
    bool ok = perform(stream, ops, stream->started ? 1 : 2);
    stream->started = true;
    grpc_byte_buffer_destroy(buffer);
    return ok ? ink_ok() : gone(stream);
}

struct ink_status ink_rpc_stream_recv(struct ink_rpc_stream *stream, ProtobufCMessage **ret_message)
{
    grpc_byte_buffer *buffer = NULL;
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &buffer;
    bool ok = perform(stream, &op, 1);
    if (ink_ctx_cancelled(&stream->call.ctx) || !ok) {
        if (buffer != NULL)
            grpc_byte_buffer_destroy(buffer);
        return gone(stream);
    }
    if (buffer == NULL) {
        *ret_message = NULL;
        return ink_ok();
    }
    ink_arena_release(&stream->received);
    struct ink_status status =
        ink_wire_unpack(&stream->received, stream->call.served->input, buffer,
                        stream->call.served->server->options.max_message_bytes, ret_message);
    grpc_byte_buffer_destroy(buffer);
    return status;
}

bool ink_rpc_stream_draining(const struct ink_rpc_stream *stream)
{
    struct ink_rpc_server *server = stream->call.served->server;
    pthread_mutex_lock(&server->lock);
    bool draining = server->stopping;
    pthread_mutex_unlock(&server->lock);
    return draining;
}

static void send_status(struct ink_rpc_stream *stream, struct ink_status status)
{
    grpc_op ops[2];
    struct status_op status_op = {.message = grpc_empty_slice()};
    status_op.trailer.value = grpc_empty_slice();
    status_op_init(&status_op, &ops[0], &stream->call.arena, status);
    ops[1] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    (void)perform(stream, ops, stream->started ? 1 : 2);
    status_op_release(&status_op);
}

static void closed(struct event *event, bool ok)
{
    struct ink_rpc_stream *stream = INK_CONTAINER_OF(event, struct ink_rpc_stream, closed);
    if (!ok || stream->call.closed != 0)
        atomic_store(&stream->call.cancelled, true);
    pthread_mutex_lock(&stream->lock);
    stream->is_closed = true;
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->lock);
}

static void watch_close(struct ink_rpc_stream *stream)
{
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    op.data.recv_close_on_server.cancelled = &stream->call.closed;
    if (!start_batch(stream->call.grpc, &op, 1, &stream->closed))
        closed(&stream->closed, false);
}

static void await_close(struct ink_rpc_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    while (!stream->is_closed)
        pthread_cond_wait(&stream->changed, &stream->lock);
    pthread_mutex_unlock(&stream->lock);
}

static void release(struct ink_rpc_stream *stream)
{
    call_release(&stream->call);
    ink_arena_release(&stream->received);
    pthread_mutex_destroy(&stream->lock);
    pthread_cond_destroy(&stream->changed);
    free(stream);
}

/* Each kind of stream has max_streams of its own: nobody can lock the service's callers out with
 * idle reflection, nor the health watchers with either. */
static unsigned *streams_of_kind(const struct served *served)
{
    return &served->server->n_streams_of[served->kind];
}

/* Joins the server's list. False when it has as many streams as it may, or stops. */
static bool enlist(struct ink_rpc_stream *stream)
{
    struct ink_rpc_server *server = stream->call.served->server;
    unsigned *count = streams_of_kind(stream->call.served);
    pthread_mutex_lock(&server->lock);
    bool room = !server->stopping && *count < server->options.max_streams;
    if (room) {
        ++*count;
        stream->next = server->streams;
        if (stream->next != NULL)
            stream->next->previous = stream;
        server->streams = stream;
        server->n_streams++;
    }
    pthread_mutex_unlock(&server->lock);
    return room;
}

static void unlist(struct ink_rpc_stream *stream)
{
    struct ink_rpc_server *server = stream->call.served->server;
    pthread_mutex_lock(&server->lock);
    --*streams_of_kind(stream->call.served);
    if (stream->previous != NULL)
        stream->previous->next = stream->next;
    else
        server->streams = stream->next;
    if (stream->next != NULL)
        stream->next->previous = stream->previous;
    pthread_mutex_unlock(&server->lock);
}

/* The last thing to do for a stream that was in the list: the shutdown waits for the count. */
static void release_counted(struct ink_rpc_stream *stream)
{
    struct ink_rpc_server *server = stream->call.served->server;
    release(stream);
    pthread_mutex_lock(&server->lock);
    server->n_streams--;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

void streams_cancel(struct ink_rpc_server *server, bool all)
{
    pthread_mutex_lock(&server->lock);
    for (struct ink_rpc_stream *s = server->streams; s != NULL; s = s->next) {
        if (s->call.served->kind == SERVED_HEALTH && !all)
            continue;
        atomic_store(&s->call.cancelled, true);
        (void)grpc_call_cancel_with_status(s->call.grpc, GRPC_STATUS_UNAVAILABLE,
                                           "the server is shutting down", NULL);
    }
    pthread_mutex_unlock(&server->lock);
}

static void *serve(void *data)
{
    struct ink_rpc_stream *stream = data;
    watch_close(stream);
    call_make_context(&stream->call, 0);
    send_status(stream, call_run(&stream->call, NULL, stream));
    await_close(stream);
    unlist(stream);
    release_counted(stream);
    return NULL;
}

/* A stream that cannot be served is answered without a thread. */
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
    status_op_release(&refusal->status);
    call_release(&refusal->call);
    free(refusal);
    server_leave(server);
}

/* Takes over the call's handle; the rest of `call` stays the caller's. */
static void refuse(struct ink_rpc_server *server, struct call *call, struct ink_status status)
{
    struct refusal *refusal = ink_calloc(1, sizeof(*refusal));
    refusal->event.done = refused;
    refusal->server = server;
    refusal->status.message = grpc_empty_slice();
    refusal->status.trailer.value = grpc_empty_slice();
    call_init(&refusal->call, NULL);
    refusal->call.grpc = call->grpc;
    call->grpc = NULL;
    grpc_op ops[3] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_RECV_CLOSE_ON_SERVER}};
    ops[1].data.recv_close_on_server.cancelled = &refusal->call.closed;
    status_op_init(&refusal->status, &ops[2], &refusal->call.arena, status);
    server_enter(server);
    if (!start_batch(refusal->call.grpc, ops, 3, &refusal->event))
        refused(&refusal->event, false);
}

static bool start_thread(struct ink_rpc_stream *stream)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int error = pthread_create(&thread, &attributes, serve, stream);
    pthread_attr_destroy(&attributes);
    return error == 0;
}

/* Why a stream did not get into the list. A client that may not watch our health is told that
 * nobody may, and then takes us for healthy: it could not call us otherwise. */
static struct ink_status why_not(const struct served *served)
{
    pthread_mutex_lock(&served->server->lock);
    bool stopping = served->server->stopping;
    pthread_mutex_unlock(&served->server->lock);
    if (stopping)
        return ink_error(INK_UNAVAILABLE, "the server is shutting down");
    if (served->kind == SERVED_HEALTH)
        return ink_error(INK_UNIMPLEMENTED, "too many watch the health of this server");
    return ink_overloaded("too many streams are open", 1000);
}

static void requested(struct event *event, bool ok)
{
    struct ink_rpc_stream *stream = INK_CONTAINER_OF(event, struct ink_rpc_stream, requested);
    struct ink_rpc_server *server = stream->call.served->server;
    if (!ok) { /* the server stops */
        release(stream);
        return;
    }
    stream_listen(stream->call.served);
    if (!enlist(stream)) {
        refuse(server, &stream->call, why_not(stream->call.served));
        release(stream);
    } else if (!start_thread(stream)) {
        unlist(stream);
        refuse(server, &stream->call,
               ink_overloaded("no thread can be started for the stream", 1000));
        release_counted(stream);
    }
}

void stream_listen(struct served *served)
{
    struct ink_rpc_stream *stream = ink_calloc(1, sizeof(*stream));
    stream->requested.done = requested;
    stream->closed.done = closed;
    ink_arena_init(&stream->received);
    pthread_mutex_init(&stream->lock, NULL);
    pthread_cond_init(&stream->changed, NULL);
    call_init(&stream->call, served);
    call_request(&stream->call, &stream->requested, served->server->events);
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
    if (ok) {
        unknown_listen(unknown->server);
        refuse(unknown->server, &unknown->call,
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
        server->events, server->events, &unknown->requested);
    if (error != GRPC_CALL_OK)
        unknown_requested(&unknown->requested, false);
}
