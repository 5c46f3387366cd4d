/* Server streams, seen from the client: each has a queue of its own, plucked by its reader. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/rpc/client_internal.h"

struct ink_rpc_client_stream {
    const struct ink_method *method;
    size_t most; /* bytes of a message */
    grpc_completion_queue *queue;
    struct link *link;
    grpc_call *call;
    grpc_metadata_array initial;
    struct ending ending;
    grpc_byte_buffer *received;
    bool begun;     /* the initial metadata has arrived, or nothing will */
    bool receiving; /* a RECV_MESSAGE is under way */
    bool ended;     /* the status has arrived */
    /* Tags; only their addresses count. */
    char send_tag, initial_tag, recv_tag, status_tag;
};

static gpr_timespec for_ever(void)
{
    return gpr_inf_future(GPR_CLOCK_MONOTONIC);
}

static void await_status(struct ink_rpc_client_stream *stream)
{
    if (!stream->ended)
        grpc_completion_queue_pluck(stream->queue, &stream->status_tag, for_ever(), NULL);
    stream->ended = true;
}

/* Sends the request and half-closes; the reply comes message by message. */
static bool start(struct ink_rpc_client_stream *stream, const struct ink_ctx *ctx,
                  grpc_byte_buffer *request)
{
    struct outgoing outgoing;
    outgoing_init(&outgoing, ctx);
    grpc_op status_op = ending_op(&stream->ending);
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
    };
    grpc_op initial_op = {.op = GRPC_OP_RECV_INITIAL_METADATA};
    ops[0].data.send_initial_metadata.count = outgoing.count;
    ops[0].data.send_initial_metadata.metadata = outgoing.metadata;
    ops[1].data.send_message.send_message = request;
    initial_op.data.recv_initial_metadata.recv_initial_metadata = &stream->initial;
    bool ok = grpc_call_start_batch(stream->call, &status_op, 1, &stream->status_tag, NULL) ==
              GRPC_CALL_OK;
    if (!ok)
        stream->ended = true;
    if (ok && grpc_call_start_batch(stream->call, ops, INK_COUNT(ops), &stream->send_tag, NULL) ==
                  GRPC_CALL_OK)
        grpc_completion_queue_pluck(stream->queue, &stream->send_tag, for_ever(), NULL);
    else
        ok = false;
    ok = ok && grpc_call_start_batch(stream->call, &initial_op, 1, &stream->initial_tag, NULL) ==
                   GRPC_CALL_OK;
    stream->begun = !ok;
    outgoing_release(&outgoing);
    return ok;
}

struct ink_status ink_rpc_client_stream_open(struct ink_rpc_client *client,
                                             const struct ink_ctx *ctx,
                                             const struct ink_method *method,
                                             const ProtobufCMessage *request,
                                             struct ink_rpc_client_stream **ret_stream)
{
    struct ink_status status = ink_ctx_check(ctx);
    if (!ink_is_ok(status))
        return status;
    if (!client_breaker_is_closed(&client->breaker))
        return client_breaker_refusal(&client->breaker);
    struct ink_rpc_client_stream *stream = ink_calloc(1, sizeof(*stream));
    stream->method = method;
    stream->most = client->options.max_message_bytes;
    stream->queue = grpc_completion_queue_create_for_pluck(NULL);
    grpc_metadata_array_init(&stream->initial);
    ending_init(&stream->ending);
    stream->link = link_take(client);
    stream->call = link_call(stream->link, method, stream->queue, ctx->deadline);
    grpc_byte_buffer *packed = ink_wire_pack(request);
    bool started = start(stream, ctx, packed);
    grpc_byte_buffer_destroy(packed);
    if (!started) {
        ink_rpc_client_stream_free(stream);
        return ink_error(INK_INTERNAL, "the call could not be made");
    }
    *ret_stream = stream;
    return ink_ok();
}

static struct ink_status end_of(struct ink_rpc_client_stream *stream, struct ink_arena *arena,
                                ProtobufCMessage **ret_message)
{
    await_status(stream);
    struct ink_status status = ending_status(&stream->ending, arena);
    if (ink_is_ok(status))
        *ret_message = NULL;
    return status;
}

bool ink_rpc_client_stream_begun(const struct ink_rpc_client_stream *stream)
{
    return stream->begun;
}

/* False when it has not begun by then. */
static bool await_begin(struct ink_rpc_client_stream *stream, gpr_timespec until)
{
    if (!stream->begun)
        stream->begun =
            grpc_completion_queue_pluck(stream->queue, &stream->initial_tag, until, NULL).type !=
            GRPC_QUEUE_TIMEOUT;
    return stream->begun;
}

static struct ink_status no_message_yet(void)
{
    struct ink_status status = ink_error(INK_DEADLINE_EXCEEDED, "no message came in time");
    status.reason = "NO_MESSAGE_YET";
    return status;
}

struct ink_status ink_rpc_client_stream_recv(struct ink_rpc_client_stream *stream,
                                             int64_t timeout_ms, struct ink_arena *arena,
                                             ProtobufCMessage **ret_message)
{
    gpr_timespec until = ink_wire_deadline(ink_now() + timeout_ms * INK_MILLISECOND);
    if (stream->ended)
        return end_of(stream, arena, ret_message);
    if (!await_begin(stream, until))
        return no_message_yet();
    if (!stream->receiving) {
        grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
        op.data.recv_message.recv_message = &stream->received;
        if (grpc_call_start_batch(stream->call, &op, 1, &stream->recv_tag, NULL) != GRPC_CALL_OK)
            return ink_error(INK_INTERNAL, "the stream cannot be read");
        stream->receiving = true;
    }
    if (grpc_completion_queue_pluck(stream->queue, &stream->recv_tag, until, NULL).type ==
        GRPC_QUEUE_TIMEOUT)
        return no_message_yet();
    stream->receiving = false;
    if (stream->received == NULL)
        return end_of(stream, arena, ret_message);
    struct ink_status status =
        ink_wire_unpack(arena, stream->method->output, stream->received, stream->most, ret_message);
    grpc_byte_buffer_destroy(stream->received);
    stream->received = NULL;
    return status;
}

void ink_rpc_client_stream_free(struct ink_rpc_client_stream *stream)
{
    if (stream == NULL)
        return;
    if (!stream->ended)
        grpc_call_cancel(stream->call, NULL);
    (void)await_begin(stream, for_ever());
    if (stream->receiving)
        grpc_completion_queue_pluck(stream->queue, &stream->recv_tag, for_ever(), NULL);
    await_status(stream);
    if (stream->received != NULL)
        grpc_byte_buffer_destroy(stream->received);
    grpc_call_unref(stream->call);
    link_drop(stream->link);
    grpc_completion_queue_shutdown(stream->queue);
    while (grpc_completion_queue_pluck(stream->queue, NULL, for_ever(), NULL).type !=
           GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_completion_queue_destroy(stream->queue);
    grpc_metadata_array_destroy(&stream->initial);
    ending_release(&stream->ending);
    free(stream);
}
