/*
 * What service.c, list.c and stream.c share.
 */
#pragma once

#include "inkmesh/notification/v1/notification.pb-c.h"
#include "lib/auth/seal.h"
#include "services/notification/hub.h"
#include "services/notification/service.h"
#include "services/notification/store.h"

struct notification_service {
    struct notification_service_parts parts;
    struct ink_seal page_tokens;
    struct notification_hub *hub;
    struct ink_pubsub *news;
    void (*wake_mail)(void *mail); /* NULL when nobody sends */
    void *mail;
};

/* Fills in what was initialised; its parts live in ctx->arena, the strings where the row's do. */
void notification_show(struct ink_ctx *ctx, const struct notification_row *row,
                       Inkmesh__Notification__V1__Notification *reply);

/* The key of a user's newest page in Redis. */
char *notification_cache_key(const struct ink_ctx *ctx, const char *user_id);

/* The RPCs of these names: list.c and stream.c. */
struct ink_status
notification_list(struct notification_service *service, struct ink_ctx *ctx,
                  const Inkmesh__Notification__V1__ListNotificationsRequest *request,
                  Inkmesh__Notification__V1__ListNotificationsResponse *reply) INK_MUST_CHECK;
struct ink_status
notification_stream(struct notification_service *service, struct ink_ctx *ctx,
                    const Inkmesh__Notification__V1__StreamNotificationsRequest *request,
                    struct ink_rpc_stream *stream) INK_MUST_CHECK;
