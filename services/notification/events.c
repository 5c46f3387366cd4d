#include "services/notification/events.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/hash.h"
#include "lib/events/consumer.h"
#include "services/notification/told.h"

struct notification_events {
    struct notification_service *service;
    pthread_mutex_t lock;          /* guards all below */
    struct ink_consumer *consumer; /* NULL once drained */
    struct ink_hash_seed seed;     /* of lanes */

    struct ink_arena arena;              /* of the next */
    struct notification_changes changes; /* that Redis is to be told of when they are committed */
};

void notification_events_free(struct notification_events *events)
{
    if (events == NULL)
        return;
    notification_events_drain(events, 0);
    pthread_mutex_destroy(&events->lock);
    ink_arena_release(&events->arena);
    free(events);
}

/* Consuming */

/* One user's notifications have one mailbox, which two transactions would take turns at. */
static void read_event(void *self, struct ink_arena *arena, struct ink_event *event)
{
    struct notification_events *events = self;
    struct notification_row row;
    if (!notification_told(arena, event, &row))
        return;
    event->content = ink_arena_memdup(arena, &row, sizeof(row));
    event->lane = (uint32_t)ink_hash(&events->seed, row.user_id, strlen(row.user_id));
}

/* The notifications that events give. */
static struct notification_row *rows_of(struct ink_arena *arena, const struct ink_event *list,
                                        size_t count, size_t *ret_count)
{
    struct notification_row *rows = ink_arena_calloc(arena, count, sizeof(*rows));
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i].content != NULL)
            rows[(*ret_count)++] = *(const struct notification_row *)list[i].content;
    }
    return rows;
}

/* The changes outlive their attempt: of a commit that failed nobody knows whether it happened
 * before the next attempt finds out. */
static void keep_changes(struct notification_events *events,
                         const struct notification_changes *changes)
{
    pthread_mutex_lock(&events->lock);
    struct notification_changes *kept = &events->changes;
    struct notification_change *list =
        ink_arena_calloc(&events->arena, kept->count + changes->count, sizeof(*list));
    if (kept->count > 0)
        memcpy(list, kept->list, kept->count * sizeof(*list));
    kept->list = list;
    for (size_t i = 0; i < changes->count; i++)
        list[kept->count++] = (struct notification_change){
            ink_arena_strdup(&events->arena, changes->list[i].user_id), changes->list[i].version};
    pthread_mutex_unlock(&events->lock);
}

static void forget_changes(struct notification_events *events)
{
    pthread_mutex_lock(&events->lock);
    events->changes.count = 0;
    ink_arena_release(&events->arena);
    ink_arena_init(&events->arena);
    pthread_mutex_unlock(&events->lock);
}

/* Between transactions. What one without outcome may still change is told again, after it did: what
 * Redis was told before, it may have forgotten and filled by then. */
static void tell_changes(struct notification_events *events, const struct ink_ctx *ctx,
                         bool settled)
{
    notification_service_stale(events->service, ctx, &events->changes);
    if (settled)
        forget_changes(events);
}

/* Whoever has the events next finds out what became of the transaction, but if it has happened does
 * not know whom it was about. */
static void abandon(void *self)
{
    struct notification_events *events = self;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx ctx = ink_ctx_background(&arena);
    notification_service_doubt(events->service, &ctx, &events->changes);
    ink_arena_release(&arena);
    forget_changes(events);
}

static struct ink_status handle(void *self, const struct ink_ctx *ctx, struct ink_db_tx *tx,
                                struct ink_event *list, size_t count)
{
    struct notification_events *events = self;
    size_t n_rows;
    struct notification_row *rows = rows_of(ctx->arena, list, count, &n_rows);
    if (n_rows == 0)
        return ink_ok();
    struct notification_changes changes;
    struct ink_status status =
        notification_service_add(events->service, tx, ctx, rows, n_rows, &changes);
    if (ink_is_ok(status))
        keep_changes(events, &changes);
    return status;
}

static void done(void *self, const struct ink_ctx *ctx, const struct ink_event *list, size_t count,
                 bool settled)
{
    struct notification_events *events = self;
    size_t n_rows;
    struct notification_row *rows = rows_of(ctx->arena, list, count, &n_rows);
    tell_changes(events, ctx, settled);
    notification_service_tell(events->service, rows, n_rows);
}

struct ink_status notification_events_new(struct ink_arena *arena,
                                          struct notification_service *service, struct ink_db *db,
                                          const struct ink_kafka_settings *kafka,
                                          int64_t inbox_retention_s,
                                          struct notification_events **ret_events)
{
    static const char *const topics[] = {"user-events", "blog-events", NULL};
    struct notification_events *events = ink_calloc(1, sizeof(*events));
    events->service = service;
    pthread_mutex_init(&events->lock, NULL);
    ink_hash_seed(&events->seed);
    ink_arena_init(&events->arena);
    const struct ink_consumer_settings settings = {
        .kafka = *kafka,
        .group = NOTIFICATION_GROUP,
        .topics = topics,
        .types = notification_event_types,
        .db = db,
        .read = read_event,
        .handle = handle,
        .done = done,
        .abandon = abandon,
        .self = events,
        .retention_s = inbox_retention_s,
    };
    struct ink_status status = ink_consumer_new(arena, &settings, &events->consumer);
    if (ink_is_ok(status))
        *ret_events = events;
    else
        notification_events_free(events);
    return status;
}

static struct ink_consumer_stats stats_of(struct notification_events *events)
{
    struct ink_consumer_stats stats = {0};
    pthread_mutex_lock(&events->lock);
    if (events->consumer != NULL)
        stats = ink_consumer_stats(events->consumer);
    pthread_mutex_unlock(&events->lock);
    return stats;
}

struct ink_status notification_events_check(void *self, struct ink_arena *arena)
{
    (void)arena;
    struct ink_consumer_stats stats = stats_of(self);
    if (stats.joined && !stats.troubled)
        return ink_ok();
    return ink_error(INK_UNAVAILABLE, "events cannot be consumed");
}

void notification_events_drain(void *self, int64_t grace_ms)
{
    (void)grace_ms; /* a batch has a limit of its own, and so has leaving the group */
    struct notification_events *events = self;
    pthread_mutex_lock(&events->lock);
    struct ink_consumer *consumer = events->consumer;
    events->consumer = NULL;
    pthread_mutex_unlock(&events->lock);
    ink_consumer_free(consumer);
}

/* Metrics */

#define READER(member)                                                                             \
    static double read_##member(void *self)                                                        \
    {                                                                                              \
        return (double)stats_of(self).member;                                                      \
    }
READER(joined)
READER(troubled)
READER(lag)
READER(handled)
READER(repeated)
READER(unknown)
READER(dead)
READER(retries)
READER(rebalances)

void notification_events_add_gauges(struct ink_metrics *metrics, struct notification_events *events)
{
    static const struct {
        bool counter;
        const char *name, *help;
        ink_metrics_read_fn *read;
    } table[] = {
        {false, "event_consumer_joined", "Whether it has partitions (1).", read_joined},
        {false, "event_consumer_troubled", "Whether it waits to try again (1).", read_troubled},
        {false, "event_consumer_lag", "Messages that are not dealt with yet.", read_lag},
        {true, "event_consumer_handled_total", "Events whose effect was committed.", read_handled},
        {true, "event_consumer_repeated_total", "Events that were known already.", read_repeated},
        {true, "event_consumer_unknown_total", "Events of unknown types.", read_unknown},
        {true, "event_consumer_dead_total", "Messages put into dead-letter topics.", read_dead},
        {true, "event_consumer_retries_total", "Batches that were tried again.", read_retries},
        {true, "event_consumer_rebalances_total", "Assignments of partitions.", read_rebalances},
    };
    for (size_t i = 0; i < INK_COUNT(table); i++) {
        struct ink_metric *metric =
            table[i].counter ? ink_metrics_counter(metrics, table[i].name, table[i].help, NULL)
                             : ink_metrics_gauge(metrics, table[i].name, table[i].help, NULL);
        ink_series_callback(ink_metric_series(metric, NULL), table[i].read, events);
    }
}
