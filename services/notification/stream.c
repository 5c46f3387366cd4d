/*
 * StreamNotifications: what PostgreSQL has behind the last row that was sent, again and again. What
 * is heard in between only says when to look.
 */
#include "lib/log/log.h"
#include "services/notification/internal.h"

#define ROWS_AT_ONCE 100
#define LOOK_TIMEOUT (5 * INK_SECOND)
/* How soon a stream notices that its client has gone or that the server stops. */
#define TICK_MS 250

struct stream {
    struct notification_service *service;
    struct ink_ctx *ctx;
    struct ink_rpc_stream *rpc;
    struct notification_watch watch;
    int64_t sent; /* the seq of the last row that was sent */
};

/* A context for one look: a stream has no deadline, and its arena would grow for ever. */
static struct ink_ctx look_ctx(const struct stream *stream, struct ink_arena *arena)
{
    struct ink_ctx ctx = *stream->ctx;
    ctx.arena = arena;
    ctx.deadline = ink_now() + LOOK_TIMEOUT;
    return ctx;
}

static struct ink_status find_position(struct stream *stream, const char *last_event_id)
{
    struct ink_ctx ctx = look_ctx(stream, stream->ctx->arena);
    return notification_store_position(stream->service->parts.db, &ctx, stream->ctx->caller.id,
                                       last_event_id[0] != '\0' ? last_event_id : NULL,
                                       &stream->sent);
}

static struct ink_status send_row(struct stream *stream, struct ink_ctx *ctx,
                                  const struct notification_row *row)
{
    Inkmesh__Notification__V1__Notification message = INKMESH__NOTIFICATION__V1__NOTIFICATION__INIT;
    notification_show(ctx, row, &message);
    struct ink_status status = ink_rpc_stream_send(stream->rpc, &message.base);
    if (ink_is_ok(status))
        stream->sent = row->seq;
    return status;
}

/* The database may be away for a while without ending the stream. */
static bool is_passing(struct ink_status status)
{
    return status.code == INK_UNAVAILABLE || status.code == INK_RESOURCE_EXHAUSTED ||
           status.code == INK_DEADLINE_EXCEEDED || status.code == INK_ABORTED;
}

/* Sends up to ROWS_AT_ONCE rows; *ret_count is how many. */
static struct ink_status send_some(struct stream *stream, size_t *ret_count)
{
    struct ink_arena arena;
    struct notification_row *rows = NULL;
    size_t count = 0;
    ink_arena_init(&arena);
    struct ink_ctx ctx = look_ctx(stream, &arena);
    struct ink_status status =
        notification_store_after(stream->service->parts.db, &ctx, stream->ctx->caller.id,
                                 stream->sent, ROWS_AT_ONCE, &rows, &count);
    if (!ink_is_ok(status) && is_passing(status)) {
        ink_log(INK_LOG_DEBUG, stream->ctx, "a stream cannot look", INK_LOG_STATUS(status));
        status = ink_ok();
        count = 0;
    }
    for (size_t i = 0; ink_is_ok(status) && i < count; i++)
        status = send_row(stream, &ctx, &rows[i]);
    status = ink_status_copy(stream->ctx->arena, status);
    ink_arena_release(&arena);
    if (ink_is_ok(status))
        *ret_count = count;
    return status;
}

static struct ink_status send_all(struct stream *stream)
{
    size_t count = ROWS_AT_ONCE;
    struct ink_status status = ink_ok();
    while (ink_is_ok(status) && count == ROWS_AT_ONCE)
        status = send_some(stream, &count);
    return status;
}

/* Until there is news, or it is time to look without; not OK when the stream is to end. */
static struct ink_status rest(struct stream *stream)
{
    int64_t end = ink_now() + stream->service->parts.poll_ms * INK_MILLISECOND;
    bool woken = false;
    while (!woken && ink_now() < end) {
        struct ink_status status = ink_ctx_check(stream->ctx);
        if (!ink_is_ok(status))
            return status;
        if (ink_rpc_stream_draining(stream->rpc)) {
            status = ink_error(INK_UNAVAILABLE, "the service is stopping");
            status.retry_after_ms = 1000;
            return status;
        }
        woken = notification_hub_wait(stream->service->hub, &stream->watch,
                                      ink_deadline_left_ms(end, TICK_MS));
    }
    return ink_ok();
}

struct ink_status
notification_stream(struct notification_service *service, struct ink_ctx *ctx,
                    const Inkmesh__Notification__V1__StreamNotificationsRequest *request,
                    struct ink_rpc_stream *rpc)
{
    struct stream stream = {.service = service, .ctx = ctx, .rpc = rpc};
    /* First: news that come while the position is looked up are not missed. */
    struct ink_status status = notification_hub_join(service->hub, &stream.watch, ctx->caller.id);
    if (!ink_is_ok(status))
        return status;
    status = find_position(&stream, request->last_event_id);
    if (ink_is_ok(status)) /* whatever comes after the client knows of it is behind the position */
        status = ink_rpc_stream_begin(rpc);
    while (ink_is_ok(status)) {
        status = send_all(&stream);
        if (ink_is_ok(status))
            status = rest(&stream);
    }
    notification_hub_leave(service->hub, &stream.watch);
    return status;
}
