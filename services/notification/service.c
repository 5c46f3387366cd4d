#include "services/notification/service.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/uuid.h"
#include "lib/log/log.h"
#include "services/notification/internal.h"

/* The Redis channel of news: ids of users who have something new, one behind the other. */
#define CHANNEL "notifications:new"
#define ID_SIZE (INK_UUID_SIZE - 1)
#define NEWS_AT_ONCE 100

static void heard(void *self, const char *text, size_t size)
{
    struct notification_service *service = self;
    char user_id[INK_UUID_SIZE] = "";
    for (; size >= ID_SIZE; text += ID_SIZE, size -= ID_SIZE) {
        memcpy(user_id, text, ID_SIZE);
        notification_hub_wake(service->hub, user_id);
    }
}

static void missed(void *self)
{
    struct notification_service *service = self;
    notification_hub_wake(service->hub, NULL);
}

struct ink_status notification_service_new(struct ink_arena *arena,
                                           const struct notification_service_parts *parts,
                                           struct notification_service **ret_service)
{
    struct notification_service *service = ink_calloc(1, sizeof(*service));
    service->parts = *parts;
    ink_seal_init(&service->page_tokens, parts->secret, "inkmesh notification page tokens");
    service->hub = notification_hub_new((size_t)parts->streams, (size_t)parts->user_streams);
    struct ink_pubsub_settings news = {.url = parts->redis_url,
                                       .channel = CHANNEL,
                                       .heard = heard,
                                       .missed = missed,
                                       .self = service};
    struct ink_status status = ink_pubsub_new(arena, &news, &service->news);
    if (ink_is_ok(status))
        *ret_service = service;
    else
        notification_service_free(service);
    return status;
}

void notification_service_free(struct notification_service *service)
{
    if (service == NULL)
        return;
    ink_pubsub_free(service->news);
    notification_hub_free(service->hub);
    ink_seal_release(&service->page_tokens);
    free(service);
}

void notification_show(struct ink_ctx *ctx, const struct notification_row *row,
                       Inkmesh__Notification__V1__Notification *reply)
{
    Google__Protobuf__Timestamp *created_at = ink_arena_alloc(ctx->arena, sizeof(*created_at));
    google__protobuf__timestamp__init(created_at);
    created_at->seconds = row->created_at / 1000000;
    created_at->nanos = (int32_t)(row->created_at % 1000000 * 1000);
    reply->id = (char *)row->id;
    reply->user_id = (char *)row->user_id;
    reply->message = (char *)row->message;
    reply->type = (char *)row->type;
    reply->read = row->read;
    reply->created_at = created_at;
}

char *notification_cache_key(const struct ink_ctx *ctx, const char *user_id)
{
    return ink_arena_printf(ctx->arena, "notifications:user:%s", user_id);
}

/* Before the commit, so that a process that dies right after it leaves no old list in Redis: what
 * has the version of before is refused from now on. Should the transaction fail, Redis merely has
 * nothing for a while. And after the commit, for a Redis that has forgotten meanwhile. */
void notification_service_stale(struct notification_service *service, const struct ink_ctx *ctx,
                                const struct notification_changes *changes)
{
    struct ink_cache_mark *marks = ink_arena_calloc(ctx->arena, changes->count, sizeof(*marks));
    for (size_t i = 0; i < changes->count; i++)
        marks[i] = (struct ink_cache_mark){notification_cache_key(ctx, changes->list[i].user_id),
                                           changes->list[i].version};
    ink_cache_invalidate_all(service->parts.cache, ctx, marks, changes->count);
}

void notification_service_doubt(struct notification_service *service, const struct ink_ctx *ctx,
                                const struct notification_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        ink_cache_doubt(service->parts.cache, ctx,
                        notification_cache_key(ctx, changes->list[i].user_id));
}

struct ink_status notification_service_add(struct notification_service *service,
                                           struct ink_db_tx *tx, const struct ink_ctx *ctx,
                                           struct notification_row *rows, size_t count,
                                           struct notification_changes *ret_changes)
{
    struct notification_changes changes;
    struct ink_status status = notification_store_add(
        tx, ctx, rows, count, service->parts.hold_emails, &changes.list, &changes.count);
    if (!ink_is_ok(status))
        return status;
    notification_service_stale(service, ctx, &changes);
    *ret_changes = changes;
    return ink_ok();
}

/* A commit that ended without a result may have happened, or may still. */
static struct ink_status commit(struct notification_service *service, struct ink_ctx *ctx,
                                struct ink_db_tx **tx, const struct notification_changes *changes)
{
    struct ink_status status = ink_db_commit(tx);
    if (ink_is_ok(status))
        notification_service_stale(service, ctx, changes);
    else if (!status.undone)
        notification_service_doubt(service, ctx, changes);
    return status;
}

/* All at once, but a run of one user's only once. */
static void publish(struct notification_service *service, const struct notification_row *rows,
                    size_t count)
{
    char ids[NEWS_AT_ONCE * ID_SIZE];
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(rows[i].user_id, rows[i - 1].user_id) == 0)
            continue;
        notification_hub_wake(service->hub, rows[i].user_id);
        if (size == sizeof(ids)) {
            ink_pubsub_publish(service->news, ids, size);
            size = 0;
        }
        memcpy(ids + size, rows[i].user_id, ID_SIZE);
        size += ID_SIZE;
    }
    ink_pubsub_publish(service->news, ids, size);
}

void notification_service_tell(struct notification_service *service,
                               const struct notification_row *rows, size_t count)
{
    bool mail = false;
    for (size_t i = 0; i < count; i++)
        mail = mail || strcmp(rows[i].type, "email") == 0;
    if (count > 0)
        publish(service, rows, count);
    if (mail && service->wake_mail != NULL)
        service->wake_mail(service->mail);
}

void notification_service_on_email(struct notification_service *service, void (*wake)(void *self),
                                   void *self)
{
    service->wake_mail = wake;
    service->mail = self;
}

/* For whom: users for themselves, a service for anyone. `ret_user_id` is in lower case. */
static struct ink_status
find_recipient(struct ink_ctx *ctx,
               const Inkmesh__Notification__V1__CreateNotificationRequest *request,
               char ret_user_id[INK_UUID_SIZE])
{
    bool given = request->user_id[0] != '\0', is_user = ctx->caller.kind == INK_CALLER_USER;
    if (!given && !is_user)
        return ink_invalid_field(ctx->arena, "user_id", "must be given by a service");
    if (!ink_uuid_normalize(given ? request->user_id : ctx->caller.id, ret_user_id))
        return ink_invalid_field(ctx->arena, "user_id", "must be a UUID");
    if (!is_user || strcmp(ret_user_id, ctx->caller.id) == 0)
        return ink_ok();
    struct ink_status status =
        ink_error(INK_PERMISSION_DENIED, "notifications can be made for oneself only");
    status.reason = "NOT_YOURS";
    return status;
}

static struct ink_status
create_notification(void *self, struct ink_ctx *ctx,
                    const Inkmesh__Notification__V1__CreateNotificationRequest *request,
                    Inkmesh__Notification__V1__Notification *reply)
{
    struct notification_service *service = self;
    char *user_id = ink_arena_alloc(ctx->arena, INK_UUID_SIZE); /* for the reply, too */
    struct notification_row row = {
        .user_id = user_id, .message = request->message, .type = request->type};
    struct ink_status status = find_recipient(ctx, request, user_id);
    if (!ink_is_ok(status))
        return status;
    INK_DB_TX struct ink_db_tx *tx = NULL;
    struct notification_changes changes;
    status = ink_db_begin(service->parts.db, ctx, &tx);
    if (ink_is_ok(status))
        status = notification_service_add(service, tx, ctx, &row, 1, &changes);
    if (ink_is_ok(status))
        status = commit(service, ctx, &tx, &changes);
    if (!ink_is_ok(status))
        return status;
    notification_service_tell(service, &row, 1);
    notification_show(ctx, &row, reply);
    return ink_ok();
}
INK_RPC_UNARY(create_notification, Inkmesh__Notification__V1__CreateNotificationRequest,
              Inkmesh__Notification__V1__Notification)

static struct ink_status
list_notifications(void *self, struct ink_ctx *ctx,
                   const Inkmesh__Notification__V1__ListNotificationsRequest *request,
                   Inkmesh__Notification__V1__ListNotificationsResponse *reply)
{
    return notification_list(self, ctx, request, reply);
}
INK_RPC_UNARY(list_notifications, Inkmesh__Notification__V1__ListNotificationsRequest,
              Inkmesh__Notification__V1__ListNotificationsResponse)

/* One of the caller's, or with `id` NULL all. */
static struct ink_status mark(struct notification_service *service, struct ink_ctx *ctx,
                              const char *id)
{
    INK_DB_TX struct ink_db_tx *tx = NULL;
    int64_t version;
    struct ink_status status = ink_db_begin(service->parts.db, ctx, &tx);
    if (ink_is_ok(status))
        status = notification_store_mark(tx, ctx, ctx->caller.id, id, &version);
    if (!ink_is_ok(status) || version == 0)
        return status;
    struct notification_change change = {ctx->caller.id, version};
    struct notification_changes changes = {&change, 1};
    notification_service_stale(service, ctx, &changes);
    return commit(service, ctx, &tx, &changes);
}

static struct ink_status mark_read(void *self, struct ink_ctx *ctx,
                                   const Inkmesh__Notification__V1__MarkReadRequest *request,
                                   Google__Protobuf__Empty *reply)
{
    (void)reply;
    return mark(self, ctx, request->id);
}
INK_RPC_UNARY(mark_read, Inkmesh__Notification__V1__MarkReadRequest, Google__Protobuf__Empty)

static struct ink_status mark_all_read(void *self, struct ink_ctx *ctx,
                                       const Inkmesh__Notification__V1__MarkAllReadRequest *request,
                                       Google__Protobuf__Empty *reply)
{
    (void)request;
    (void)reply;
    return mark(self, ctx, NULL);
}
INK_RPC_UNARY(mark_all_read, Inkmesh__Notification__V1__MarkAllReadRequest, Google__Protobuf__Empty)

static struct ink_status
stream_notifications(void *self, struct ink_ctx *ctx,
                     const Inkmesh__Notification__V1__StreamNotificationsRequest *request,
                     struct ink_rpc_stream *stream)
{
    return notification_stream(self, ctx, request, stream);
}
INK_RPC_STREAM(stream_notifications, Inkmesh__Notification__V1__StreamNotificationsRequest)

const struct ink_rpc_handler notification_service_handlers[] = {
    {.method = "CreateNotification", .unary = create_notification_rpc},
    {.method = "ListNotifications", .unary = list_notifications_rpc},
    {.method = "MarkRead", .unary = mark_read_rpc},
    {.method = "MarkAllRead", .unary = mark_all_read_rpc},
    {.method = "StreamNotifications", .stream = stream_notifications_rpc},
    {0},
};

struct notification_service_stats notification_service_stats(struct notification_service *service)
{
    return (struct notification_service_stats){.streams = notification_hub_count(service->hub),
                                               .news = ink_pubsub_stats(service->news)};
}
