/*
 * The table `emails`: what became of each notification of type email. notification_store_add()
 * makes its rows; here is the SQL of sending. Texts that are returned live in ctx->arena; errors
 * are those of lib/db/db.h. Thread-safe.
 *
 * Who wants to send claims rows for a time: nobody else gets them before it is over. Each claim
 * counts as an attempt, also when its process dies; a release takes that back. All times are the
 * database's, so that clocks of machines need not agree.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/db/db.h"

/* One that was claimed. */
struct notification_email {
    const char *id; /* the notification's */
    const char *user_id;
    const char *message;
    int64_t created_at; /* microseconds since 1970 */
    int64_t attempts;   /* with this one */
    bool old;           /* too old to be sent */
    bool many;          /* too many for this user */
};

struct notification_emails {
    struct notification_email *list;
    size_t count;
    int64_t lease; /* names the claim: until when it is good, by the database's clock */
};

struct notification_claim {
    size_t limit;
    int64_t lease_ms;
    int64_t max_age_s;  /* older ones are `old` */
    int64_t user_daily; /* those beyond it within a day are `many` */
};

/* Claims up to claim->limit rows that are due, the longest due first. */
struct ink_status notification_emails_claim(struct ink_db *db, const struct ink_ctx *ctx,
                                            const struct notification_claim *claim,
                                            struct notification_emails *ret_emails) INK_MUST_CHECK;

/* How one ended. All but the first do nothing when the claim is over and the row somebody else's:
 * what was sent is sent whoever did it. */
struct ink_status notification_email_sent(struct ink_db *db, const struct ink_ctx *ctx,
                                          const char *id) INK_MUST_CHECK;
struct ink_status notification_email_dead(struct ink_db *db, const struct ink_ctx *ctx,
                                          const char *id, int64_t lease,
                                          const char *why) INK_MUST_CHECK;
struct ink_status notification_email_later(struct ink_db *db, const struct ink_ctx *ctx,
                                           const char *id, int64_t lease, int64_t pause_ms,
                                           const char *why) INK_MUST_CHECK;
/* Gives several back as if they had never been claimed. */
struct ink_status notification_emails_release(struct ink_db *db, const struct ink_ctx *ctx,
                                              const struct notification_email *list, size_t count,
                                              int64_t lease) INK_MUST_CHECK;

/* Makes up to `limit` of those that are held, and not too old, pending. */
struct ink_status notification_emails_take_up(struct ink_db *db, const struct ink_ctx *ctx,
                                              int64_t max_age_s, size_t limit,
                                              size_t *ret_count) INK_MUST_CHECK;

struct notification_email_counts {
    int64_t pending;
    int64_t oldest_s; /* how long the oldest of these has been waiting; 0 without any */
    int64_t dead;
};
struct ink_status
notification_emails_count(struct ink_db *db, const struct ink_ctx *ctx,
                          struct notification_email_counts *ret_counts) INK_MUST_CHECK;
