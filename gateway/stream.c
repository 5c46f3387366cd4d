/*
 * A server-streaming method over HTTP: server-sent events, or one JSON text a line for
 * `Accept: application/x-ndjson`. A stream has a thread of its own while it lasts, so it finds out
 * soon when the client has gone.
 */
#include <string.h>

#include "gateway/exchange.h"
#include "gateway/media_type.h"
#include "lib/base/blocks.h"
#include "lib/transcode/from_json.h"
#include "lib/transcode/problem.h"
#include "lib/transcode/stream.h"
#include "lib/transcode/to_json.h"

/* A stream that has begun without a message is answered after this: a failure that comes sooner is
 * still answered with its own HTTP status. */
#define FIRST_WAIT_MS 250
/* How often the client is looked for, and how often it hears of us. */
#define WAIT_MS 500
#define HEARTBEAT (15 * INK_SECOND)
/* When to come back if there is no room for another stream. */
#define FULL_RETRY_MS 5000

struct stream {
    struct gateway_exchange *x;
    struct ink_rpc_client_stream *calls;
    bool ndjson;
    int64_t heard; /* when something was last sent */
    struct ink_buf json;
};

/* The string member `name` of a message, if it has one. */
static char **text_member(const struct ink_message *type, const char *name,
                          const ProtobufCMessage *message)
{
    const struct ink_field *field = ink_message_field(type, name, strlen(name));
    if (field == NULL || field->repeated || field->map || field->c->type != PROTOBUF_C_TYPE_STRING)
        return NULL;
    return (char **)((char *)(uintptr_t)message + field->c->offset);
}

/* A client that comes back says what it has seen: Last-Event-ID fills the request's
 * last_event_id. */
static void resume(struct gateway_exchange *x, const ProtobufCMessage *request)
{
    char **member = text_member(x->route->rpc->input, "last_event_id", request);
    const char *seen = ink_http_header(x->http, "Last-Event-ID");
    if (member != NULL && seen != NULL && (*member == NULL || **member == '\0'))
        *member = ink_arena_strdup(x->ctx.arena, seen);
}

static bool begin(struct stream *stream)
{
    stream->heard = ink_now();
    ink_http_set_lines(stream->x->http, "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n");
    return ink_http_stream_begin(stream->x->http, 200,
                                 stream->ndjson ? INK_NDJSON_CONTENT_TYPE : INK_SSE_CONTENT_TYPE);
}

static bool flush(struct stream *stream)
{
    stream->heard = ink_now();
    return ink_http_stream_flush(stream->x->http);
}

static struct ink_status send_message(struct stream *stream, struct ink_arena *arena,
                                      const ProtobufCMessage *message)
{
    struct gateway_exchange *x = stream->x;
    const struct ink_message *type = x->route->rpc->output;
    struct ink_buf *out = ink_http_body(x->http);
    ink_buf_clear(&stream->json);
    struct ink_status status =
        ink_to_json(x->edge->options.contract, arena, type, message, 0, &stream->json);
    if (!ink_is_ok(status))
        return status;
    char **id = text_member(type, "id", message);
    if (stream->ndjson)
        ink_stream_ndjson(out, stream->json.data, stream->json.len);
    else
        ink_stream_sse(out, NULL, id == NULL ? NULL : *id, stream->json.data, stream->json.len);
    return flush(stream) ? ink_ok() : ink_error(INK_CANCELLED, "the client has gone");
}

/* OK as long as the client still may, and we are not stopping. */
static struct ink_status check_time(const struct stream *stream)
{
    struct gateway_exchange *x = stream->x;
    if (ink_http_server_draining(ink_http_request_server(x->http)))
        return ink_error(INK_UNAVAILABLE, "the gateway is stopping");
    return ink_auth_still_good(&x->ctx.caller);
}

/* The same, and there is somebody to wait for. */
static struct ink_status check_client(const struct stream *stream)
{
    if (ink_http_client_gone(stream->x->http))
        return ink_error(INK_CANCELLED, "the client has gone");
    return check_time(stream);
}

/* Nothing came for a while. */
static struct ink_status wait_on(struct stream *stream)
{
    struct ink_status status = check_client(stream);
    if (!ink_is_ok(status) || stream->ndjson || ink_now() - stream->heard < HEARTBEAT)
        return status;
    ink_stream_sse_comment(ink_http_body(stream->x->http), "");
    return flush(stream) ? ink_ok() : ink_error(INK_CANCELLED, "the client has gone");
}

static bool is_nothing_yet(struct ink_status status)
{
    return status.code == INK_DEADLINE_EXCEEDED && status.reason != NULL &&
           strcmp(status.reason, "NO_MESSAGE_YET") == 0;
}

static struct ink_status pass(struct stream *stream, struct ink_arena *arena,
                              const ProtobufCMessage *message)
{
    struct ink_status status = check_time(stream);
    return ink_is_ok(status) ? send_message(stream, arena, message) : status;
}

/* Passes messages on until the stream ends; how it did. */
static struct ink_status pass_on(struct stream *stream)
{
    struct ink_status status = ink_ok();
    while (ink_is_ok(status)) {
        struct ink_arena arena;
        ProtobufCMessage *message = NULL;
        ink_arena_init(&arena);
        status = ink_rpc_client_stream_recv(stream->calls, WAIT_MS, &arena, &message);
        bool ended = ink_is_ok(status) && message == NULL;
        if (is_nothing_yet(status))
            status = wait_on(stream);
        else if (ink_is_ok(status) && !ended)
            status = pass(stream, &arena, message);
        else
            status = ink_status_copy(stream->x->ctx.arena, status);
        ink_arena_release(&arena);
        if (ended)
            break;
    }
    return status;
}

/* A stream that has begun cannot change its status any more: the problem is its last message. */
static void end(struct stream *stream, struct ink_status status)
{
    struct gateway_exchange *x = stream->x;
    struct ink_buf *out = ink_http_body(x->http);
    x->status = status;
    if (status.code == INK_CANCELLED)
        return;
    if (!ink_is_ok(status)) {
        ink_buf_clear(&stream->json);
        (void)gateway_write_problem(x, status, &stream->json);
        if (stream->ndjson)
            ink_buf_printf(out, "{\"error\":%s}\n", stream->json.data);
        else
            ink_stream_sse(out, "error", NULL, stream->json.data, stream->json.len);
    }
    (void)ink_http_stream_end(x->http);
}

/* Waits until the stream has begun, with or without (NULL) a message, or has ended: as long as a
 * call without a stream may take. */
static struct ink_status await_begin(struct stream *stream, int64_t deadline,
                                     ProtobufCMessage **ret_message, bool *ret_ended)
{
    struct gateway_exchange *x = stream->x;
    ProtobufCMessage *message = NULL;
    struct ink_status status;
    for (;;) {
        status = ink_rpc_client_stream_recv(stream->calls, FIRST_WAIT_MS, x->ctx.arena, &message);
        bool nothing = is_nothing_yet(status);
        *ret_ended = ink_is_ok(status) && message == NULL;
        if (!nothing || ink_rpc_client_stream_begun(stream->calls)) {
            *ret_message = message;
            return nothing ? ink_ok() : status;
        }
        status = check_client(stream);
        if (ink_is_ok(status) && ink_now() >= deadline)
            status = ink_error(INK_DEADLINE_EXCEEDED, "the stream did not begin in time");
        if (!ink_is_ok(status))
            return status;
    }
}

static void run(struct stream *stream, int64_t deadline)
{
    struct gateway_exchange *x = stream->x;
    ProtobufCMessage *message = NULL;
    bool ended = false;
    struct ink_status status = await_begin(stream, deadline, &message, &ended);
    if (!ink_is_ok(status)) {
        gateway_answer_status(x, status);
        return;
    }
    if (!begin(stream))
        return;
    status = message == NULL ? ink_ok() : send_message(stream, x->ctx.arena, message);
    if (ink_is_ok(status) && !ended)
        status = pass_on(stream);
    end(stream, status);
}

static bool take_slot(struct gateway_slots *slots)
{
    if (atomic_fetch_add(&slots->taken, 1) < slots->most)
        return true;
    atomic_fetch_sub(&slots->taken, 1);
    return false;
}

static void serve(struct gateway_exchange *x, const ProtobufCMessage *request)
{
    struct stream stream = {
        .x = x,
        .ndjson = gateway_accepts(ink_http_header(x->http, "Accept"), INK_NDJSON_CONTENT_TYPE),
    };
    int64_t deadline = x->ctx.deadline;
    resume(x, request);
    x->ctx.deadline = INK_NO_DEADLINE;
    struct ink_status status =
        ink_rpc_client_stream_open(x->made->client, &x->ctx, x->route->rpc, request, &stream.calls);
    if (!ink_is_ok(status)) {
        gateway_answer_status(x, status);
        return;
    }
    run(&stream, deadline);
    ink_rpc_client_stream_free(stream.calls);
    ink_buf_release(&stream.json);
}

void gateway_stream(struct gateway_exchange *x, const ProtobufCMessage *request)
{
    struct gateway_slots *slots = x->edge->slots;
    if (!take_slot(slots)) {
        struct ink_status status =
            ink_overloaded("as many streams are open as may be at once", FULL_RETRY_MS);
        status.cause = "HTTP_STREAMS_PERCENT of HTTP_THREADS";
        gateway_answer_status(x, status);
        return;
    }
    ink_blocks();
    serve(x, request);
    atomic_fetch_sub(&slots->taken, 1);
}
