/*
 * notification_db: the SQL of the notification service, and nothing of its rules. Texts that are
 * returned live in ctx->arena. Until the migrations are applied every call is UNAVAILABLE; the
 * errors besides are those of lib/db/db.h. Thread-safe, but for transactions.
 *
 * All changes of one user's notifications take turns (by the lock of their mailbox), and each gives
 * the mailbox a higher version. A notification's seq is the version that it came with, so one
 * user's notifications become visible in the order of their seq.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/base/uuid.h"
#include "lib/db/db.h"

struct notification_row {
    const char *id;
    const char *user_id;
    const char *message;
    const char *type;
    bool read;
    int64_t created_at; /* microseconds since 1970 */
    int64_t seq;
};

/* The state that a change gives a user's notifications, when it is committed. */
struct notification_change {
    const char *user_id;
    int64_t version;
};

/* Of several users, one each. */
struct notification_changes {
    struct notification_change *list;
    size_t count;
};

/* Adds notifications (their user_id, message and type; id and created_at are set then), at least
 * one, in their order, and for those of type email what mail_store.h reads: as pending, or as held.
 * All are created at the same time. The users' changes, one each, are in *ret_changes. */
struct ink_status notification_store_add(struct ink_db_tx *tx, const struct ink_ctx *ctx,
                                         struct notification_row *rows, size_t count,
                                         bool hold_emails, struct notification_change **ret_changes,
                                         size_t *ret_count) INK_MUST_CHECK;

/* Marks one notification of the user, or with `id` NULL all, as read. *ret_version is 0 when
 * nothing changed. NOT_FOUND when the user has no such notification. */
struct ink_status notification_store_mark(struct ink_db_tx *tx, const struct ink_ctx *ctx,
                                          const char *user_id, const char *id,
                                          int64_t *ret_version) INK_MUST_CHECK;

/* Notifications of one user at one moment. */
struct notification_page {
    struct notification_row *rows; /* the newest first */
    size_t count;
    int64_t version; /* of the mailbox; 0 for a user without */
    int64_t unread;  /* of all of the user's */
};

/* Up to `limit` of those with a seq below `before` (INT64_MAX for all). */
struct ink_status notification_store_page(struct ink_db *db, const struct ink_ctx *ctx,
                                          const char *user_id, int64_t before, size_t limit,
                                          struct notification_page *ret_page) INK_MUST_CHECK;

/* The seq behind which a stream begins: of the notification `id`; when the user has no such one,
 * before the first whose id is greater (later); when there is none of these, or with `id` NULL, of
 * the last one. 0 for the very beginning. */
struct ink_status notification_store_position(struct ink_db *db, const struct ink_ctx *ctx,
                                              const char *user_id, const char *id,
                                              int64_t *ret_seq) INK_MUST_CHECK;
/* Up to `limit` of those with a seq above `after`, the oldest first. */
struct ink_status notification_store_after(struct ink_db *db, const struct ink_ctx *ctx,
                                           const char *user_id, int64_t after, size_t limit,
                                           struct notification_row **ret_rows,
                                           size_t *ret_count) INK_MUST_CHECK;
