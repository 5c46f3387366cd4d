#include "lib/db/conn.h"
#include "lib/base/blocks.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/db/sqlstate.h"

/* How often a wait looks whether its context was cancelled. */
#define CANCEL_CHECK_MS 50
/* After how long without an answer the server's life is first doubted (later: twice as long each
 * time), and how long it has to greet a new connection. Together less than a second. */
#define FIRST_DOUBT (150 * INK_MILLISECOND)
#define GREETING_LIMIT (500 * INK_MILLISECOND)

static void free_result(PGresult **result)
{
    PQclear(*result);
}

#define RESULT INK_CLEANUP(free_result) PGresult

/* Waits until the socket is ready for `events`, the deadline passes or the context is cancelled. */
static struct ink_status wait_for(PGconn *pg, const struct ink_ctx *ctx, short events)
{
    for (;;) {
        int64_t limit = ctx->cancelled != NULL ? CANCEL_CHECK_MS : 60000;
        int64_t left = ink_deadline_left_ms(ctx->deadline, limit);
        struct pollfd fd = {.fd = PQsocket(pg), .events = events};
        ink_blocks();
        int ready = poll(&fd, 1, (int)left);
        if (ready > 0)
            return ink_ok();
        if (ready < 0 && errno != EINTR)
            return ink_db_unavailable(ctx->arena, strerror(errno));
        struct ink_status status = ink_ctx_check(ctx);
        if (!ink_is_ok(status))
            return status;
    }
}

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

static struct ink_status connect_to_end(PGconn *pg, const struct ink_ctx *ctx)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED || PQstatus(pg) == CONNECTION_BAD)
            return ink_db_unavailable(ctx->arena, PQerrorMessage(pg));
        struct ink_status status =
            wait_for(pg, ctx, next == PGRES_POLLING_READING ? POLLIN : POLLOUT);
        if (!ink_is_ok(status))
            return status;
        next = PQconnectPoll(pg);
    }
    return ink_ok();
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Whether the server says anything to a new connection, be it that it takes no more of them. */
static bool greets(const struct ink_db_conninfo *info, const struct ink_ctx *ctx)
{
    struct ink_ctx until = *ctx;
    until.deadline = earlier(ctx->deadline, ink_now() + GREETING_LIMIT);
    PGconn *pg = PQconnectStartParams(info->keywords, info->values, 1);
    if (pg == NULL)
        return true;
    PQsetNoticeReceiver(pg, ignore_notice, NULL);
    struct ink_status status = connect_to_end(pg, &until);
    PQfinish(pg);
    return status.code != INK_DEADLINE_EXCEEDED;
}

/* Waits for the server's answer: UNAVAILABLE as soon as it turns out to be frozen. */
static struct ink_status wait_for_answer(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                                         short events)
{
    struct ink_ctx until = *ctx;
    for (int64_t patience = FIRST_DOUBT;; patience *= 2) {
        until.deadline = earlier(ctx->deadline, ink_now() + patience);
        struct ink_status status = wait_for(conn->pg, &until, events);
        if (status.code != INK_DEADLINE_EXCEEDED || ink_now() >= ctx->deadline)
            return status;
        bool greeted = greets(conn->info, ctx);
        until.deadline = ink_now(); /* the answer may have come meanwhile */
        if (!greeted && ink_now() < ctx->deadline &&
            !ink_is_ok(wait_for(conn->pg, &until, events))) {
            conn->frozen = true;
            return ink_db_unavailable(ctx->arena, "it is frozen: no answer, and no greeting");
        }
    }
}

struct ink_status ink_db_conn_open(const struct ink_ctx *ctx, const struct ink_db_conninfo *info,
                                   struct ink_db_conn **ret_conn)
{
    PGconn *pg = PQconnectStartParams(info->keywords, info->values, 1);
    if (pg == NULL)
        return ink_db_unavailable(ctx->arena, "out of memory");
    PQsetNoticeReceiver(pg, ignore_notice, NULL);
    struct ink_status status = connect_to_end(pg, ctx);
    if (ink_is_ok(status) && (PQsetnonblocking(pg, 1) != 0 || PQenterPipelineMode(pg) != 1))
        status = ink_db_unavailable(ctx->arena, PQerrorMessage(pg));
    if (!ink_is_ok(status)) {
        PQfinish(pg);
        return status;
    }
    struct ink_db_conn *conn = ink_calloc(1, sizeof(*conn));
    conn->pg = pg;
    conn->info = info;
    *ret_conn = conn;
    return ink_ok();
}

void ink_db_conn_close(struct ink_db_conn *conn)
{
    PQfinish(conn->pg);
    free(conn->prepared);
    free(conn);
}

/* Nothing is due on an idle connection: what can be read is its end, or the server saying why. */
bool ink_db_conn_alive(const struct ink_db_conn *conn)
{
    struct pollfd fd = {.fd = PQsocket(conn->pg), .events = POLLIN};
    return fd.fd >= 0 && poll(&fd, 1, 0) == 0;
}

int64_t ink_db_server_timeout(int64_t left_ms)
{
    int64_t less = left_ms - (left_ms < 8 ? 1 : left_ms / 32 + 1), step = 1;
    while (less / step >= 16)
        step *= 2;
    less -= less % step;
    return less < 1 ? 1 : less;
}

static bool is_prepared(const struct ink_db_conn *conn, const struct ink_db_statement *statement)
{
    for (size_t i = 0; i < conn->prepared_count; i++) {
        if (conn->prepared[i] == statement)
            return true;
    }
    return false;
}

static void remember_prepared(struct ink_db_conn *conn, const struct ink_db_statement *statement)
{
    if (conn->prepared_count == conn->prepared_cap) {
        conn->prepared_cap = conn->prepared_cap == 0 ? 16 : 2 * conn->prepared_cap;
        conn->prepared = ink_realloc(conn->prepared, conn->prepared_cap * sizeof(statement));
    }
    conn->prepared[conn->prepared_count++] = statement;
}

static bool queue(struct ink_db_flight *flight, enum ink_db_step step, int sent)
{
    flight->steps[flight->step_count++] = step;
    return sent == 1;
}

static bool queue_sync(struct ink_db_flight *flight, PGconn *pg)
{
    flight->syncs++;
    return PQpipelineSync(pg) == 1;
}

static int send_text(PGconn *pg, const char *sql)
{
    return PQsendQueryParams(pg, sql, 0, NULL, NULL, NULL, NULL, 0);
}

/* SET has a sync of its own: without it an error of the statement would roll the setting back. */
static bool queue_timeout(struct ink_db_flight *flight, struct ink_db_conn *conn,
                          const struct ink_ctx *ctx)
{
    int64_t left = ink_deadline_left_ms(ctx->deadline, INT32_MAX);
    flight->timeout_ms = ink_db_server_timeout(left);
    if (flight->timeout_ms == conn->timeout_ms)
        return true;
    const char *sql =
        ink_arena_printf(ctx->arena, "SET statement_timeout = %" PRId64, flight->timeout_ms);
    conn->timeout_ms = 0;
    return queue(flight, INK_DB_STEP_TIMEOUT, send_text(conn->pg, sql)) &&
           queue_sync(flight, conn->pg);
}

static bool queue_command(struct ink_db_flight *flight, struct ink_db_conn *conn,
                          const struct ink_ctx *ctx, const struct ink_db_command *command)
{
    PGconn *pg = conn->pg;
    const struct ink_db_statement *statement = command->statement;
    if (!command->unlimited && !queue_timeout(flight, conn, ctx))
        return false;
    if (command->begin && !queue(flight, INK_DB_STEP_OTHER, send_text(pg, "BEGIN")))
        return false;
    if (command->sql != NULL && !queue(flight, INK_DB_STEP_OTHER, send_text(pg, command->sql)))
        return false;
    if (statement != NULL && !is_prepared(conn, statement) &&
        !queue(flight, INK_DB_STEP_PREPARE,
               PQsendPrepare(pg, statement->name, statement->sql, 0, NULL)))
        return false;
    if (statement != NULL) {
        int count = command->params != NULL ? (int)command->params->count : 0;
        const char *const *values = command->params != NULL ? command->params->values : NULL;
        int sent = PQsendQueryPrepared(pg, statement->name, count, values, NULL, NULL, 0);
        if (!queue(flight, INK_DB_STEP_OTHER, sent))
            return false;
    }
    return queue_sync(flight, pg);
}

/* Sends all that libpq holds back, and reads meanwhile, lest both sides wait for each other. */
static struct ink_status flush(struct ink_db_conn *conn, const struct ink_ctx *ctx)
{
    PGconn *pg = conn->pg;
    int more;
    while ((more = PQflush(pg)) == 1) {
        struct ink_status status = wait_for_answer(conn, ctx, POLLIN | POLLOUT);
        if (!ink_is_ok(status))
            return status;
        if (PQconsumeInput(pg) != 1)
            return ink_db_unavailable(ctx->arena, PQerrorMessage(pg));
    }
    return more == 0 ? ink_ok() : ink_db_unavailable(ctx->arena, PQerrorMessage(pg));
}

/* The next result; NULL ends the results of a query. */
static struct ink_status next_result(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                                     PGresult **ret_result)
{
    PGconn *pg = conn->pg;
    while (PQisBusy(pg)) {
        struct ink_status status = wait_for_answer(conn, ctx, POLLIN);
        if (!ink_is_ok(status))
            return status;
        if (PQconsumeInput(pg) != 1)
            break; /* what the server said before it went is in the result */
    }
    *ret_result = PQgetResult(pg);
    return ink_ok();
}

/* What is worse than an error can come after the commit, when the server goes on its way; and there
 * is an error that says nothing else (40003, statement_completion_unknown). The setting of the
 * timeout is refused by itself, and the statement not. */
static bool is_refused(const struct ink_db_flight *flight, const PGresult *result,
                       const char *sqlstate)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return flight->steps[flight->step] != INK_DB_STEP_TIMEOUT && severity != NULL &&
           strcmp(severity, "ERROR") == 0 && sqlstate != NULL && strcmp(sqlstate, "40003") != 0;
}

static void take_error(struct ink_db_flight *flight, struct ink_db_conn *conn,
                       const struct ink_ctx *ctx, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    conn->broken |= ink_db_sqlstate_breaks(sqlstate);
    if (!ink_is_ok(flight->failure))
        return;
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    flight->failure = ink_db_sqlstate_status(ctx->arena, sqlstate,
                                             PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME),
                                             text != NULL ? text : PQresultErrorMessage(result));
    flight->failure.undone = is_refused(flight, result, sqlstate);
}

/* Takes one result; it may keep it. */
static void take_result(struct ink_db_flight *flight, struct ink_db_conn *conn,
                        const struct ink_ctx *ctx, PGresult **result)
{
    enum ink_db_step step = flight->steps[flight->step];
    switch (PQresultStatus(*result)) {
    case PGRES_PIPELINE_SYNC:
        flight->syncs--;
        break;
    case PGRES_PIPELINE_ABORTED:
        break;
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        if (step == INK_DB_STEP_TIMEOUT)
            conn->timeout_ms = flight->timeout_ms;
        else if (step == INK_DB_STEP_PREPARE)
            remember_prepared(conn, flight->statement);
        PQclear(flight->last);
        flight->last = *result;
        *result = NULL;
        break;
    default:
        take_error(flight, conn, ctx, *result);
    }
}

static struct ink_status receive(struct ink_db_flight *flight, struct ink_db_conn *conn,
                                 const struct ink_ctx *ctx)
{
    while (flight->syncs > 0) {
        RESULT *result = NULL;
        struct ink_status status = next_result(conn, ctx, &result);
        if (!ink_is_ok(status))
            return status;
        if (result != NULL)
            take_result(flight, conn, ctx, &result);
        else if (flight->step + 1 < flight->step_count)
            flight->step++;
        if (!ink_is_ok(flight->failure) && conn->broken)
            break;
        if (PQstatus(conn->pg) == CONNECTION_BAD)
            return ink_db_unavailable(ctx->arena, PQerrorMessage(conn->pg));
    }
    return flight->failure;
}

struct ink_status ink_db_conn_send(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                                   const struct ink_db_command *command)
{
    if (command->params != NULL && command->params->has_nul)
        return ink_db_undone(ink_error(INK_INVALID_ARGUMENT, "a text has a NUL character"));
    struct ink_status status = ink_ctx_check(ctx);
    if (!ink_is_ok(status))
        return ink_db_undone(status);
    if (conn->broken) /* by an earlier statement of the transaction */
        return ink_db_undone(ink_db_unavailable(ctx->arena, "the transaction lost its connection"));
    conn->flight = (struct ink_db_flight){.statement = command->statement};
    if (!queue_command(&conn->flight, conn, ctx, command))
        status = ink_db_unavailable(ctx->arena, PQerrorMessage(conn->pg));
    if (ink_is_ok(status))
        status = flush(conn, ctx);
    conn->broken |= !ink_is_ok(status);
    return status;
}

struct ink_status ink_db_conn_receive(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                                      struct ink_db_rows *ret_rows)
{
    struct ink_db_flight *flight = &conn->flight;
    struct ink_status status = receive(flight, conn, ctx);
    conn->broken |= flight->syncs > 0; /* some of the answer is still to come */
    if (ink_is_ok(status) && ret_rows != NULL)
        ret_rows->result = flight->last;
    else
        PQclear(flight->last);
    return status;
}

struct ink_status ink_db_conn_run(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                                  const struct ink_db_command *command,
                                  struct ink_db_rows *ret_rows)
{
    struct ink_status status = ink_db_conn_send(conn, ctx, command);
    return ink_is_ok(status) ? ink_db_conn_receive(conn, ctx, ret_rows) : status;
}

/* The simple protocol takes several statements in one text, but not in pipeline mode. */
struct ink_status ink_db_conn_script(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                                     const char *sql)
{
    struct ink_status status = ink_ctx_check(ctx);
    if (!ink_is_ok(status))
        return status;
    struct ink_db_flight flight = {0};
    conn->broken = true; /* until all of it was answered */
    if (PQexitPipelineMode(conn->pg) != 1 || PQsendQuery(conn->pg, sql) != 1)
        return ink_db_unavailable(ctx->arena, PQerrorMessage(conn->pg));
    status = flush(conn, ctx);
    while (ink_is_ok(status)) {
        RESULT *result = NULL;
        status = next_result(conn, ctx, &result);
        if (!ink_is_ok(status))
            return status;
        if (result == NULL)
            break;
        ExecStatusType kind = PQresultStatus(result);
        if (kind == PGRES_COPY_IN || kind == PGRES_COPY_OUT)
            return ink_error_cause(ctx->arena, INK_INTERNAL, "internal error", "COPY in a script");
        if (kind != PGRES_COMMAND_OK && kind != PGRES_TUPLES_OK && kind != PGRES_EMPTY_QUERY)
            take_error(&flight, conn, ctx, result);
    }
    if (ink_is_ok(status))
        conn->broken = PQstatus(conn->pg) == CONNECTION_BAD || PQenterPipelineMode(conn->pg) != 1;
    return ink_is_ok(status) ? flight.failure : status;
}
