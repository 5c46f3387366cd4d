#include <postgresql/libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/db/migrate.h"
#include "lib/db/pool.h"
#include "lib/db/sqlstate.h"

/* What a rollback gets when its context has no time left; the answer is late enough. */
#define ROLLBACK_LIMIT (100 * INK_MILLISECOND)

static struct ink_ctx limited(const struct ink_db *db, const struct ink_ctx *ctx)
{
    struct ink_ctx result = *ctx;
    int64_t limit = ink_now() + db->statement_limit;
    if (limit < result.deadline)
        result.deadline = limit;
    return result;
}

static struct ink_status check_prepared(struct ink_db *db)
{
    if (ink_db_prepared(db))
        return ink_ok();
    struct ink_status status = ink_error(INK_UNAVAILABLE, "the service is starting");
    status.cause = "the migrations are not applied yet";
    status.retry_after_ms = 1000;
    return status;
}

/* A connection to send something on. */
static struct ink_status get_conn(struct ink_db *db, const struct ink_ctx *ctx,
                                  struct ink_db_conn **ret_conn)
{
    struct ink_status status = check_prepared(db);
    if (ink_is_ok(status))
        status = ink_db_acquire(db, ctx, ret_conn);
    return ink_is_ok(status) ? status : ink_db_undone(status);
}

struct ink_status ink_db_send(struct ink_db *db, const struct ink_ctx *ctx,
                              const struct ink_db_statement *statement,
                              const struct ink_db_params *params, struct ink_db_call *ret_call)
{
    struct ink_db_conn *conn;
    struct ink_status status = get_conn(db, ctx, &conn);
    if (!ink_is_ok(status))
        return status;
    struct ink_db_call call = {.db = db, .conn = conn, .ctx = limited(db, ctx)};
    struct ink_db_command command = {.statement = statement, .params = params};
    status = ink_db_conn_send(conn, &call.ctx, &command);
    if (ink_is_ok(status))
        *ret_call = call;
    else
        ink_db_give_back(db, conn);
    return status;
}

struct ink_status ink_db_receive(struct ink_db_call *call, struct ink_db_rows *ret_rows)
{
    struct ink_status status = ink_db_conn_receive(call->conn, &call->ctx, ret_rows);
    ink_db_give_back(call->db, call->conn);
    *call = (struct ink_db_call){0};
    return status;
}

struct ink_status ink_db_query(struct ink_db *db, const struct ink_ctx *ctx,
                               const struct ink_db_statement *statement,
                               const struct ink_db_params *params, struct ink_db_rows *ret_rows)
{
    struct ink_db_call call;
    struct ink_status status = ink_db_send(db, ctx, statement, params, &call);
    return ink_is_ok(status) ? ink_db_receive(&call, ret_rows) : status;
}

struct ink_status ink_db_ping(struct ink_db *db, const struct ink_ctx *ctx)
{
    static const struct ink_db_statement ping = {.name = "ink_db_ping", .sql = "SELECT 1"};
    return ink_db_query(db, ctx, &ping, NULL, NULL);
}

struct ink_db_tx {
    struct ink_db *db;
    const struct ink_ctx *ctx;
    struct ink_db_conn *conn;
    bool begun;
};

struct ink_status ink_db_begin(struct ink_db *db, const struct ink_ctx *ctx,
                               struct ink_db_tx **ret_tx)
{
    struct ink_db_conn *conn;
    struct ink_status status = get_conn(db, ctx, &conn);
    if (!ink_is_ok(status))
        return status;
    struct ink_db_tx *tx = ink_calloc(1, sizeof(*tx));
    *tx = (struct ink_db_tx){.db = db, .ctx = ctx, .conn = conn};
    *ret_tx = tx;
    return ink_ok();
}

struct ink_status ink_db_tx_query(struct ink_db_tx *tx, const struct ink_db_statement *statement,
                                  const struct ink_db_params *params, struct ink_db_rows *ret_rows)
{
    struct ink_ctx until = limited(tx->db, tx->ctx);
    struct ink_db_command command = {.begin = !tx->begun, .statement = statement, .params = params};
    struct ink_status status = ink_db_conn_run(tx->conn, &until, &command, ret_rows);
    tx->begun = PQtransactionStatus(tx->conn->pg) != PQTRANS_IDLE;
    return status;
}

static void end(struct ink_db_tx **tx)
{
    ink_db_give_back((*tx)->db, (*tx)->conn);
    free(*tx);
    *tx = NULL;
}

/* COMMIT of a failed transaction succeeds as a ROLLBACK. */
static struct ink_status check_committed(const struct ink_db_rows *rows)
{
    if (strcmp(PQcmdStatus(rows->result), "COMMIT") == 0)
        return ink_ok();
    return ink_db_undone(ink_error(INK_ABORTED, "the transaction was rolled back"));
}

struct ink_status ink_db_commit(struct ink_db_tx **tx)
{
    struct ink_status status = ink_ok();
    if ((*tx)->begun) {
        INK_DB_ROWS struct ink_db_rows rows = {0};
        struct ink_ctx until = limited((*tx)->db, (*tx)->ctx);
        struct ink_db_command command = {.sql = "COMMIT"};
        status = ink_db_conn_run((*tx)->conn, &until, &command, &rows);
        if (ink_is_ok(status))
            status = check_committed(&rows);
    }
    if (!ink_is_ok(status)) {
        ink_db_rollback(tx);
        return status;
    }
    end(tx);
    return status;
}

/* Not cancellable: an answer is worth a connection. */
static void roll_back(struct ink_db_tx *tx)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx until = ink_ctx_background(&arena);
    until.deadline = ink_now() + ROLLBACK_LIMIT;
    struct ink_db_command command = {.sql = "ROLLBACK", .unlimited = true};
    struct ink_status status = ink_db_conn_run(tx->conn, &until, &command, NULL);
    tx->conn->broken |= !ink_is_ok(status);
    tx->conn->timeout_ms = 0; /* a SET inside the transaction was rolled back, too */
    ink_arena_release(&arena);
}

void ink_db_rollback(struct ink_db_tx **tx)
{
    if (*tx == NULL)
        return;
    struct ink_db_conn *conn = (*tx)->conn;
    if (!conn->broken && PQtransactionStatus(conn->pg) != PQTRANS_IDLE)
        roll_back(*tx);
    else
        conn->timeout_ms = 0;
    end(tx);
}
