#include "services/notification/events.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/events/consumer.h"
#include "services/notification/told.h"

struct notification_events {
    struct notification_service *service;
    pthread_mutex_t lock;          /* guards the next */
    struct ink_consumer *consumer; /* NULL once drained */

    struct notification_row *rows; /* of the batch at hand, from handle() to done() */
    size_t n_rows;
};

void notification_events_free(struct notification_events *events)
{
    if (events == NULL)
        return;
    notification_events_drain(events, 0);
    pthread_mutex_destroy(&events->lock);
    free(events);
}

/* Consuming */

static struct ink_status handle(void *self, const struct ink_ctx *ctx, struct ink_db_tx *tx,
                                struct ink_event *list, size_t count)
{
    struct notification_events *events = self;
    struct notification_row *rows = ink_arena_calloc(ctx->arena, count, sizeof(*rows));
    size_t n_rows = 0;
    bool rejected = false;
    for (size_t i = 0; i < count; i++) {
        n_rows += notification_told(ctx->arena, &list[i], &rows[n_rows]);
        rejected = rejected || list[i].rejected != NULL;
    }
    if (rejected)
        return ink_error(INK_INVALID_ARGUMENT, "rejected");
    events->rows = rows;
    events->n_rows = n_rows;
    if (n_rows == 0)
        return ink_ok();
    return notification_service_add(events->service, tx, ctx, rows, n_rows);
}

static void done(void *self, const struct ink_ctx *ctx, const struct ink_event *list, size_t count)
{
    (void)ctx;
    (void)list;
    (void)count;
    struct notification_events *events = self;
    notification_service_tell(events->service, events->rows, events->n_rows);
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
    const struct ink_consumer_settings settings = {
        .kafka = *kafka,
        .group = NOTIFICATION_GROUP,
        .topics = topics,
        .types = notification_event_types,
        .db = db,
        .handle = handle,
        .done = done,
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
    (void)grace_ms; /* a batch has a limit of its own */
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
