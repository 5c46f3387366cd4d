#include "lib/db/pool.h"
#include "lib/base/blocks.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/cond.h"
#include "lib/db/sqlstate.h"

/* How often a waiting call looks whether its context was cancelled. */
#define CANCEL_CHECK (50 * INK_MILLISECOND)

struct ink_db_waiter {
    pthread_cond_t cond;
    struct ink_db_share *share;
    struct ink_db_conn *conn; /* what it got */
    bool turned_away;
    struct ink_db_waiter *next;
};

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
    db->all.most = settings->size > 0 ? settings->size : 10;
    db->wait_limit = limit(settings->wait_limit_ms, 250);
    db->connect_timeout = limit(settings->connect_timeout_ms, 700);
    db->statement_limit = limit(settings->statement_limit_ms, 30000);
    db->migrations = settings->migrations;
    atomic_store(&db->prepared, settings->migrations == NULL);
    pthread_mutex_init(&db->lock, NULL);
    pthread_cond_init(&db->wake_connector, NULL);
    start_connector(db);
    *ret_db = db;
    return ink_ok();
}

static struct ink_db_conn *pop_idle(struct ink_db *db)
{
    struct ink_db_conn *conn = db->idle;
    db->idle = conn->next;
    return conn;
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
    while (db->idle != NULL)
        ink_db_conn_close(pop_idle(db));
    ink_db_shares_free(db->shares);
    pthread_cond_destroy(&db->wake_connector);
    pthread_mutex_destroy(&db->lock);
    ink_db_conninfo_release(&db->info);
    free(db);
}

struct ink_db_stats ink_db_stats(struct ink_db *db)
{
    pthread_mutex_lock(&db->lock);
    struct ink_db_stats stats = db->stats;
    stats.size = db->all.most;
    stats.in_use = db->all.in_use;
    stats.waiting = db->all.waiting;
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
    db->all.waiting++;
    waiter->share->waiting++;
}

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
    db->all.waiting--;
    waiter->share->waiting--;
}

/* With the lock held. */
static void take_one(struct ink_db *db, struct ink_db_share *share, struct ink_db_conn *conn)
{
    conn->share = share;
    ink_db_share_take(&db->all);
    ink_db_share_take(share);
}

static void put_one_back(struct ink_db *db, struct ink_db_share *share)
{
    ink_db_share_put_back(&db->all, db->wait_limit);
    ink_db_share_put_back(share, db->wait_limit);
}

/* Who has fewest connections is next, and of these who came first. */
struct ink_db_waiter *ink_db_next_waiter(const struct ink_db *db)
{
    struct ink_db_waiter *next = NULL;
    for (struct ink_db_waiter *each = db->first_waiter; each != NULL; each = each->next)
        if (ink_db_share_has_room(each->share) &&
            (next == NULL || each->share->in_use < next->share->in_use))
            next = each;
    return next;
}

void ink_db_hand_out(struct ink_db *db, struct ink_db_conn *conn)
{
    struct ink_db_waiter *waiter = ink_db_next_waiter(db);
    if (waiter == NULL) {
        conn->next = db->idle;
        db->idle = conn;
        return;
    }
    leave_queue(db, waiter);
    waiter->conn = conn;
    take_one(db, waiter->share, conn);
    pthread_cond_signal(&waiter->cond);
}

void ink_db_turn_away(struct ink_db *db)
{
    while (db->first_waiter != NULL) {
        struct ink_db_waiter *waiter = db->first_waiter;
        leave_queue(db, waiter);
        waiter->turned_away = true;
        pthread_cond_signal(&waiter->cond);
    }
}

/* With the lock held: how many are served before one who comes now. */
static size_t line_before(const struct ink_db *db, const struct ink_db_share *share)
{
    size_t line = 0;
    for (const struct ink_db_waiter *each = db->first_waiter; each != NULL; each = each->next)
        if (each->share->in_use <= share->in_use)
            line++;
    return line;
}

/* With the lock held: whether a call that comes now would wait in vain. Whoever waits holds up a
 * thread that could serve somebody who needs no connection. */
static bool is_jammed(const struct ink_db *db, const struct ink_db_share *share)
{
    return ink_db_share_is_jammed(share, share->waiting, db->wait_limit) ||
           ink_db_share_is_jammed(&db->all, line_before(db, share), db->wait_limit);
}

/* With the lock held: whether it may have a connection as soon as there is one more. */
static bool has_room(const struct ink_db *db, const struct ink_db_share *share)
{
    return ink_db_share_has_room(&db->all) && ink_db_share_has_room(share);
}

static struct ink_status exhausted(struct ink_db *db, const struct ink_ctx *ctx,
                                   const struct ink_db_share *share)
{
    db->stats.exhausted++;
    struct ink_status status = ink_overloaded("too many requests at once", INK_DB_RETRY_AFTER_MS);
    if (ink_db_share_has_room(&db->all))
        status.cause = ink_arena_printf(
            ctx->arena, "the method's share, %zu of %zu database connections, is in use",
            share->most, db->all.most);
    else
        status.cause =
            ink_arena_printf(ctx->arena, "all %zu database connections are in use", db->all.most);
    return status;
}

/* With the lock held: the wait is over, and the waiter has nothing. */
static struct ink_status in_vain(struct ink_db *db, const struct ink_ctx *ctx,
                                 const struct ink_db_share *share)
{
    struct ink_status status = ink_ctx_check(ctx);
    if (!ink_is_ok(status))
        return status;
    if (has_room(db, share))
        return ink_db_unavailable(ctx->arena, "connecting takes too long");
    return exhausted(db, ctx, share);
}

/* With the lock held: until when this call waits in all. A connection that is being made is worth
 * more patience than a pool that is busy. */
static int64_t wait_end(const struct ink_db *db, const struct ink_ctx *ctx,
                        const struct ink_db_share *share, int64_t start)
{
    int64_t limit = db->wait_limit;
    if (has_room(db, share) && db->connect_timeout > limit)
        limit = db->connect_timeout;
    return ctx->deadline - start < limit ? ctx->deadline : start + limit;
}

/* With the lock held: waits for a connection from another call or from the connector. */
static struct ink_status wait_in_queue(struct ink_db *db, const struct ink_ctx *ctx,
                                       struct ink_db_share *share, struct ink_db_conn **ret_conn)
{
    struct ink_db_waiter waiter = {.share = share};
    pthread_cond_init(&waiter.cond, NULL);
    enqueue(db, &waiter);
    pthread_cond_signal(&db->wake_connector);
    int64_t start = ink_now();
    ink_blocks();
    while (waiter.conn == NULL && !waiter.turned_away) {
        int64_t now = ink_now(), end = wait_end(db, ctx, share, start);
        if (now >= end || ink_ctx_cancelled(ctx))
            break;
        bool look_up = ctx->cancelled != NULL && end - now > CANCEL_CHECK;
        (void)ink_cond_wait_until(&waiter.cond, &db->lock, look_up ? now + CANCEL_CHECK : end);
    }
    pthread_cond_destroy(&waiter.cond);
    if (waiter.conn != NULL) {
        *ret_conn = waiter.conn;
        return ink_ok();
    }
    if (waiter.turned_away)
        return ink_db_unavailable(ctx->arena, db->last_failure);
    leave_queue(db, &waiter);
    return in_vain(db, ctx, share);
}

/* With the lock held (dropped meanwhile): an idle connection that did not die, or NULL. */
static struct ink_db_conn *take_idle(struct ink_db *db, struct ink_db_share *share)
{
    while (db->idle != NULL && ink_db_share_has_room(share)) {
        struct ink_db_conn *conn = pop_idle(db);
        take_one(db, share, conn);
        pthread_mutex_unlock(&db->lock);
        bool alive = ink_db_conn_alive(conn);
        if (!alive)
            ink_db_conn_close(conn);
        pthread_mutex_lock(&db->lock);
        if (alive)
            return conn;
        db->all.in_use--;
        share->in_use--;
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
    struct ink_db_share *share = ink_db_share_find(&db->shares, ctx->method, db->all.most);
    struct ink_db_conn *conn = take_idle(db, share);
    if (conn != NULL)
        *ret_conn = conn;
    else if (db->stats.down)
        status = ink_db_unavailable(ctx->arena, db->last_failure);
    else if (is_jammed(db, share))
        status = exhausted(db, ctx, share);
    else
        status = wait_in_queue(db, ctx, share, ret_conn);
    pthread_mutex_unlock(&db->lock);
    return status;
}

static void discard(struct ink_db *db, struct ink_db_conn *conn)
{
    ink_db_conn_close(conn);
    db->stats.open--;
    db->stats.discarded++;
}

/* With the lock held: what lies idle would only hold the next callers. New calls fail at once until
 * the connector gets through. */
static void take_for_frozen(struct ink_db *db)
{
    while (db->idle != NULL)
        discard(db, pop_idle(db));
    db->stats.down = true;
    strncpy(db->last_failure, "it is frozen", sizeof(db->last_failure) - 1);
    ink_db_turn_away(db);
}

/* With the lock held: a method that is not at its share any more may have what lies idle. */
static void hand_out_idle(struct ink_db *db)
{
    while (db->idle != NULL && ink_db_next_waiter(db) != NULL) {
        struct ink_db_conn *conn = pop_idle(db);
        if (ink_db_conn_alive(conn))
            ink_db_hand_out(db, conn);
        else
            discard(db, conn);
    }
}

void ink_db_give_back(struct ink_db *db, struct ink_db_conn *conn)
{
    bool broken = conn->broken, frozen = conn->frozen;
    struct ink_db_share *share = conn->share;
    if (broken)
        ink_db_conn_close(conn);
    pthread_mutex_lock(&db->lock);
    put_one_back(db, share);
    if (broken) {
        db->stats.open--;
        db->stats.discarded++;
        if (frozen)
            take_for_frozen(db);
        hand_out_idle(db);
        pthread_cond_signal(&db->wake_connector); /* a waiter may want a new one */
    } else {
        db->last_healthy = ink_now();
        db->stats.down = false;
        ink_db_hand_out(db, conn);
    }
    pthread_mutex_unlock(&db->lock);
}
