/*
 * ListNotifications: pages by key, and the newest one from Redis.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "services/notification/internal.h"

#define DEFAULT_PAGE_SIZE 20

/* Where the next page begins, as the user whose list it is can give it back. */
static char *make_token(struct notification_service *service, struct ink_ctx *ctx, int64_t seq)
{
    const char *text = ink_arena_printf(ctx->arena, "%" PRId64, seq);
    return (char *)ink_seal_close(&service->page_tokens, ctx->arena, ctx->caller.id, text);
}

/* Fills in a reply with a page, of whose rows at most `size` are shown: one more says that there is
 * a next page. */
static void show_page(struct notification_service *service, struct ink_ctx *ctx,
                      const struct notification_page *page, size_t size,
                      Inkmesh__Notification__V1__ListNotificationsResponse *reply)
{
    size_t count = page->count < size ? page->count : size;
    reply->n_notifications = count;
    reply->notifications = ink_arena_calloc(ctx->arena, count, sizeof(*reply->notifications));
    for (size_t i = 0; i < count; i++) {
        reply->notifications[i] = ink_arena_alloc(ctx->arena, sizeof(*reply->notifications[i]));
        inkmesh__notification__v1__notification__init(reply->notifications[i]);
        notification_show(ctx, &page->rows[i], reply->notifications[i]);
    }
    reply->unread_count = page->unread;
    if (page->count > size)
        reply->next_page_token = make_token(service, ctx, page->rows[size - 1].seq);
}

/* What is in the cache but cannot be read (another release wrote it) counts as not there. */
static bool cached_page(struct notification_service *service, struct ink_ctx *ctx, const char *key,
                        struct ink_cache_lease *ret_lease,
                        Inkmesh__Notification__V1__ListNotificationsResponse *reply)
{
    void *data;
    size_t size;
    if (!ink_cache_get(service->parts.cache, ctx, key, ret_lease, &data, &size, NULL))
        return false;
    Inkmesh__Notification__V1__ListNotificationsResponse *found =
        inkmesh__notification__v1__list_notifications_response__unpack(
            ink_arena_allocator(ctx->arena), size, data);
    if (found == NULL)
        return false;
    *reply = *found;
    return true;
}

static void cache_page(struct notification_service *service, struct ink_ctx *ctx, const char *key,
                       const struct ink_cache_lease *lease, int64_t version,
                       const Inkmesh__Notification__V1__ListNotificationsResponse *page)
{
    size_t size = inkmesh__notification__v1__list_notifications_response__get_packed_size(page);
    uint8_t *data = ink_arena_alloc(ctx->arena, size + 1);
    inkmesh__notification__v1__list_notifications_response__pack(page, data);
    ink_cache_put(service->parts.cache, ctx, key, lease, version, data, size, 0);
}

/* The seq below which the page begins. */
static struct ink_status read_token(struct notification_service *service, struct ink_ctx *ctx,
                                    const char *token, int64_t *ret_before)
{
    const char *text = ink_seal_open(&service->page_tokens, ctx->arena, ctx->caller.id, token);
    if (text == NULL)
        return ink_invalid_field(ctx->arena, "page_token", "is not a page token of this list");
    *ret_before = strtoll(text, NULL, 10);
    return ink_ok();
}

struct ink_status
notification_list(struct notification_service *service, struct ink_ctx *ctx,
                  const Inkmesh__Notification__V1__ListNotificationsRequest *request,
                  Inkmesh__Notification__V1__ListNotificationsResponse *reply)
{
    size_t size = request->page_size == 0 ? DEFAULT_PAGE_SIZE : (size_t)request->page_size;
    bool newest = request->page_token[0] == '\0';
    const char *key =
        newest && size == DEFAULT_PAGE_SIZE ? notification_cache_key(ctx, ctx->caller.id) : NULL;
    int64_t before = INT64_MAX;
    struct notification_page page;
    struct ink_cache_lease lease;
    if (key != NULL && cached_page(service, ctx, key, &lease, reply))
        return ink_ok();
    struct ink_status status =
        newest ? ink_ok() : read_token(service, ctx, request->page_token, &before);
    if (ink_is_ok(status))
        status = notification_store_page(service->parts.db, ctx, ctx->caller.id, before, size + 1,
                                         &page);
    if (!ink_is_ok(status))
        return status;
    show_page(service, ctx, &page, size, reply);
    if (key != NULL)
        cache_page(service, ctx, key, &lease, page.version, reply);
    return ink_ok();
}
