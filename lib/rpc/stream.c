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
    struct event requested, arrived, closed;
    struct call call;
    _Atomic int64_t until; /* when it is cancelled, unless it gets on */
    bool started;          /* initial metadata is sent */
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

/* The same for what the client has to take: not all of a stream's time, but as much as a call has.
 */
static bool hand_over(struct ink_rpc_stream *stream, const grpc_op *ops, size_t count)
{
    int64_t latest = stream->call.latest;
    int64_t until =
        ink_now() + stream->call.served->server->options.max_deadline_ms * INK_MILLISECOND;
    atomic_store(&stream->until, until < latest ? until : latest);
    bool ok = perform(stream, ops, count);
    atomic_store(&stream->until, latest);
    return ok;
}

static struct ink_status gone(const struct ink_rpc_stream *stream)
{
    struct ink_status status = ink_ctx_check(&stream->call.ctx);
    return ink_is_ok(status) ? ink_error(INK_CANCELLED, "the client has gone") : status;
}

struct ink_status ink_rpc_stream_begin(struct ink_rpc_stream *stream)
{
    grpc_op op = {.op = GRPC_OP_SEND_INITIAL_METADATA};
    bool ok = stream->started || hand_over(stream, &op, 1);
    stream->started = true;
    return ok ? ink_ok() : gone(stream);
}

struct ink_status ink_rpc_stream_send(struct ink_rpc_stream *stream,
                                      const ProtobufCMessage *message)
{
    grpc_byte_buffer *buffer;
    struct ink_status status = call_pack_reply(&stream->call, message, &buffer);
    if (!ink_is_ok(status))
        return status;
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_MESSAGE}, {.op = GRPC_OP_SEND_INITIAL_METADATA}};
    ops[0].data.send_message.send_message = buffer;
    bool ok = hand_over(stream, ops, stream->started ? 1 : 2);
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
    flood_watch_note(stream->call.served->server->floods, stream->call.ctx.peer);
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
    (void)hand_over(stream, ops, stream->started ? 1 : 2);
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

void streams_sweep(struct ink_rpc_server *server, int64_t now)
{
    pthread_mutex_lock(&server->lock);
    for (struct ink_rpc_stream *s = server->streams; s != NULL; s = s->next)
        if (atomic_load(&s->until) <= now)
            (void)grpc_call_cancel_with_status(s->call.grpc, GRPC_STATUS_DEADLINE_EXCEEDED,
                                               "the stream did not get on in time", NULL);
    pthread_mutex_unlock(&server->lock);
}

static void *serve(void *data)
{
    struct ink_rpc_stream *stream = data;
    watch_close(stream);
    call_make_context(&stream->call, stream->call.latest);
    send_status(stream, call_run(&stream->call, NULL, stream));
    await_close(stream);
    unlist(stream);
    release_counted(stream);
    return NULL;
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

static void serve_in_thread(struct ink_rpc_stream *stream)
{
    if (start_thread(stream))
        return;
    unlist(stream);
    if (server_enter(stream->call.served->server))
        server_refuse(stream->call.served->server, &stream->call,
                      ink_overloaded("no thread can be started for the stream", 1000));
    release_counted(stream);
}

/* The one request of a stream of replies is there. */
static void arrived(struct event *event, bool ok)
{
    struct ink_rpc_stream *stream = INK_CONTAINER_OF(event, struct ink_rpc_stream, arrived);
    flood_watch_note(stream->call.served->server->floods, stream->call.ctx.peer);
    if (ok && stream->call.payload != NULL) {
        atomic_store(&stream->until, stream->call.latest);
        serve_in_thread(stream);
        return;
    }
    flood_watch_note_reset(stream->call.served->server->floods, stream->call.ctx.peer);
    unlist(stream);
    call_cancel_empty(&stream->call);
    release_counted(stream);
}

static void read_request(struct ink_rpc_stream *stream)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &stream->call.payload;
    if (!start_batch(stream->call.grpc, &op, 1, &stream->arrived))
        arrived(&stream->arrived, false);
}

static void requested(struct event *event, bool ok)
{
    struct ink_rpc_stream *stream = INK_CONTAINER_OF(event, struct ink_rpc_stream, requested);
    struct served *served = stream->call.served;
    if (!ok || !server_enter(served->server)) { /* the server stops */
        release(stream);
        return;
    }
    stream_listen(served);
    /* What a client sends for ever is no stream of news. */
    int64_t now = ink_now();
    if (served->method->client_streaming)
        stream->call.latest = now + served->server->options.max_deadline_ms * INK_MILLISECOND;
    else
        atomic_store(&stream->until, now + ARRIVAL_TIME);
    (void)call_connection(served->server, &stream->call);
    struct ink_status status = call_check_metadata(&stream->call);
    if (ink_is_ok(status) && !enlist(stream))
        status = why_not(served);
    if (!ink_is_ok(status)) {
        server_refuse(served->server, &stream->call, status);
        release(stream);
        return;
    }
    if (served->method->client_streaming) {
        atomic_store(&stream->until, stream->call.latest);
        serve_in_thread(stream);
    } else {
        read_request(stream);
    }
    server_leave(served->server); /* it is in the list */
}

void stream_listen(struct served *served)
{
    struct ink_rpc_stream *stream = ink_calloc(1, sizeof(*stream));
    stream->requested.done = requested;
    stream->arrived.done = arrived;
    stream->closed.done = closed;
    atomic_init(&stream->until, INK_NO_DEADLINE);
    ink_arena_init(&stream->received);
    pthread_mutex_init(&stream->lock, NULL);
    pthread_cond_init(&stream->changed, NULL);
    call_init(&stream->call, served);
    call_request(&stream->call, &stream->requested);
}
