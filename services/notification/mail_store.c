#include "services/notification/mail_store.h"

static void read_email(const struct ink_ctx *ctx, const struct ink_db_rows *rows, size_t row,
                       struct notification_email *ret_email)
{
    *ret_email = (struct notification_email){
        .id = ink_arena_strdup(ctx->arena, ink_db_text(rows, row, 0)),
        .user_id = ink_arena_strdup(ctx->arena, ink_db_text(rows, row, 1)),
        .message = ink_arena_strdup(ctx->arena, ink_db_text(rows, row, 2)),
        .created_at = ink_db_time(rows, row, 3),
        .attempts = ink_db_int64(rows, row, 4),
        .old = ink_db_bool(rows, row, 5),
        .many = ink_db_bool(rows, row, 6),
    };
}

struct ink_status notification_emails_claim(struct ink_db *db, const struct ink_ctx *ctx,
                                            const struct notification_claim *claim,
                                            struct notification_emails *ret_emails)
{
    static const struct ink_db_statement statement = {
        .name = "emails_claim",
        .sql = "WITH due AS ("
               "  SELECT notification_id FROM emails"
               "  WHERE state = 'pending' AND next_attempt_at <= now()"
               "  ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED"
               "), mine AS ("
               "  UPDATE emails e SET attempts = e.attempts + 1,"
               "    next_attempt_at = now() + $2::bigint * interval '1 millisecond'"
               "  FROM due WHERE e.notification_id = due.notification_id RETURNING e.*"
               ")"
               " SELECT n.id, n.user_id, n.message, n.created_at, mine.attempts,"
               "  n.created_at < now() - $3::bigint * interval '1 second',"
               "  row_number() OVER (PARTITION BY n.user_id ORDER BY n.seq) + ("
               "    SELECT count(*) FROM emails s WHERE s.user_id = n.user_id AND s.state = 'sent'"
               "      AND s.ended_at > now() - interval '1 day') > $4::bigint,"
               "  mine.next_attempt_at"
               " FROM mine JOIN notifications n ON n.id = mine.notification_id"
               " ORDER BY n.created_at, n.id",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_int64(&params, (int64_t)claim->limit);
    ink_db_add_int64(&params, claim->lease_ms);
    ink_db_add_int64(&params, claim->max_age_s);
    ink_db_add_int64(&params, claim->user_daily);
    struct ink_status status = ink_db_query(db, ctx, &statement, &params, &rows);
    if (!ink_is_ok(status))
        return status;
    struct notification_emails emails = {.count = ink_db_row_count(&rows)};
    emails.list = ink_arena_calloc(ctx->arena, emails.count, sizeof(*emails.list));
    for (size_t i = 0; i < emails.count; i++)
        read_email(ctx, &rows, i, &emails.list[i]);
    if (emails.count != 0)
        emails.lease = ink_db_time(&rows, 0, 7);
    *ret_emails = emails;
    return ink_ok();
}

struct ink_status notification_email_sent(struct ink_db *db, const struct ink_ctx *ctx,
                                          const char *id)
{
    static const struct ink_db_statement statement = {
        .name = "email_sent",
        .sql = "UPDATE emails SET state = 'sent', ended_at = now(), last_error = NULL"
               " WHERE notification_id = $1 AND state <> 'sent'",
    };
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, id);
    return ink_db_query(db, ctx, &statement, &params, NULL);
}

struct ink_status notification_email_dead(struct ink_db *db, const struct ink_ctx *ctx,
                                          const char *id, int64_t lease, const char *why)
{
    static const struct ink_db_statement statement = {
        .name = "email_dead",
        .sql = "UPDATE emails SET state = 'dead', ended_at = now(), last_error = $3"
               " WHERE notification_id = $1 AND state = 'pending' AND next_attempt_at = $2",
    };
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, id);
    ink_db_add_time(&params, lease);
    ink_db_add_text(&params, why);
    return ink_db_query(db, ctx, &statement, &params, NULL);
}

struct ink_status notification_email_later(struct ink_db *db, const struct ink_ctx *ctx,
                                           const char *id, int64_t lease, int64_t pause_ms,
                                           const char *why)
{
    static const struct ink_db_statement statement = {
        .name = "email_later",
        .sql = "UPDATE emails SET last_error = $4,"
               "  next_attempt_at = now() + $3::bigint * interval '1 millisecond'"
               " WHERE notification_id = $1 AND state = 'pending' AND next_attempt_at = $2",
    };
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, id);
    ink_db_add_time(&params, lease);
    ink_db_add_int64(&params, pause_ms);
    ink_db_add_text(&params, why);
    return ink_db_query(db, ctx, &statement, &params, NULL);
}

struct ink_status notification_emails_release(struct ink_db *db, const struct ink_ctx *ctx,
                                              const struct notification_email *list, size_t count,
                                              int64_t lease)
{
    static const struct ink_db_statement statement = {
        .name = "emails_release",
        .sql = "UPDATE emails SET attempts = attempts - 1, next_attempt_at = now()"
               " WHERE notification_id = ANY($1::uuid[]) AND state = 'pending'"
               "  AND next_attempt_at = $2",
    };
    const char **ids = ink_arena_calloc(ctx->arena, count, sizeof(*ids));
    for (size_t i = 0; i < count; i++)
        ids[i] = list[i].id;
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text_array(&params, ids, count);
    ink_db_add_time(&params, lease);
    return ink_db_query(db, ctx, &statement, &params, NULL);
}

struct ink_status notification_emails_take_up(struct ink_db *db, const struct ink_ctx *ctx,
                                              int64_t max_age_s, size_t limit, size_t *ret_count)
{
    static const struct ink_db_statement statement = {
        .name = "emails_take_up",
        .sql = "UPDATE emails SET state = 'pending', next_attempt_at = now()"
               " WHERE notification_id IN ("
               "  SELECT notification_id FROM emails"
               "  WHERE state = 'held' AND created_at > now() - $1::bigint * interval '1 second'"
               "  ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_int64(&params, max_age_s);
    ink_db_add_int64(&params, (int64_t)limit);
    struct ink_status status = ink_db_query(db, ctx, &statement, &params, &rows);
    if (ink_is_ok(status))
        *ret_count = (size_t)ink_db_affected(&rows);
    return status;
}

struct ink_status notification_emails_count(struct ink_db *db, const struct ink_ctx *ctx,
                                            struct notification_email_counts *ret_counts)
{
    static const struct ink_db_statement statement = {
        .name = "emails_count",
        .sql = "SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::bigint,"
               "  (SELECT count(*) FROM emails WHERE state = 'dead')"
               " FROM emails WHERE state = 'pending'",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_status status = ink_db_query(db, ctx, &statement, NULL, &rows);
    if (ink_is_ok(status))
        *ret_counts = (struct notification_email_counts){
            .pending = ink_db_int64(&rows, 0, 0),
            .oldest_s = ink_db_int64(&rows, 0, 1),
            .dead = ink_db_int64(&rows, 0, 2),
        };
    return status;
}
