/*
 * What an SQLSTATE (PostgreSQL's documentation, appendix A) means for a caller. Pure functions,
 * inside lib/db only.
 */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/status.h"

/* For RetryInfo: when a call that found the database away or busy may come again. */
#define INK_DB_RETRY_AFTER_MS 1000

/*
 * The status of a failed statement. Any argument but `arena` may be NULL (no SQLSTATE means that
 * the connection broke). The caller learns what to do; `cause`, for the log, is "SQLSTATE
 * CONSTRAINT: TEXT" without the server's DETAIL, which would quote people's data.
 */
struct ink_status ink_db_sqlstate_status(struct ink_arena *arena, const char *sqlstate,
                                         const char *constraint, const char *text);

/* The same status of a command that has surely changed nothing. */
static inline struct ink_status ink_db_undone(struct ink_status status)
{
    status.undone = true;
    return status;
}

/* UNAVAILABLE with its retry time; `cause` may be NULL. */
struct ink_status ink_db_unavailable(struct ink_arena *arena, const char *cause);

/* Whether a connection on which this happened is of no more use. */
bool ink_db_sqlstate_breaks(const char *sqlstate);
