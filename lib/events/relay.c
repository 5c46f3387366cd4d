#include "lib/events/relay.h"

#include <signal.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/cond.h"
#include "lib/base/random.h"
#include "lib/events/relay_internal.h"

#define STATEMENT_LIMIT_MS 5000
/* For the lock, to read and to delete. */
#define CONNECTIONS 3
#define LONGEST_PAUSE_MS 5000

/* Rows come in the order of an index, whatever the planner thinks of a table that it has not
 * analysed: of a pile it would sort all for the first few. And what a crash brings back, because a
 * deletion was not on the disk yet, is published twice, which is what consumers are ready for. */
static const char session_options[] = "-c enable_sort=off -c synchronous_commit=off";

bool ink_relay_over(struct ink_relay *relay)
{
    pthread_mutex_lock(&relay->lock);
    bool over = ink_now() >= relay->stop_at;
    pthread_mutex_unlock(&relay->lock);
    return over;
}

static bool stopping(struct ink_relay *relay)
{
    pthread_mutex_lock(&relay->lock);
    bool result = relay->stop_at != INK_NO_DEADLINE;
    pthread_mutex_unlock(&relay->lock);
    return result;
}

void ink_relay_trouble(struct ink_relay *relay, struct ink_status status)
{
    relay->failures++;
    pthread_mutex_lock(&relay->lock);
    bool first = !relay->stats.troubled;
    relay->stats.troubled = true;
    relay->stats.failures++;
    pthread_mutex_unlock(&relay->lock);
    if (first)
        ink_events_report(&relay->settings.kafka, true, "events wait in the outbox: %s",
                          status.cause != NULL ? status.cause : status.message);
}

void ink_relay_recovered(struct ink_relay *relay)
{
    relay->failures = 0;
    pthread_mutex_lock(&relay->lock);
    bool was = relay->stats.troubled;
    relay->stats.troubled = false;
    pthread_mutex_unlock(&relay->lock);
    if (was)
        ink_events_report(&relay->settings.kafka, false, "events leave the outbox again");
}

/* Counting a long outbox takes long: it may cost a twentieth of the time at most. */
void ink_relay_measure(struct ink_relay *relay)
{
    int64_t start = ink_now();
    if (start < relay->next_measure)
        return;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx ctx = ink_ctx_background(&arena);
    struct ink_outbox_stats outbox;
    if (ink_is_ok(ink_outbox_measure(relay->db, &ctx, &outbox))) {
        pthread_mutex_lock(&relay->lock);
        relay->stats.depth = outbox.depth;
        relay->stats.refused = outbox.refused;
        relay->stats.age_seconds = outbox.age_seconds;
        pthread_mutex_unlock(&relay->lock);
    }
    ink_arena_release(&arena);
    int64_t took = ink_now() - start;
    relay->next_measure = start + (20 * took > INK_SECOND ? 20 * took : INK_SECOND);
}

/* Waits until the relay is to end, the time is over, or, if it listens, somebody wakes it. */
static void wait_for(struct ink_relay *relay, int64_t ms, bool listens)
{
    int64_t end = ink_now() + ms * INK_MILLISECOND;
    pthread_mutex_lock(&relay->lock);
    while (!(listens && relay->woken) && relay->stop_at == INK_NO_DEADLINE &&
           ink_cond_wait_until(&relay->wake, &relay->lock, end))
        ;
    pthread_mutex_unlock(&relay->lock);
}

static void wait_for_work(struct ink_relay *relay)
{
    wait_for(relay, relay->settings.poll_ms, true);
    pthread_mutex_lock(&relay->lock);
    relay->woken = false;
    pthread_mutex_unlock(&relay->lock);
    /* After this a commit wakes anew: what was committed before is seen by the next read. */
    atomic_store(&relay->wake_pending, false);
}

/* The first commit meanwhile is remembered, and the others see that and wake nobody. */
static void wait_calmly(struct ink_relay *relay, int64_t ms)
{
    wait_for(relay, ms, false);
}

static void pause_after_failure(struct ink_relay *relay)
{
    unsigned shift = relay->failures < 7 ? relay->failures : 7;
    int64_t ms = INT64_C(50) << shift;
    ms = ms > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : ms;
    wait_calmly(relay, ms / 2 + ink_random_jitter() % (ms / 2 + 1));
}

static void *relay_main(void *arg)
{
    struct ink_relay *relay = arg;
    while (!ink_relay_over(relay)) {
        ink_relay_measure(relay);
        if (!ink_relay_lead(relay)) {
            if (stopping(relay))
                break;
            wait_calmly(relay, relay->settings.takeover_ms);
            continue;
        }
        switch (ink_relay_publish(relay)) {
        case INK_ROUND_EMPTY:
            if (stopping(relay))
                return NULL;
            wait_for_work(relay);
            break;
        case INK_ROUND_FAILED:
            pause_after_failure(relay);
            break;
        case INK_ROUND_DONE:
            break;
        }
    }
    return NULL;
}

void ink_outbox_wake(struct ink_relay *relay)
{
    if (relay == NULL || atomic_exchange(&relay->wake_pending, true))
        return;
    pthread_mutex_lock(&relay->lock);
    relay->woken = true;
    pthread_cond_signal(&relay->wake);
    pthread_mutex_unlock(&relay->lock);
}

/* The program's signals are for its own threads. */
static void start_thread(struct ink_relay *relay)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&relay->thread, NULL, relay_main, relay) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void init_waiting(struct ink_relay *relay)
{
    pthread_mutex_init(&relay->lock, NULL);
    pthread_cond_init(&relay->wake, NULL);
    relay->stop_at = INK_NO_DEADLINE;
}

static void copy_settings(struct ink_relay *relay, const struct ink_relay_settings *settings)
{
    relay->settings = *settings;
    relay->settings.kafka = ink_kafka_settings_copy(&settings->kafka);
    relay->settings.source = ink_strdup(settings->source);
    relay->settings.conninfo = NULL; /* the pool has it */
    if (settings->batch <= 0)
        relay->settings.batch = 2000;
    if (settings->poll_ms <= 0)
        relay->settings.poll_ms = 100;
    if (settings->takeover_ms <= 0)
        relay->settings.takeover_ms = 1000;
}

static void release(struct ink_relay *relay)
{
    ink_producer_free(relay->producer);
    ink_db_free(relay->db);
    ink_arena_release(&relay->lease_arena);
    ink_arena_release(&relay->delete_arena);
    ink_kafka_settings_release(&relay->settings.kafka);
    free((char *)relay->settings.source);
    ink_seqs_release(&relay->confirmed);
    ink_seqs_release(&relay->deleting);
    ink_seqs_release(&relay->known);
    pthread_cond_destroy(&relay->wake);
    pthread_mutex_destroy(&relay->lock);
    free(relay);
}

struct ink_status ink_relay_new(struct ink_arena *arena, const struct ink_relay_settings *settings,
                                struct ink_relay **ret_relay)
{
    struct ink_relay *relay = ink_calloc(1, sizeof(*relay));
    init_waiting(relay);
    ink_arena_init(&relay->lease_arena);
    ink_arena_init(&relay->delete_arena);
    copy_settings(relay, settings);
    const struct ink_db_settings db = {.conninfo = settings->conninfo,
                                       .application_name = "inkmesh-relay",
                                       .options = session_options,
                                       .size = CONNECTIONS,
                                       .statement_limit_ms = STATEMENT_LIMIT_MS};
    struct ink_status status = ink_db_new(arena, &db, &relay->db);
    if (ink_is_ok(status)) /* now, so that bad settings stop the program's start */
        status = ink_producer_new(arena, &relay->settings.kafka, &relay->producer);
    if (!ink_is_ok(status)) {
        release(relay);
        return status;
    }
    relay->stats.producers = 1;
    start_thread(relay);
    *ret_relay = relay;
    return ink_ok();
}

void ink_relay_free(struct ink_relay *relay, int64_t grace_ms)
{
    if (relay == NULL)
        return;
    pthread_mutex_lock(&relay->lock);
    relay->stop_at = ink_now() + grace_ms * INK_MILLISECOND;
    pthread_cond_signal(&relay->wake);
    pthread_mutex_unlock(&relay->lock);
    pthread_join(relay->thread, NULL);
    ink_relay_resign(relay);
    release(relay);
}

struct ink_relay_stats ink_relay_stats(struct ink_relay *relay)
{
    pthread_mutex_lock(&relay->lock);
    struct ink_relay_stats stats = relay->stats;
    pthread_mutex_unlock(&relay->lock);
    return stats;
}
