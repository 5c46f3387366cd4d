/*
 * inkmesh.notification.v1.NotificationService: the rules of notifications. The handlers rely on
 * what the interceptors have done before: requests keep their buf.validate rules and ctx->caller is
 * known.
 *
 * The newest page of a user, which is what clients ask for most, is read from Redis, or else from
 * PostgreSQL and then kept in Redis under notifications:user:ID: the contract's
 * ListNotificationsResponse with the mailbox's version. Every change marks what Redis has as stale
 * before it is committed, so that no crash in between leaves a list that lacks a notification.
 *
 * A stream sends what PostgreSQL has behind the last row that it sent. News (from this process, or
 * through Redis from another) only tell it when to look; it looks every `poll_ms` anyway.
 */
#pragma once

#include <stdint.h>

#include "lib/cache/cache.h"
#include "lib/cache/pubsub.h"
#include "lib/db/db.h"
#include "lib/rpc/server.h"

struct notification_service;
struct notification_changes;
struct notification_row;

#define NOTIFICATION_SERVICE "inkmesh.notification.v1.NotificationService"
/* `self` is a struct notification_service. */
extern const struct ink_rpc_handler notification_service_handlers[];

/* All of it must outlive the service. */
struct notification_service_parts {
    struct ink_db *db;
    struct ink_cache *cache;
    const char *redis_url; /* for news between replicas */
    const char *secret;    /* that page tokens are made with */
    int64_t streams;       /* at once */
    int64_t user_streams;  /* at once for one user */
    int64_t poll_ms;       /* how often a stream looks when it hears nothing */
    bool hold_emails;      /* there is nobody to send them */
};

/* Starts to listen for news. INVALID_ARGUMENT for a malformed redis_url. */
struct ink_status
notification_service_new(struct ink_arena *arena, const struct notification_service_parts *parts,
                         struct notification_service **ret_service) INK_MUST_CHECK;
/* No handler may run any more. Accepts NULL. */
void notification_service_free(struct notification_service *service);

/* Adds notifications within a transaction that somebody else commits: rows need user_id, message
 * and type. The changes live in ctx->arena. What Redis has of these users is stale from then on; as
 * it may forget that before the commit, say it again afterwards. */
struct ink_status notification_service_add(struct notification_service *service,
                                           struct ink_db_tx *tx, const struct ink_ctx *ctx,
                                           struct notification_row *rows, size_t count,
                                           struct notification_changes *ret_changes) INK_MUST_CHECK;
void notification_service_stale(struct notification_service *service, const struct ink_ctx *ctx,
                                const struct notification_changes *changes);
/* Or else that nobody knows whether there was, or will be, a commit. */
void notification_service_doubt(struct notification_service *service, const struct ink_ctx *ctx,
                                const struct notification_changes *changes);
/* After the commit: tells the streams of the rows' users, wherever they are, and who sends mail. */
void notification_service_tell(struct notification_service *service,
                               const struct notification_row *rows, size_t count);

/* Before there are threads: who is told that there is an e-mail to be sent. */
void notification_service_on_email(struct notification_service *service, void (*wake)(void *self),
                                   void *self);

/* For metrics. */
struct notification_service_stats {
    size_t streams;
    struct ink_pubsub_stats news;
};
struct notification_service_stats notification_service_stats(struct notification_service *service);
