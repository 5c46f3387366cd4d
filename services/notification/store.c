#include "services/notification/store.h"

static char *copy_text(const struct ink_ctx *ctx, const struct ink_db_rows *rows, size_t row,
                       size_t column)
{
    return ink_arena_strdup(ctx->arena, ink_db_text(rows, row, column));
}

/* The columns that struct notification_row is read from. */
#define ROW_COLUMNS "n.id, n.user_id, n.message, n.type, n.read_at IS NOT NULL, n.created_at, n.seq"
#define N_ROW_COLUMNS 7

static void read_row(const struct ink_ctx *ctx, const struct ink_db_rows *rows, size_t row,
                     struct notification_row *ret_row)
{
    ret_row->id = copy_text(ctx, rows, row, 0);
    ret_row->user_id = copy_text(ctx, rows, row, 1);
    ret_row->message = copy_text(ctx, rows, row, 2);
    ret_row->type = copy_text(ctx, rows, row, 3);
    ret_row->read = ink_db_bool(rows, row, 4);
    ret_row->created_at = ink_db_time(rows, row, 5);
    ret_row->seq = ink_db_int64(rows, row, 6);
}

static void read_rows(const struct ink_ctx *ctx, const struct ink_db_rows *rows,
                      struct notification_row **ret_rows, size_t *ret_count)
{
    size_t count = ink_db_row_count(rows);
    *ret_rows = ink_arena_calloc(ctx->arena, count, sizeof(**ret_rows));
    *ret_count = count;
    for (size_t i = 0; i < count; i++)
        read_row(ctx, rows, i, &(*ret_rows)[i]);
}

/* Adding */

static void add_column(struct ink_db_params *params, const struct notification_row *rows,
                       size_t count, size_t member)
{
    const char **items = ink_arena_calloc(params->arena, count, sizeof(*items));
    for (size_t i = 0; i < count; i++)
        items[i] = *(const char *const *)((const char *)&rows[i] + member);
    ink_db_add_text_array(params, items, count);
}

static void take_added(const struct ink_ctx *ctx, const struct ink_db_rows *added,
                       struct notification_row *rows, size_t count,
                       struct notification_change **ret_changes, size_t *ret_count)
{
    size_t n_changes = ink_db_row_count(added);
    struct notification_change *changes = ink_arena_calloc(ctx->arena, n_changes, sizeof(*changes));
    for (size_t i = 0; i < n_changes; i++)
        changes[i] =
            (struct notification_change){copy_text(ctx, added, i, 0), ink_db_int64(added, i, 1)};
    for (size_t i = 0; i < count; i++)
        rows[i].created_at = ink_db_time(added, 0, 2);
    *ret_changes = changes;
    *ret_count = n_changes;
}

struct ink_status notification_store_add(struct ink_db_tx *tx, const struct ink_ctx *ctx,
                                         struct notification_row *rows, size_t count,
                                         bool hold_emails, struct notification_change **ret_changes,
                                         size_t *ret_count)
{
    /* Mailboxes are locked in the order of their keys, so that transactions with several of them
     * cannot wait for each other. The time is that of the last lock. What the caller has is not
     * sent back, and what is inserted is not kept: there may be a thousand rows. */
    static const struct ink_db_statement add = {
        .name = "notification_add",
        .sql =
            "WITH new AS ("
            "  SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY place DESC) - 1 AS later"
            "  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[])"
            "    WITH ORDINALITY AS t (id, user_id, message, type, place)"
            "), box AS ("
            "  INSERT INTO mailboxes AS m (user_id, version, unread)"
            "  SELECT user_id, count(*), count(*) FROM new GROUP BY user_id ORDER BY user_id"
            "  ON CONFLICT (user_id) DO UPDATE"
            "    SET version = m.version + EXCLUDED.version, unread = m.unread + EXCLUDED.unread"
            "  RETURNING user_id, version, clock_timestamp() AS locked_at"
            "), moment AS ("
            "  SELECT max(locked_at) AS created_at FROM box"
            "), n AS ("
            "  INSERT INTO notifications (id, user_id, message, type, seq, created_at)"
            "  SELECT id, user_id, message, type, version - later, created_at"
            "  FROM new JOIN box USING (user_id), moment"
            "), mail AS ("
            "  INSERT INTO emails (notification_id, user_id, state, created_at, next_attempt_at)"
            "  SELECT id, user_id, $5, created_at, now() FROM new, moment WHERE type = 'email'"
            ")"
            " SELECT user_id, version, created_at FROM box, moment",
    };
    INK_DB_ROWS struct ink_db_rows added = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    for (size_t i = 0; i < count; i++) {
        char *id = ink_arena_alloc(ctx->arena, INK_UUID_SIZE);
        ink_uuid_v7(id);
        rows[i].id = id;
    }
    add_column(&params, rows, count, offsetof(struct notification_row, id));
    add_column(&params, rows, count, offsetof(struct notification_row, user_id));
    add_column(&params, rows, count, offsetof(struct notification_row, message));
    add_column(&params, rows, count, offsetof(struct notification_row, type));
    ink_db_add_text(&params, hold_emails ? "held" : "pending");
    struct ink_status status = ink_db_tx_query(tx, &add, &params, &added);
    if (ink_is_ok(status))
        take_added(ctx, &added, rows, count, ret_changes, ret_count);
    return status;
}

/* Marking */

/* Takes the mailbox's lock, so that the next statement sees all that was done before. */
static struct ink_status lock_mailbox(struct ink_db_tx *tx, const struct ink_ctx *ctx,
                                      const char *user_id)
{
    static const struct ink_db_statement lock = {
        .name = "mailbox_lock",
        .sql = "SELECT FROM mailboxes WHERE user_id = $1 FOR UPDATE",
    };
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, user_id);
    return ink_db_tx_query(tx, &lock, &params, NULL);
}

struct ink_status notification_store_mark(struct ink_db_tx *tx, const struct ink_ctx *ctx,
                                          const char *user_id, const char *id, int64_t *ret_version)
{
    /* A NULL id would keep the plan from using the primary key: it is a statement of its own. */
    static const struct ink_db_statement mark_one = {
        .name = "notification_mark_one",
        .sql = "WITH marked AS ("
               "  UPDATE notifications SET read_at = now()"
               "  WHERE id = $2 AND user_id = $1 AND read_at IS NULL RETURNING 1"
               "), box AS ("
               "  UPDATE mailboxes SET version = version + 1, unread = unread - 1"
               "  WHERE user_id = $1 AND EXISTS (SELECT FROM marked) RETURNING version"
               ")"
               " SELECT (SELECT version FROM box)"
               " FROM notifications WHERE id = $2 AND user_id = $1",
    };
    static const struct ink_db_statement mark_all = {
        .name = "notification_mark_all",
        .sql = "WITH marked AS ("
               "  UPDATE notifications SET read_at = now()"
               "  WHERE user_id = $1 AND read_at IS NULL RETURNING 1"
               "), box AS ("
               "  UPDATE mailboxes SET version = version + 1, unread = 0"
               "  WHERE user_id = $1 AND EXISTS (SELECT FROM marked) RETURNING version"
               ")"
               " SELECT (SELECT version FROM box)",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, user_id);
    if (id != NULL)
        ink_db_add_text(&params, id);
    struct ink_status status = lock_mailbox(tx, ctx, user_id);
    if (ink_is_ok(status))
        status = ink_db_tx_query(tx, id != NULL ? &mark_one : &mark_all, &params, &rows);
    if (!ink_is_ok(status))
        return status;
    if (ink_db_row_count(&rows) == 0)
        return ink_error(INK_NOT_FOUND, "there is no such notification");
    *ret_version = ink_db_int64(&rows, 0, 0);
    return ink_ok();
}

/* Reading */

struct ink_status notification_store_page(struct ink_db *db, const struct ink_ctx *ctx,
                                          const char *user_id, int64_t before, size_t limit,
                                          struct notification_page *ret_page)
{
    static const struct ink_db_statement find = {
        .name = "notification_page",
        .sql = "SELECT " ROW_COLUMNS ", m.version, m.unread"
               " FROM mailboxes m LEFT JOIN LATERAL ("
               "  SELECT * FROM notifications WHERE user_id = m.user_id AND seq < $2"
               "  ORDER BY seq DESC LIMIT $3"
               ") n ON true WHERE m.user_id = $1 ORDER BY n.seq DESC",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, user_id);
    ink_db_add_int64(&params, before);
    ink_db_add_int64(&params, (int64_t)limit);
    struct ink_status status = ink_db_query(db, ctx, &find, &params, &rows);
    if (!ink_is_ok(status))
        return status;
    struct notification_page page = {0};
    if (ink_db_row_count(&rows) != 0) {
        page.version = ink_db_int64(&rows, 0, N_ROW_COLUMNS);
        page.unread = ink_db_int64(&rows, 0, N_ROW_COLUMNS + 1);
        if (!ink_db_is_null(&rows, 0, 0)) /* a mailbox without notifications on this page */
            read_rows(ctx, &rows, &page.rows, &page.count);
    }
    *ret_page = page;
    return ink_ok();
}

struct ink_status notification_store_position(struct ink_db *db, const struct ink_ctx *ctx,
                                              const char *user_id, const char *id, int64_t *ret_seq)
{
    static const struct ink_db_statement find = {
        .name = "notification_position",
        .sql = "SELECT coalesce("
               "  (SELECT seq FROM notifications WHERE id = $2 AND user_id = $1),"
               "  (SELECT min(seq) - 1 FROM notifications WHERE user_id = $1 AND id > $2),"
               "  (SELECT version FROM mailboxes WHERE user_id = $1), 0)",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, user_id);
    ink_db_add_text(&params, id);
    struct ink_status status = ink_db_query(db, ctx, &find, &params, &rows);
    if (ink_is_ok(status))
        *ret_seq = ink_db_int64(&rows, 0, 0);
    return status;
}

struct ink_status notification_store_after(struct ink_db *db, const struct ink_ctx *ctx,
                                           const char *user_id, int64_t after, size_t limit,
                                           struct notification_row **ret_rows, size_t *ret_count)
{
    static const struct ink_db_statement find = {
        .name = "notification_after",
        .sql = "SELECT " ROW_COLUMNS " FROM notifications n"
               " WHERE user_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, user_id);
    ink_db_add_int64(&params, after);
    ink_db_add_int64(&params, (int64_t)limit);
    struct ink_status status = ink_db_query(db, ctx, &find, &params, &rows);
    if (ink_is_ok(status))
        read_rows(ctx, &rows, ret_rows, ret_count);
    return status;
}
