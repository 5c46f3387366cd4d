#include <string.h>

#include "lib/base/cond.h"
#include "lib/base/random.h"
#include "lib/db/pool.h"

#define FIRST_PAUSE (50 * INK_MILLISECOND)
#define LONGEST_PAUSE INK_SECOND

int64_t ink_db_backoff(unsigned failures)
{
    int64_t pause = FIRST_PAUSE;
    for (unsigned i = 1; i < failures && pause < LONGEST_PAUSE; i++)
        pause *= 2;
    return pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
}

/* Without the lock. */
static struct ink_status connect_now(struct ink_db *db, struct ink_arena *arena,
                                     struct ink_db_conn **ret_conn)
{
    struct ink_ctx ctx = ink_ctx_background(arena);
    ctx.deadline = ink_now() + db->connect_timeout;
    ctx.cancelled = &db->stopping;
    return ink_db_conn_open(&ctx, &db->info, ret_conn);
}

static void connected(struct ink_db *db, struct ink_db_conn *conn)
{
    db->stats.down = false;
    db->stats.connects++;
    db->failures = 0;
    ink_db_hand_out(db, conn);
}

/* A server that takes no further connection (too many clients) while others work is not away. */
static bool others_work(const struct ink_db *db)
{
    return db->stats.open > 0 && ink_now() - db->last_healthy < INK_SECOND;
}

static void failed(struct ink_db *db, struct ink_status why)
{
    db->stats.open--;
    db->stats.connect_failures++;
    db->failures++;
    int64_t pause = ink_db_backoff(db->failures);
    db->next_attempt = ink_now() + pause / 2 + ink_random_jitter() % (pause / 2);
    strncpy(db->last_failure, why.cause != NULL ? why.cause : why.message,
            sizeof(db->last_failure) - 1);
    db->stats.down = !others_work(db);
    if (db->stats.down)
        ink_db_turn_away(db);
}

/* With the lock held, which is dropped while connecting. */
static void connect_one(struct ink_db *db)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_db_conn *conn = NULL;
    db->stats.open++;
    pthread_mutex_unlock(&db->lock);
    struct ink_status status = connect_now(db, &arena, &conn);
    pthread_mutex_lock(&db->lock);
    if (ink_is_ok(status))
        connected(db, conn);
    else
        failed(db, status);
    ink_arena_release(&arena);
}

/* While the server is away it tries even when nobody waits: nobody does, then. */
void *ink_db_connector_main(void *arg)
{
    struct ink_db *db = arg;
    pthread_mutex_lock(&db->lock);
    while (!atomic_load(&db->stopping)) {
        bool wanted = db->stats.down || ink_db_next_waiter(db) != NULL;
        if (!wanted || db->stats.open >= db->all.most)
            pthread_cond_wait(&db->wake_connector, &db->lock);
        else if (db->failures > 0 && ink_now() < db->next_attempt)
            (void)ink_cond_wait_until(&db->wake_connector, &db->lock, db->next_attempt);
        else
            connect_one(db);
    }
    pthread_mutex_unlock(&db->lock);
    return NULL;
}
