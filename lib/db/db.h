/*
 * PostgreSQL through a bounded pool of connections (libpq; PostgreSQL 14 or newer). One pool serves
 * one database. Statements are prepared once a connection; preparing, opening a transaction and
 * setting the timeout travel with the statement, so that each call is one round trip.
 *
 *     static const struct ink_db_statement find_user = {
 *         .name = "find_user", .sql = "SELECT id, username FROM users WHERE lower(email) =
 * lower($1)"};
 *
 *     INK_DB_ROWS struct ink_db_rows rows = {0};
 *     struct ink_db_params params = ink_db_params(ctx->arena);
 *     ink_db_add_text(&params, email);
 *     struct ink_status status = ink_db_query(db, ctx, &find_user, &params, &rows);
 *     if (ink_is_ok(status) && ink_db_row_count(&rows) == 1)
 *         user->id = ink_arena_strdup(ctx->arena, ink_db_text(&rows, 0, 0));
 *
 * Time. No call outlives its context: it waits for a busy pool at most until its wait limit, and
 * not at all when connections come back too slowly for that, or none does; for a connection that is
 * being made until the connect timeout; and for an answer until the context's deadline (and at most
 * the pool's statement limit), whatever the server does, even when it is frozen. The server is told
 * statement_timeout, a little below what is left of the deadline and rounded so that most calls
 * find it already set: a slow statement ends on the server and its connection lives on. When the
 * server does not answer in time, or the context is cancelled, the connection is closed;
 * client_connection_check_interval makes the server end the statement within a second (PQcancel
 * would block on a frozen server, so it is not used).
 *
 * Shares. The calls of one method (ctx->method) hold three quarters of the connections at most, and
 * all but one of few; the others stay for whoever else asks. What is given back goes to the method
 * that has fewest, and among its calls to the first. Work that no call asked for may have all.
 *
 * Away. A thread of the pool makes the connections. While it cannot, calls fail at once instead of
 * waiting for it, and it tries again with growing pauses (50 ms to 1 s, with jitter). A connection
 * that died while idle is noticed before anything is sent on it and replaced unnoticed. A server
 * that is frozen is away, too: a call whose answer is late finds out by a new connection, which is
 * not greeted, within 700 ms; calls after it fail at once until the server goes on.
 *
 * Errors, from the pool and from SQLSTATEs; what PostgreSQL said is in `cause`, for the log:
 *   UNAVAILABLE         not prepared, away, shutting down, or gone in mid-statement (08..., 57...,
 *                       25006, 25P03): then a write may or may not have happened; or sick in a way
 *                       that is its operator's to mend, and no data are to blame (58..., XX...,
 *                       42501; sqlstate.c has all of them); retry_after_ms is set
 *   RESOURCE_EXHAUSTED  no free connection within the wait limit, or none to be expected; or the
 *                       server is out of something (53...); retry_after_ms is set
 *   DEADLINE_EXCEEDED   the context's deadline, or statement_timeout (57014); CANCELLED likewise
 *   ABORTED             serialisation failure, deadlock or lock timeout (40..., 55P03)
 *   ALREADY_EXISTS      unique violation (23505); ink_db_violates() tells which
 *   INVALID_ARGUMENT    a text with NUL or with bytes that are not UTF-8 (22021, 22P05)
 *   INTERNAL            everything else
 * A status is `undone` when nothing was sent, or when the server refused: what a single statement,
 * or COMMIT, should have changed has then not changed. Otherwise it may have, or still may.
 *
 * The pool is thread-safe; parameters, rows and transactions belong to one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/base/macros.h"
#include "lib/base/status.h"
#include "lib/db/migration.h"

struct ink_db;
struct ink_db_conn;
struct ink_db_tx;

struct ink_db_settings {
    const char *conninfo;         /* "postgresql://..." or "host=... dbname=..." */
    const char *application_name; /* shown by pg_stat_activity; may be NULL */
    const char *options;          /* of its sessions: "-c name=value -c ..."; may be NULL */
    size_t size;                  /* connections at most; 0 means 10 */
    int64_t wait_limit_ms;        /* for a busy pool; 0 means 250 */
    int64_t connect_timeout_ms;   /* for one attempt to connect; 0 means 700 */
    int64_t statement_limit_ms;   /* for a statement whose deadline is later; 0 means 30000 */
    /* The schema that calls rely on: they are UNAVAILABLE until ink_db_prepare() (migrate.h) has
     * seen to it. NULL when the pool's user sees to that. */
    const struct ink_db_migrations *migrations;
};

/* A pool that connects when first used, so a server that is away fails no start. The settings are
 * copied. INVALID_ARGUMENT for a malformed conninfo. Release with ink_db_free(). */
struct ink_status ink_db_new(struct ink_arena *arena, const struct ink_db_settings *settings,
                             struct ink_db **ret_db) INK_MUST_CHECK;
/* Closes all connections; none may be in use. NULL is fine. */
void ink_db_free(struct ink_db *db);

/* Gauges and counters for /metrics. */
struct ink_db_stats {
    size_t size;       /* the limit */
    size_t open;       /* connections: idle, in use or being made */
    size_t in_use;     /* connections that a call or transaction holds */
    size_t waiting;    /* calls waiting for one */
    bool down;         /* the last attempt to connect failed */
    uint64_t connects; /* connections made so far */
    uint64_t connect_failures;
    uint64_t discarded; /* connections closed because they broke or did not answer in time */
    uint64_t exhausted; /* calls that waited in vain, or would have */
};
struct ink_db_stats ink_db_stats(struct ink_db *db);

/* Asks the server for an answer: for readiness. */
struct ink_status ink_db_ping(struct ink_db *db, const struct ink_ctx *ctx) INK_MUST_CHECK;

/* One SQL statement with $1, $2, ... A constant of static storage: its address is its identity and
 * its name is unique in the program. */
struct ink_db_statement {
    const char *name;
    const char *sql;
};

#define INK_DB_MAX_PARAMS 32

/* The parameters $1, $2, ... in the order in which they are added; sent as text, typed by the
 * statement. Read no field but through the functions below. */
struct ink_db_params {
    struct ink_arena *arena;
    size_t count;
    const char *values[INK_DB_MAX_PARAMS];
    bool has_nul;
};

/* An empty list. What is added must live until the query returns, numbers go to the arena. */
struct ink_db_params ink_db_params(struct ink_arena *arena);
/* `text` may be NULL for SQL's NULL. */
void ink_db_add_text(struct ink_db_params *params, const char *text);
/* `size` bytes; one with a NUL makes the query fail with INVALID_ARGUMENT before it is sent. */
void ink_db_add_string(struct ink_db_params *params, const char *text, size_t size);
void ink_db_add_int64(struct ink_db_params *params, int64_t value);
void ink_db_add_bool(struct ink_db_params *params, bool value);
void ink_db_add_null(struct ink_db_params *params);
/* A timestamptz, in microseconds since the Unix epoch. */
void ink_db_add_time(struct ink_db_params *params, int64_t microseconds);
/* A bytea. */
void ink_db_add_bytes(struct ink_db_params *params, const void *data, size_t size);
/* An array of texts, for `= ANY($1::text[])` and `::uuid[]`. */
void ink_db_add_text_array(struct ink_db_params *params, const char *const *items, size_t count);

/* The rows of one statement, on the heap; {0} is empty. */
struct ink_db_rows {
    void *result;
};
/* Frees them; `*rows` is then empty. */
void ink_db_rows_release(struct ink_db_rows *rows);
#define INK_DB_ROWS INK_CLEANUP(ink_db_rows_release)

size_t ink_db_row_count(const struct ink_db_rows *rows);
/* How many rows an INSERT, UPDATE or DELETE touched. */
int64_t ink_db_affected(const struct ink_db_rows *rows);
/* Column values by row and by the column's place in the SELECT, both from 0; one out of range or of
 * another type is a programming error and aborts. A text lives as long as the rows and is NULL for
 * SQL's NULL, which the other types read as 0 or false. */
bool ink_db_is_null(const struct ink_db_rows *rows, size_t row, size_t column);
const char *ink_db_text(const struct ink_db_rows *rows, size_t row, size_t column);
size_t ink_db_text_size(const struct ink_db_rows *rows, size_t row, size_t column);
int64_t ink_db_int64(const struct ink_db_rows *rows, size_t row, size_t column);
bool ink_db_bool(const struct ink_db_rows *rows, size_t row, size_t column);
/* A timestamptz, in microseconds since the Unix epoch. */
int64_t ink_db_time(const struct ink_db_rows *rows, size_t row, size_t column);
/* A bytea, copied into the arena; NULL and size 0 for SQL's NULL. */
void *ink_db_bytes(const struct ink_db_rows *rows, struct ink_arena *arena, size_t row,
                   size_t column, size_t *ret_size);

/* Runs one statement as its own transaction. `params` and `ret_rows` may be NULL; *ret_rows, empty
 * before, is to be released. */
struct ink_status ink_db_query(struct ink_db *db, const struct ink_ctx *ctx,
                               const struct ink_db_statement *statement,
                               const struct ink_db_params *params,
                               struct ink_db_rows *ret_rows) INK_MUST_CHECK;

/* The same in two halves, with time for something else between them. What a call is sent for may
 * happen whether its answer is taken or not, and its connection is not free before; the statement's
 * time runs from the beginning. The context and its arena must outlive the call. Read no field;
 * `db` is NULL when there is no answer to take. */
struct ink_db_call {
    struct ink_db *db;
    struct ink_db_conn *conn;
    struct ink_ctx ctx;
};
struct ink_status ink_db_send(struct ink_db *db, const struct ink_ctx *ctx,
                              const struct ink_db_statement *statement,
                              const struct ink_db_params *params,
                              struct ink_db_call *ret_call) INK_MUST_CHECK;
struct ink_status ink_db_receive(struct ink_db_call *call,
                                 struct ink_db_rows *ret_rows) INK_MUST_CHECK;

/* Takes a connection for a transaction (READ COMMITTED), which BEGINs with its first statement. The
 * context must outlive it. Whatever is not committed is rolled back at the end of the scope:
 *
 *     INK_DB_TX struct ink_db_tx *tx = NULL;
 *     status = ink_db_begin(db, ctx, &tx);
 *     if (ink_is_ok(status))
 *         status = ink_db_tx_query(tx, &insert_user, &params, NULL);
 *     if (ink_is_ok(status))
 *         status = ink_db_commit(&tx);
 */
struct ink_status ink_db_begin(struct ink_db *db, const struct ink_ctx *ctx,
                               struct ink_db_tx **ret_tx) INK_MUST_CHECK;
struct ink_status ink_db_tx_query(struct ink_db_tx *tx, const struct ink_db_statement *statement,
                                  const struct ink_db_params *params,
                                  struct ink_db_rows *ret_rows) INK_MUST_CHECK;
/* Ends the transaction; *tx is then NULL. ABORTED when an earlier statement had failed, so that
 * nothing was committed. */
struct ink_status ink_db_commit(struct ink_db_tx **tx) INK_MUST_CHECK;
/* Gives up all that it did; *tx is then NULL. Fine on NULL. */
void ink_db_rollback(struct ink_db_tx **tx);
#define INK_DB_TX INK_CLEANUP(ink_db_rollback)

/* Whether `status` says that a constraint of this name was violated (any SQLSTATE of class 23): for
 * the service to say in its own words which field is taken. */
bool ink_db_violates(struct ink_status status, const char *constraint);
