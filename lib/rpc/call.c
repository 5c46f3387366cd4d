/* What unary calls and streams share: arrival, context, interceptors, status. */
#include <grpc/support/alloc.h>
#include <string.h>

#include "lib/base/uuid.h"
#include "lib/rpc/server_internal.h"

#define LONGEST_REQUEST_ID 128

void call_init(struct call *call, struct served *served)
{
    memset(call, 0, sizeof(*call));
    call->served = served;
    ink_arena_init(&call->arena);
    call->metadata.arena = &call->arena;
    grpc_metadata_array_init(&call->metadata.array);
    atomic_init(&call->cancelled, false);
}

void call_release(struct call *call)
{
    if (call->payload != NULL)
        grpc_byte_buffer_destroy(call->payload);
    if (call->grpc != NULL)
        grpc_call_unref(call->grpc);
    grpc_metadata_array_destroy(&call->metadata.array);
    ink_arena_release(&call->arena);
}

void call_request(struct call *call, struct event *event, grpc_completion_queue *queue)
{
    struct served *served = call->served;
    bool with_payload = !served->method->client_streaming;
    INK_HAND_OVER(event);
    grpc_call_error error = grpc_server_request_registered_call(
        served->server->grpc, served->registered, &call->grpc, &call->deadline,
        &call->metadata.array, with_payload ? &call->payload : NULL, queue, queue, event);
    if (error != GRPC_CALL_OK)
        event->done(event, false);
}

static const char *request_id(struct call *call)
{
    const char *id = ink_wire_metadata(&call->arena, &call->metadata.array, "x-request-id");
    if (id != NULL && id[0] != '\0' && strlen(id) <= LONGEST_REQUEST_ID)
        return id;
    char *fresh = ink_arena_alloc(&call->arena, INK_UUID_SIZE);
    ink_uuid_v7(fresh);
    return fresh;
}

void call_make_context(struct call *call, int64_t longest_ms)
{
    struct ink_ctx *ctx = &call->ctx;
    *ctx = ink_ctx_background(&call->arena);
    ctx->deadline = ink_wire_deadline_back(call->deadline);
    if (longest_ms != 0) {
        int64_t latest = ink_now() + longest_ms * INK_MILLISECOND;
        ctx->deadline = ctx->deadline < latest ? ctx->deadline : latest;
    }
    ctx->request_id = request_id(call);
    ctx->authorization = ink_wire_metadata(&call->arena, &call->metadata.array, "authorization");
    ink_trace_continue(&ctx->trace,
                       ink_wire_metadata(&call->arena, &call->metadata.array, "traceparent"));
    ctx->cancelled = &call->cancelled;
    char *peer = grpc_call_get_peer(call->grpc);
    ctx->peer = ink_arena_strdup(&call->arena, peer);
    gpr_free(peer);
}

const char *ink_rpc_metadata(const struct ink_rpc_call *call, const char *key)
{
    return ink_wire_metadata(call->metadata->arena, &call->metadata->array, key);
}

struct ink_rpc_next {
    struct call *call;
    ProtobufCMessage *reply;
    struct ink_rpc_stream *stream;
    struct ink_status arrived; /* why the request could not be read, instead of the handler */
    unsigned index;            /* of the interceptor to run next */
};

struct ink_status ink_rpc_proceed(struct ink_rpc_next *next, struct ink_rpc_call *call)
{
    struct served *served = next->call->served;
    struct ink_rpc_server *server = served->server;
    if (!served->built_in && next->index < server->n_interceptors) {
        struct interceptor *interceptor = &server->interceptors[next->index++];
        return interceptor->run(interceptor->self, call, next);
    }
    struct ink_status status = ink_ctx_check(call->ctx);
    if (!ink_is_ok(status))
        return status;
    if (!ink_is_ok(next->arrived))
        return next->arrived;
    if (next->stream != NULL)
        return served->stream(served->self, call->ctx, call->request, next->stream);
    return served->unary(served->self, call->ctx, call->request, next->reply);
}

struct ink_status call_run(struct call *call, ProtobufCMessage *reply,
                           struct ink_rpc_stream *stream)
{
    struct ink_rpc_next next = {.call = call, .reply = reply, .stream = stream};
    const struct served *served = call->served;
    ProtobufCMessage *request = NULL;
    if (!served->method->client_streaming)
        next.arrived = ink_wire_unpack(&call->arena, served->input, call->payload,
                                       served->server->options.max_message_bytes, &request);
    struct ink_rpc_call view = {
        .method = call->served->method,
        .ctx = &call->ctx,
        .request = request,
        .metadata = &call->metadata,
    };
    return ink_rpc_proceed(&next, &view);
}

void status_op_init(struct status_op *status_op, grpc_op *op, struct ink_arena *arena,
                    struct ink_status status)
{
    memset(op, 0, sizeof(*op));
    op->op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    op->data.send_status_from_server.status = (grpc_status_code)status.code;
    if (ink_is_ok(status)) {
        status_op->message = grpc_empty_slice();
        return;
    }
    if (status.message == NULL)
        status.message = ink_code_name(status.code);
    status_op->message = grpc_slice_from_copied_string(status.message);
    op->data.send_status_from_server.status_details = &status_op->message;
    uint8_t *details;
    size_t size;
    ink_wire_pack_details(arena, status, &details, &size);
    if (size == 0)
        return;
    status_op->trailer = (grpc_metadata){
        .key = grpc_slice_from_static_string("grpc-status-details-bin"),
        .value = grpc_slice_from_copied_buffer((const char *)details, size),
    };
    op->data.send_status_from_server.trailing_metadata = &status_op->trailer;
    op->data.send_status_from_server.trailing_metadata_count = 1;
}

void status_op_release(struct status_op *status_op)
{
    grpc_slice_unref(status_op->message);
    grpc_slice_unref(status_op->trailer.value);
}
