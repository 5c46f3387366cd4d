/*
 * One connection to PostgreSQL that never blocks beyond its caller's deadline: libpq's asynchronous
 * calls and poll(). Inside lib/db only; a connection belongs to one thread at a time.
 */
#pragma once

#include <postgresql/libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/db/db.h"

struct ink_db_conninfo;
struct ink_db_share;

/* A command on its way: which queries were queued, in order, and what came back. */
enum ink_db_step { INK_DB_STEP_TIMEOUT, INK_DB_STEP_PREPARE, INK_DB_STEP_OTHER };

struct ink_db_flight {
    enum ink_db_step steps[4];
    size_t step_count;
    size_t step;  /* whose results are being read */
    size_t syncs; /* still to come */
    int64_t timeout_ms;
    const struct ink_db_statement *statement;
    PGresult *last;            /* result of the last query that had one */
    struct ink_status failure; /* the first */
};

struct ink_db_conn {
    PGconn *pg;
    const struct ink_db_conninfo *info; /* what it was made with */
    struct ink_db_conn *next;           /* of the pool's idle ones */
    struct ink_db_share *share;         /* whose use it is in */
    bool broken;                        /* to be closed instead of used again */
    bool frozen;                        /* broken, because the server does nothing any more */
    int64_t timeout_ms; /* the session's statement_timeout; 0 when it is not known */
    const struct ink_db_statement **prepared;
    size_t prepared_count;
    size_t prepared_cap;
    struct ink_db_flight flight; /* of the command that was sent last */
};

/* The connection parameters that libpq takes, NULL-terminated, on the heap. */
struct ink_db_conninfo {
    const char *keywords[12];
    const char *values[12];
    char *conninfo;
    char *application_name;
    char *options;
};

/* INVALID_ARGUMENT for a malformed conninfo; the message does not repeat it. */
struct ink_status ink_db_conninfo_init(struct ink_arena *arena, struct ink_db_conninfo *info,
                                       const struct ink_db_settings *settings) INK_MUST_CHECK;
void ink_db_conninfo_release(struct ink_db_conninfo *info);

/* Connects until the context's deadline; name resolution alone is not bounded by it. `info` must
 * outlive the connection. */
struct ink_status ink_db_conn_open(const struct ink_ctx *ctx, const struct ink_db_conninfo *info,
                                   struct ink_db_conn **ret_conn) INK_MUST_CHECK;
void ink_db_conn_close(struct ink_db_conn *conn);

/* Whether an idle connection still looks good; asks the kernel only. */
bool ink_db_conn_alive(const struct ink_db_conn *conn);

/* How many milliseconds the server gets of `left_ms`, at least 1: a little less, with four
 * significant bits, so that calls with nearly the same deadline find it already set. */
int64_t ink_db_server_timeout(int64_t left_ms);

/* What to send: what is NULL or false is left out. */
struct ink_db_command {
    bool begin;
    const char *sql; /* a command without parameters, like COMMIT */
    const struct ink_db_statement *statement;
    const struct ink_db_params *params;
    bool unlimited; /* no statement_timeout, for migrations */
};

/* Sends a command, and takes its answer, until the context's deadline. Sets `broken` where the
 * connection cannot be used again. An answer that is late makes it connect once more, to tell a
 * slow statement from a frozen server: nothing else can, for the kernel keeps the connection alive.
 */
struct ink_status ink_db_conn_send(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                                   const struct ink_db_command *command) INK_MUST_CHECK;
struct ink_status ink_db_conn_receive(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                                      struct ink_db_rows *ret_rows) INK_MUST_CHECK;
/* Both. */
struct ink_status ink_db_conn_run(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                                  const struct ink_db_command *command,
                                  struct ink_db_rows *ret_rows) INK_MUST_CHECK;

/* Runs SQL text of any number of statements, without time limit on the server. */
struct ink_status ink_db_conn_script(struct ink_db_conn *conn, const struct ink_ctx *ctx,
                                     const char *sql) INK_MUST_CHECK;
