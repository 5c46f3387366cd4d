/*
 * Who has which connection: the pool's own interface, inside lib/db only.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/db/conn.h"
#include "lib/db/db.h"
#include "lib/db/share.h"

struct ink_db_waiter; /* a call that waits for a connection, on its stack */

struct ink_db {
    struct ink_db_conninfo info;
    int64_t wait_limit;
    int64_t connect_timeout;
    int64_t statement_limit; /* these three in nanoseconds */
    const struct ink_db_migrations *migrations;
    atomic_bool prepared;

    pthread_mutex_t lock; /* guards all below but the atomics */
    struct ink_db_conn *idle;
    struct ink_db_waiter *first_waiter; /* in the order of their coming */
    struct ink_db_waiter *last_waiter;
    struct ink_db_share all;
    struct ink_db_share *shares; /* of each method that was seen */
    struct ink_db_stats stats;   /* but what `all` counts */
    int64_t last_healthy;        /* when a connection was last returned in order */
    int64_t next_attempt;        /* not to connect earlier */
    unsigned failures;           /* to connect, in a row */
    char last_failure[256];      /* for the log */

    pthread_t connector;
    pthread_cond_t wake_connector;
    atomic_bool stopping;
};

/* Takes a connection that looks alive: see db.h for how long this waits and what it answers. */
struct ink_status ink_db_acquire(struct ink_db *db, const struct ink_ctx *ctx,
                                 struct ink_db_conn **ret_conn) INK_MUST_CHECK;
/* Gives it back, or closes it when it is broken. */
void ink_db_give_back(struct ink_db *db, struct ink_db_conn *conn);

/* The thread that makes connections; `arg` is the pool. */
void *ink_db_connector_main(void *arg);
/* With the lock held: the waiter who gets the next connection; NULL when none may have one. */
struct ink_db_waiter *ink_db_next_waiter(const struct ink_db *db);
/* With the lock held: hands the connection to a waiter or lays it by. */
void ink_db_hand_out(struct ink_db *db, struct ink_db_conn *conn);
/* With the lock held: tells all waiters that there will be none. */
void ink_db_turn_away(struct ink_db *db);
/* How long to wait after the n-th failure in a row, before jitter. */
int64_t ink_db_backoff(unsigned failures);
