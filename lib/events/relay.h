/*
 * The relay publishes what the outbox (outbox.h) holds: row by row in the order of `seq`, to the
 * topic AGGREGATETYPE-events, keyed by the aggregate's id, with CloudEvents headers (binary content
 * mode of the Kafka protocol binding 1.0): ce_id, ce_source, ce_specversion, ce_type, ce_time,
 * content-type, and what the row's `headers` hold, such as traceparent. A row is deleted when Kafka
 * has confirmed it (acks=all, idempotent producer), so every event arrives at least once, and for
 * each key the first arrivals are in order. Of a pile, the next batch is read and sent while the
 * last one waits to be confirmed.
 *
 * Every replica of a service has a relay; one of a database is active at a time. It holds an
 * advisory lock in a transaction that does nothing else; when it dies, or is frozen for 10 s,
 * another takes over. Kafka away: rows pile up and go out by themselves when it is back. PostgreSQL
 * away: likewise. A producer that has failed for good (a fatal idempotence error) is replaced. An
 * event that Kafka will never take (too large, say) stays in the table with the reason in `error`,
 * and the others go on; set `error` to NULL to try it again.
 *
 * It runs in a thread of its own over a pool of its own (three connections), so that a busy service
 * cannot starve it. All functions are thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/status.h"
#include "lib/events/kafka.h"
#include "lib/events/outbox.h"

struct ink_relay_settings {
    struct ink_kafka_settings kafka;
    const char *conninfo; /* of the service's database */
    const char *source;   /* ce_source, a URI reference: "/inkmesh/user" */
    int batch;            /* rows published at a time; 0 means 2000 */
    int64_t poll_ms;      /* how often to look for rows unasked; 0 means 100 */
    int64_t takeover_ms;  /* how often to ask for the lock; 0 means 1000 */
};

/* Starts a relay; neither PostgreSQL nor Kafka need be there. The settings are copied.
 * INVALID_ARGUMENT for settings that libpq or librdkafka do not understand. */
struct ink_status ink_relay_new(struct ink_arena *arena, const struct ink_relay_settings *settings,
                                struct ink_relay **ret_relay) INK_MUST_CHECK;

/* Publishes what is there if that takes at most `grace_ms`, and ends the relay; what is not
 * confirmed by then stays in the outbox. Call when no more rows are written. NULL is fine. */
void ink_relay_free(struct ink_relay *relay, int64_t grace_ms);

struct ink_relay_stats {
    bool active;        /* it holds the lock */
    bool troubled;      /* the last attempt to publish or to reach the database failed */
    int64_t depth;      /* rows in the outbox, refused ones apart; measured every second */
    double age_seconds; /* of the oldest of these; 0 when there is none */
    int64_t refused;    /* rows that Kafka will never take */
    uint64_t published; /* events that Kafka confirmed to this relay */
    uint64_t failures;  /* rounds that failed */
    uint64_t producers; /* producers made so far: more than one tells of failures */
};
struct ink_relay_stats ink_relay_stats(struct ink_relay *relay);
