#include "lib/db/pool.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/alloc.h"
#include "lib/db/sqlstate.h"

/* How often a waiting call looks whether its context was cancelled. */
#define CANCEL_CHECK (50 * INK_MILLISECOND)

struct ink_db_waiter {
    pthread_cond_t cond;
    struct ink_db_conn *conn; /* what it got */
    bool turned_away;
    struct ink_db_waiter *next;
};

static void init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

void ink_db_wait(struct ink_db *db, pthread_cond_t *cond, int64_t deadline)
{
    struct timespec time = {.tv_sec = deadline / INK_SECOND, .tv_nsec = deadline % INK_SECOND};
    pthread_cond_timedwait(cond, &db->lock, &time);
}

/* The program's signals are for its own threads. */
static void start_connector(struct ink_db *db)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&db->connector, NULL, ink_db_connector_main, db) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int64_t limit(int64_t ms, int64_t fallback_ms)
{
    return (ms > 0 ? ms : fallback_ms) * INK_MILLISECOND;
}

struct ink_status ink_db_new(struct ink_arena *arena, const struct ink_db_settings *settings,
                             struct ink_db **ret_db)
{
    struct ink_db_conninfo info;
    struct ink_status status = ink_db_conninfo_init(arena, &info, settings);
    if (!ink_is_ok(status))
        return status;
    struct ink_db *db = ink_calloc(1, sizeof(*db));
    db->info = info;
    db->size = settings->size > 0 ? settings->size : 10;
    db->wait_limit = limit(settings->wait_limit_ms, 250);
    db->connect_timeout = limit(settings->connect_timeout_ms, 700);
    db->statement_limit = limit(settings->statement_limit_ms, 30000);
    db->migrations = settings->migrations;
    atomic_store(&db->prepared, settings->migrations == NULL);
    db->stats.size = db->size;
    pthread_mutex_init(&db->lock, NULL);
    init_cond(&db->wake_connector);
    start_connector(db);
    *ret_db = db;
    return ink_ok();
}

void ink_db_free(struct ink_db *db)
{
    if (db == NULL)
        return;
    pthread_mutex_lock(&db->lock);
    atomic_store(&db->stopping, true);
    pthread_cond_signal(&db->wake_connector);
    pthread_mutex_unlock(&db->lock);
    pthread_join(db->connector, NULL);
    while (db->idle != NULL) {
        struct ink_db_conn *conn = db->idle;
        db->idle = conn->next;
        ink_db_conn_close(conn);
    }
    pthread_cond_destroy(&db->wake_connector);
    pthread_mutex_destroy(&db->lock);
    ink_db_conninfo_release(&db->info);
    free(db);
}

struct ink_db_stats ink_db_stats(struct ink_db *db)
{
    pthread_mutex_lock(&db->lock);
    struct ink_db_stats stats = db->stats;
    pthread_mutex_unlock(&db->lock);
    return stats;
}

static void enqueue(struct ink_db *db, struct ink_db_waiter *waiter)
{
    if (db->last_waiter != NULL)
        db->last_waiter->next = waiter;
    else
        db->first_waiter = waiter;
    db->last_waiter = waiter;
    db->stats.waiting++;
}

static struct ink_db_waiter *dequeue(struct ink_db *db)
{
    struct ink_db_waiter *waiter = db->first_waiter;
    db->first_waiter = waiter->next;
    if (db->first_waiter == NULL)
        db->last_waiter = NULL;
    db->stats.waiting--;
    return waiter;
}

/* A waiter that goes without having been served. */
static void leave_queue(struct ink_db *db, const struct ink_db_waiter *waiter)
{
    struct ink_db_waiter *before = NULL, *at = db->first_waiter;
    while (at != waiter) {
        before = at;
        at = at->next;
    }
    if (before != NULL)
        before->next = waiter->next;
    else
        db->first_waiter = waiter->next;
    if (db->last_waiter == waiter)
        db->last_waiter = before;
    db->stats.waiting--;
}

void ink_db_hand_out(struct ink_db *db, struct ink_db_conn *conn)
{
    if (db->first_waiter == NULL) {
        conn->next = db->idle;
        db->idle = conn;
        return;
    }
    struct ink_db_waiter *waiter = dequeue(db);
    waiter->conn = conn;
    db->stats.in_use++;
    pthread_cond_signal(&waiter->cond);
}

void ink_db_turn_away(struct ink_db *db)
{
    while (db->first_waiter != NULL) {
        struct ink_db_waiter *waiter = dequeue(db);
        waiter->turned_away = true;
        pthread_cond_signal(&waiter->cond);
    }
}

/* With the lock held: the wait is over, and the waiter has nothing. */
static struct ink_status in_vain(struct ink_db *db, const struct ink_ctx *ctx)
{
    struct ink_status status = ink_ctx_check(ctx);
    if (!ink_is_ok(status))
        return status;
    if (db->stats.in_use < db->size)
        return ink_db_unavailable(ctx->arena, "connecting takes too long");
    db->stats.exhausted++;
    status = ink_overloaded("too many requests at once", INK_DB_RETRY_AFTER_MS);
    status.cause =
        ink_arena_printf(ctx->arena, "all %zu database connections are in use", db->size);
    return status;
}

/* With the lock held: until when this call waits in all. A connection that is being made is worth
 * more patience than a pool that is busy. */
static int64_t wait_end(const struct ink_db *db, const struct ink_ctx *ctx, int64_t start)
{
    int64_t limit = db->wait_limit;
    if (db->stats.in_use < db->size && db->connect_timeout > limit)
        limit = db->connect_timeout;
    return ctx->deadline - start < limit ? ctx->deadline : start + limit;
}

/* With the lock held: waits for a connection from another call or from the connector. */
static struct ink_status wait_in_queue(struct ink_db *db, const struct ink_ctx *ctx,
                                       struct ink_db_conn **ret_conn)
{
    struct ink_db_waiter waiter = {0};
    init_cond(&waiter.cond);
    enqueue(db, &waiter);
    pthread_cond_signal(&db->wake_connector);
    int64_t start = ink_now();
    while (waiter.conn == NULL && !waiter.turned_away) {
        int64_t now = ink_now(), end = wait_end(db, ctx, start);
        if (now >= end || ink_ctx_cancelled(ctx))
            break;
        bool look_up = ctx->cancelled != NULL && end - now > CANCEL_CHECK;
        ink_db_wait(db, &waiter.cond, look_up ? now + CANCEL_CHECK : end);
    }
    pthread_cond_destroy(&waiter.cond);
    if (waiter.conn != NULL) {
        *ret_conn = waiter.conn;
        return ink_ok();
    }
    if (waiter.turned_away)
        return ink_db_unavailable(ctx->arena, db->last_failure);
    leave_queue(db, &waiter);
    return in_vain(db, ctx);
}

/* With the lock held (dropped meanwhile): an idle connection that did not die, or NULL. */
static struct ink_db_conn *take_idle(struct ink_db *db)
{
    while (db->idle != NULL) {
        struct ink_db_conn *conn = db->idle;
        db->idle = conn->next;
        db->stats.in_use++;
        pthread_mutex_unlock(&db->lock);
        bool alive = ink_db_conn_alive(conn);
        if (!alive)
            ink_db_conn_close(conn);
        pthread_mutex_lock(&db->lock);
        if (alive)
            return conn;
        db->stats.in_use--;
        db->stats.open--;
        db->stats.discarded++;
    }
    return NULL;
}

struct ink_status ink_db_acquire(struct ink_db *db, const struct ink_ctx *ctx,
                                 struct ink_db_conn **ret_conn)
{
    struct ink_status status = ink_ctx_check(ctx);
    if (!ink_is_ok(status))
        return status;
    pthread_mutex_lock(&db->lock);
    struct ink_db_conn *conn = take_idle(db);
    if (conn != NULL)
        *ret_conn = conn;
    else if (db->stats.down)
        status = ink_db_unavailable(ctx->arena, db->last_failure);
    else
        status = wait_in_queue(db, ctx, ret_conn);
    pthread_mutex_unlock(&db->lock);
    return status;
}

/* With the lock held: what lies idle would only hold the next callers. New calls fail at once until
 * the connector gets through. */
static void take_for_frozen(struct ink_db *db)
{
    while (db->idle != NULL) {
        struct ink_db_conn *conn = db->idle;
        db->idle = conn->next;
        ink_db_conn_close(conn);
        db->stats.open--;
        db->stats.discarded++;
    }
    db->stats.down = true;
    strncpy(db->last_failure, "it is frozen", sizeof(db->last_failure) - 1);
    ink_db_turn_away(db);
}

void ink_db_give_back(struct ink_db *db, struct ink_db_conn *conn)
{
    bool broken = conn->broken, frozen = conn->frozen;
    if (broken)
        ink_db_conn_close(conn);
    pthread_mutex_lock(&db->lock);
    db->stats.in_use--;
    if (broken) {
        db->stats.open--;
        db->stats.discarded++;
        if (frozen)
            take_for_frozen(db);
        pthread_cond_signal(&db->wake_connector); /* a waiter may want a new one */
    } else {
        db->last_healthy = ink_now();
        db->stats.down = false;
        ink_db_hand_out(db, conn);
    }
    pthread_mutex_unlock(&db->lock);
}
