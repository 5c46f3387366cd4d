#include "lib/db/prune.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/cond.h"

#define SOON_MS 5000 /* after the start or a failure */
#define MORE_MS 1000
#define INTERVAL_MS 3600000
#define STATEMENT_TIMEOUT (10 * INK_SECOND)

struct ink_db_pruner {
    struct ink_db_prune_settings settings;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopping;
};

/* In how many milliseconds to do so again. */
static int64_t prune(const struct ink_db_prune_settings *settings)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx ctx = ink_ctx_background(&arena);
    ctx.deadline = ink_now() + STATEMENT_TIMEOUT;
    struct ink_db_params params = ink_db_params(&arena);
    ink_db_add_int64(&params, settings->age_s);
    ink_db_add_int64(&params, settings->at_once);
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_status status =
        ink_db_query(settings->db, &ctx, settings->statement, &params, &rows);
    int64_t next = SOON_MS;
    if (ink_is_ok(status))
        next = ink_db_affected(&rows) < settings->at_once ? INTERVAL_MS : MORE_MS;
    ink_arena_release(&arena);
    return next;
}

/* True when it is to end. */
static bool wait_for_stop(struct ink_db_pruner *pruner, int64_t ms)
{
    int64_t end = ink_now() + ms * INK_MILLISECOND;
    pthread_mutex_lock(&pruner->lock);
    while (!pruner->stopping && ink_cond_wait_until(&pruner->stop, &pruner->lock, end))
        ;
    bool stopping = pruner->stopping;
    pthread_mutex_unlock(&pruner->lock);
    return stopping;
}

static void *run(void *self)
{
    struct ink_db_pruner *pruner = self;
    int64_t next_ms = SOON_MS;
    while (!wait_for_stop(pruner, next_ms))
        next_ms = prune(&pruner->settings);
    return NULL;
}

/* The program's signals are for its own threads. */
static void start_thread(struct ink_db_pruner *pruner)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&pruner->thread, NULL, run, pruner) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct ink_db_pruner *ink_db_pruner_new(const struct ink_db_prune_settings *settings)
{
    struct ink_db_pruner *pruner = ink_calloc(1, sizeof(*pruner));
    pruner->settings = *settings;
    pthread_mutex_init(&pruner->lock, NULL);
    pthread_cond_init(&pruner->stop, NULL);
    start_thread(pruner);
    return pruner;
}

void ink_db_pruner_free(struct ink_db_pruner *pruner)
{
    if (pruner == NULL)
        return;
    pthread_mutex_lock(&pruner->lock);
    pruner->stopping = true;
    pthread_cond_signal(&pruner->stop);
    pthread_mutex_unlock(&pruner->lock);
    pthread_join(pruner->thread, NULL);
    pthread_cond_destroy(&pruner->stop);
    pthread_mutex_destroy(&pruner->lock);
    free(pruner);
}
