#include "lib/db/migrate.h"

#include <postgresql/libpq-fe.h>
#include <stdatomic.h>

#include "lib/db/plan.h"
#include "lib/db/pool.h"
#include "lib/db/sqlstate.h"

static const struct ink_db_statement take_lock = {
    .name = "ink_migrate_lock",
    .sql = "SELECT pg_advisory_lock(hashtextextended('ink_schema_migrations', 0))",
};

/* Asked for first, because CREATE needs more rights than a start without news has. */
static const struct ink_db_statement has_table = {
    .name = "ink_migrate_has_table",
    .sql = "SELECT to_regclass('schema_migrations') IS NOT NULL",
};

static const struct ink_db_statement make_table = {
    .name = "ink_migrate_make_table",
    .sql = "CREATE TABLE schema_migrations ("
           "number integer PRIMARY KEY, "
           "name text NOT NULL, "
           "sha256 text NOT NULL, "
           "applied_at timestamptz NOT NULL DEFAULT now())",
};

static const struct ink_db_statement list_applied = {
    .name = "ink_migrate_list",
    .sql = "SELECT number, name, sha256 FROM schema_migrations ORDER BY number",
};

static const struct ink_db_statement record = {
    .name = "ink_migrate_record",
    .sql = "INSERT INTO schema_migrations (number, name, sha256) VALUES ($1, $2, $3)",
};

static struct ink_status run(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                             const struct ink_db_statement *statement,
                             const struct ink_db_params *params, struct ink_db_rows *ret_rows)
{
    struct ink_db_command command = {.statement = statement, .params = params, .unlimited = true};
    return ink_db_conn_run(conn, ctx, &command, ret_rows);
}

static struct ink_status run_sql(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                                 const char *sql)
{
    struct ink_db_command command = {.sql = sql, .unlimited = true};
    return ink_db_conn_run(conn, ctx, &command, NULL);
}

static struct ink_status ensure_table(struct ink_db_conn *conn, const struct ink_ctx *ctx)
{
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_status status = run(conn, ctx, &has_table, NULL, &rows);
    if (ink_is_ok(status) && !ink_db_bool(&rows, 0, 0))
        status = run(conn, ctx, &make_table, NULL, NULL);
    return status;
}

static struct ink_status find_first(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                                    const struct ink_db_migrations *migrations, size_t *ret_first)
{
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_status status = run(conn, ctx, &list_applied, NULL, &rows);
    if (!ink_is_ok(status))
        return status;
    size_t count = ink_db_row_count(&rows);
    struct ink_db_applied *applied = ink_arena_calloc(ctx->arena, count, sizeof(*applied));
    for (size_t i = 0; i < count; i++) {
        applied[i].number = (int)ink_db_int64(&rows, i, 0);
        applied[i].name = ink_db_text(&rows, i, 1);
        applied[i].sha256 = ink_db_text(&rows, i, 2);
    }
    return ink_db_plan(ctx->arena, migrations, applied, count, ret_first);
}

static struct ink_status run_file(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                                  const struct ink_db_migration *migration)
{
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_int64(&params, migration->number);
    ink_db_add_text(&params, migration->name);
    ink_db_add_text(&params, migration->sha256);
    struct ink_status status = run_sql(conn, ctx, "BEGIN");
    if (ink_is_ok(status))
        status = ink_db_conn_script(conn, ctx, migration->sql);
    if (ink_is_ok(status) && PQtransactionStatus(conn->pg) != PQTRANS_INTRANS)
        status = ink_error_cause(ctx->arena, INK_INTERNAL, "internal error",
                                 "it ended the transaction that it runs in");
    if (ink_is_ok(status))
        status = run(conn, ctx, &record, &params, NULL);
    if (ink_is_ok(status))
        status = run_sql(conn, ctx, "COMMIT");
    return status;
}

/* Names the file in what the operator reads; being away or late says nothing about the file. */
static struct ink_status apply(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                               const struct ink_db_migration *migration)
{
    struct ink_status status = run_file(conn, ctx, migration);
    if (ink_is_ok(status) || status.code == INK_UNAVAILABLE ||
        status.code == INK_DEADLINE_EXCEEDED || status.code == INK_CANCELLED)
        return status;
    struct ink_status named =
        ink_errorf(ctx->arena, INK_INTERNAL, "migration %s failed", migration->name);
    named.cause = status.cause;
    return named;
}

static struct ink_status migrate(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                                 const struct ink_db_migrations *migrations, size_t *ret_applied)
{
    size_t first = 0;
    struct ink_status status = run(conn, ctx, &take_lock, NULL, NULL);
    if (ink_is_ok(status))
        status = ensure_table(conn, ctx);
    if (ink_is_ok(status))
        status = find_first(conn, ctx, migrations, &first);
    for (size_t i = first; ink_is_ok(status) && i < migrations->count; i++)
        status = apply(conn, ctx, &migrations->items[i]);
    if (ink_is_ok(status))
        *ret_applied = migrations->count - first;
    return status;
}

/* The lock, and a transaction that failed, end with the connection. */
struct ink_status ink_db_migrate(struct ink_db *db, const struct ink_ctx *ctx,
                                 const struct ink_db_migrations *migrations, size_t *ret_applied)
{
    struct ink_ctx connecting = *ctx;
    int64_t limit = ink_now() + db->connect_timeout;
    if (limit < connecting.deadline)
        connecting.deadline = limit;
    struct ink_db_conn *conn;
    struct ink_status status = ink_db_conn_open(&connecting, &db->info, &conn);
    if (status.code == INK_DEADLINE_EXCEEDED && ink_is_ok(ink_ctx_check(ctx)))
        status = ink_db_unavailable(ctx->arena, "no answer within the connect timeout");
    if (!ink_is_ok(status))
        return status;
    size_t applied = 0;
    status = migrate(conn, ctx, migrations, &applied);
    ink_db_conn_close(conn);
    if (ink_is_ok(status) && ret_applied != NULL)
        *ret_applied = applied;
    return status;
}

struct ink_status ink_db_prepare(struct ink_db *db, const struct ink_ctx *ctx, size_t *ret_applied)
{
    *ret_applied = 0;
    if (ink_db_prepared(db))
        return ink_db_ping(db, ctx);
    struct ink_status status = ink_db_migrate(db, ctx, db->migrations, ret_applied);
    if (ink_is_ok(status))
        atomic_store(&db->prepared, true);
    return status;
}

bool ink_db_prepared(const struct ink_db *db)
{
    return atomic_load_explicit(&db->prepared, memory_order_acquire);
}
