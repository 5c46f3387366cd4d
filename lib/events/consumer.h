/*
 * A consumer of events with exactly one effect for each of them. It belongs to a Kafka consumer
 * group and to one database: a batch of events and the rows that tell which events were seen (the
 * inbox, a migration: lib/events/inbox.sql) are one transaction, or, many events, two of them at
 * the same time, and offsets are committed after them. Whatever dies in between, events come again
 * and are recognised: by ce_id, or, when they have none, by topic, partition and offset.
 *
 *     static struct ink_status handle(void *self, const struct ink_ctx *ctx, struct ink_db_tx *tx,
 *                                     struct ink_event *events, size_t count)
 *     {
 *         for (size_t i = 0; i < count; i++)
 *             if (!parse(&events[i], ...))
 *                 events[i].rejected = "the payload has no blogId";
 *         if (any was rejected)
 *             return ink_error(INK_INVALID_ARGUMENT, "rejected");
 *         return ink_db_tx_query(tx, &insert_notifications, ...);
 *     }
 *
 * What the handler answers decides:
 *
 *  - OK: the transaction is committed.
 *  - INVALID_ARGUMENT: it is rolled back; rejected events go to TOPIC.DLT (dead_letters.h), the
 *    others come again without them. When none is marked, the events come one by one to find the
 *    culprit.
 *  - UNAVAILABLE, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, ABORTED, CANCELLED: rolled back and tried
 *    again with growing pauses (100 ms to 5 s), for ever; meanwhile the consumer stays in its
 * group.
 *  - Anything else: the same three times, one by one; an event that still fails goes to TOPIC.DLT.
 *
 * In one lane, which is a partition unless `read` says otherwise, events come in order; what comes
 * after a dead letter does not wait for it.
 * Events of a type that is not in `types` are skipped and counted. A message from which no type can
 * be told goes to TOPIC.DLT.
 *
 * The consumer runs in a thread of its own; `read`, `done` and `abandon` are called there, and the
 * latter by ink_consumer_free(), too. The handler is called by it and by another thread at the same
 * time, each with lanes of its own. All functions are thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/db/db.h"
#include "lib/events/event.h"
#include "lib/events/kafka.h"

struct ink_consumer;

/* Called once for an event that has come: sets its content, in the arena, and its lane, or why it
 * is rejected. Events whose order matters have the same lane. May be NULL. */
typedef void ink_consumer_read_fn(void *self, struct ink_arena *arena, struct ink_event *event);

/* Handles `count` (at least 1) new events; `ctx` has a deadline. See above for its answer. */
typedef struct ink_status ink_consumer_fn(void *self, const struct ink_ctx *ctx,
                                          struct ink_db_tx *tx, struct ink_event *events,
                                          size_t count);

/* Called after the commit, with the events whose effects are now there: for caches and live
 * streams. Without events when all of them were known: then an attempt that seemed to fail had
 * committed. `settled` is false while there is another attempt of which nobody knows whether
 * it committed, or still will. May be NULL. What it does is lost when the process
 * dies right before it. */
typedef void ink_consumer_done_fn(void *self, const struct ink_ctx *ctx,
                                  const struct ink_event *events, size_t count, bool settled);

/* Called when a batch is given up of which an attempt may have committed, or still will: because
 * its partitions go to another consumer, who will find out, or because this one ends. May be NULL.
 */
typedef void ink_consumer_abandon_fn(void *self);

struct ink_consumer_settings {
    struct ink_kafka_settings kafka;
    const char *group;         /* "notification-group" */
    const char *const *topics; /* NULL-terminated; made when missing */
    const char *const *types;  /* NULL-terminated: what the handler knows; NULL for all */
    struct ink_db *db;         /* must outlive the consumer */
    ink_consumer_read_fn *read;
    ink_consumer_fn *handle;
    ink_consumer_done_fn *done;
    ink_consumer_abandon_fn *abandon;
    void *self;
    int batch;           /* events at once at most; 0 means 1000 */
    int64_t timeout_ms;  /* for one batch; 0 means 10000 */
    int64_t retention_s; /* of the inbox: longer than Kafka keeps messages; 0 means 30 days */
};

/* Starts a consumer; neither PostgreSQL nor Kafka need be there. The settings are copied, with
 * their strings. INVALID_ARGUMENT for settings that librdkafka does not understand. */
struct ink_status ink_consumer_new(struct ink_arena *arena,
                                   const struct ink_consumer_settings *settings,
                                   struct ink_consumer **ret_consumer) INK_MUST_CHECK;

/* Ends it after the batch at hand, and leaves the group, so that others take over at once. NULL is
 * fine. */
void ink_consumer_free(struct ink_consumer *consumer);

struct ink_consumer_stats {
    bool joined;         /* it has partitions assigned */
    bool troubled;       /* it is waiting to try again */
    int64_t lag;         /* messages in its partitions that it has not dealt with yet */
    uint64_t handled;    /* events whose effect was committed */
    uint64_t repeated;   /* events that the inbox knew already */
    uint64_t unknown;    /* events of types that nobody here knows */
    uint64_t dead;       /* messages that went to a dead-letter topic */
    uint64_t retries;    /* batches that were tried again */
    uint64_t rebalances; /* assignments so far */
};
struct ink_consumer_stats ink_consumer_stats(struct ink_consumer *consumer);
