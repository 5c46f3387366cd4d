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
    call->latest = INK_NO_DEADLINE;
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

void call_request(struct call *call, struct event *event)
{
    struct served *served = call->served;
    struct ink_rpc_server *server = served->server;
    INK_HAND_OVER(event);
    grpc_call_error error = grpc_server_request_registered_call(
        server->grpc, served->registered, &call->grpc, &call->deadline, &call->metadata.array, NULL,
        server->events.queue, server->events.queue, event);
    if (error != GRPC_CALL_OK)
        event->done(event, false);
}

uint64_t call_connection(struct ink_rpc_server *server, struct call *call)
{
    uint64_t hash = 14695981039346656037U; /* FNV-1a */
    char *peer = grpc_call_get_peer(call->grpc);
    call->ctx.peer = ink_arena_strdup(&call->arena, peer);
    gpr_free(peer);
    flood_watch_note(server->floods, call->ctx.peer);
    for (const char *c = call->ctx.peer; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211U;
    return hash ^ hash >> 32;
}

struct ink_status call_check_metadata(const struct call *call)
{
    const size_t overhead = 32;
    size_t size = 0;
    for (size_t i = 0; i < call->metadata.array.count; i++) {
        const grpc_metadata *entry = &call->metadata.array.metadata[i];
        size += GRPC_SLICE_LENGTH(entry->key) + GRPC_SLICE_LENGTH(entry->value) + overhead;
    }
    if (size > METADATA_BYTES)
        return ink_error(INK_RESOURCE_EXHAUSTED, "the metadata is longer than 16 KiB");
    return ink_ok();
}

void call_cancel_empty(struct call *call)
{
    (void)grpc_call_cancel_with_status(call->grpc, GRPC_STATUS_INVALID_ARGUMENT,
                                       "the call ended without a message", NULL);
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

void call_make_context(struct call *call, int64_t latest)
{
    struct ink_ctx *ctx = &call->ctx;
    const char *peer = ctx->peer;
    *ctx = ink_ctx_background(&call->arena);
    ctx->peer = peer;
    ctx->method = call->served->method->full_name;
    ctx->deadline = ink_wire_deadline_back(call->deadline);
    if (latest < ctx->deadline)
        ctx->deadline = latest;
    ctx->request_id = request_id(call);
    ctx->authorization = ink_wire_metadata(&call->arena, &call->metadata.array, "authorization");
    ink_trace_continue(&ctx->trace,
                       ink_wire_metadata(&call->arena, &call->metadata.array, "traceparent"));
    ctx->cancelled = &call->cancelled;
}

struct ink_status call_pack_reply(struct call *call, const ProtobufCMessage *reply,
                                  grpc_byte_buffer **ret_packed)
{
    size_t most = LONGEST_REPLY(&call->served->server->options);
    grpc_byte_buffer *packed = ink_wire_pack(reply);
    if (grpc_byte_buffer_length(packed) > most) {
        grpc_byte_buffer_destroy(packed);
        return ink_errorf(&call->arena, INK_RESOURCE_EXHAUSTED,
                          "the reply is longer than %zu bytes: ask for less at once", most);
    }
    *ret_packed = packed;
    return ink_ok();
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
