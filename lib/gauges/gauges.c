#include "lib/gauges/gauges.h"

/* Defines `read_NAME`, which reads one member of what `stats_of` returns. */
#define READER(name, stats_of, member)                                                             \
    static double read_##name(void *self)                                                          \
    {                                                                                              \
        return (double)stats_of(self).member;                                                      \
    }

static struct ink_db_stats db_stats(void *self)
{
    return ink_db_stats(self);
}

static struct ink_cache_stats cache_stats(void *self)
{
    return ink_cache_stats(self);
}

static struct ink_relay_stats relay_stats(void *self)
{
    return ink_relay_stats(self);
}

static struct ink_password_stats password_stats(void *self)
{
    struct ink_password_stats stats;
    ink_password_pool_stats(self, &stats);
    return stats;
}

READER(db_size, db_stats, size)
READER(db_open, db_stats, open)
READER(db_in_use, db_stats, in_use)
READER(db_waiting, db_stats, waiting)
READER(db_down, db_stats, down)
READER(db_connects, db_stats, connects)
READER(db_connect_failures, db_stats, connect_failures)
READER(db_discarded, db_stats, discarded)
READER(db_exhausted, db_stats, exhausted)

READER(cache_near, cache_stats, near)
READER(cache_near_bytes, cache_stats, near_bytes)
READER(cache_hits, cache_stats, hits)
READER(cache_misses, cache_stats, misses)
READER(cache_errors, cache_stats, errors)
READER(cache_open, cache_stats, open)
READER(cache_in_use, cache_stats, in_use)
READER(cache_undelivered, cache_stats, undelivered)
READER(cache_breaker, cache_stats, breaker)

READER(relay_active, relay_stats, active)
READER(relay_depth, relay_stats, depth)
READER(relay_age, relay_stats, age_seconds)
READER(relay_refused, relay_stats, refused)
READER(relay_published, relay_stats, published)
READER(relay_failures, relay_stats, failures)
READER(relay_producers, relay_stats, producers)

READER(password_threads, password_stats, threads)
READER(password_running, password_stats, running)
READER(password_waiting, password_stats, waiting)
READER(password_computed, password_stats, computed)
READER(password_refused, password_stats, refused)

enum kind { COUNTER, GAUGE };

struct entry {
    enum kind kind;
    const char *name;
    const char *help;
    const char *result; /* the label `result`, or NULL for a metric without labels */
    ink_metrics_read_fn *read;
};

static void add_all(struct ink_metrics *metrics, const struct entry *entries, size_t count,
                    void *self)
{
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[i];
        const char *const *labels = entry->result == NULL ? NULL : INK_LABELS("result");
        struct ink_metric *metric =
            entry->kind == COUNTER ? ink_metrics_counter(metrics, entry->name, entry->help, labels)
                                   : ink_metrics_gauge(metrics, entry->name, entry->help, labels);
        const char *const *values = entry->result == NULL ? NULL : INK_LABELS(entry->result);
        ink_series_callback(ink_metric_series(metric, values), entry->read, self);
    }
}

void ink_gauges_add_db(struct ink_metrics *metrics, struct ink_db *db)
{
    static const struct entry entries[] = {
        {GAUGE, "db_pool_size", "Connections to PostgreSQL at most.", NULL, read_db_size},
        {GAUGE, "db_pool_connections", "Connections to PostgreSQL.", NULL, read_db_open},
        {GAUGE, "db_pool_connections_in_use", "Connections that a call holds.", NULL,
         read_db_in_use},
        {GAUGE, "db_pool_waiting", "Calls that wait for a connection.", NULL, read_db_waiting},
        {GAUGE, "db_pool_down", "1 while PostgreSQL cannot be reached.", NULL, read_db_down},
        {COUNTER, "db_pool_connects_total", "Connections made.", NULL, read_db_connects},
        {COUNTER, "db_pool_connect_failures_total", "Attempts to connect that failed.", NULL,
         read_db_connect_failures},
        {COUNTER, "db_pool_discarded_total", "Connections closed because they broke.", NULL,
         read_db_discarded},
        {COUNTER, "db_pool_exhausted_total", "Calls that waited for a connection in vain.", NULL,
         read_db_exhausted},
    };
    add_all(metrics, entries, INK_COUNT(entries), db);
}

void ink_gauges_add_cache(struct ink_metrics *metrics, struct ink_cache *cache)
{
    static const char requests[] = "Reads of the cache by their result.";
    static const struct entry entries[] = {
        {COUNTER, "cache_requests_total", requests, "near", read_cache_near},
        {COUNTER, "cache_requests_total", requests, "hit", read_cache_hits},
        {COUNTER, "cache_requests_total", requests, "miss", read_cache_misses},
        {COUNTER, "cache_requests_total", requests, "error", read_cache_errors},
        {GAUGE, "cache_near_bytes", "Memory that copies in the process take.", NULL,
         read_cache_near_bytes},
        {GAUGE, "cache_connections", "Connections to Redis.", NULL, read_cache_open},
        {GAUGE, "cache_connections_in_use", "Connections that a call holds.", NULL,
         read_cache_in_use},
        {GAUGE, "cache_undelivered", "Invalidations that wait for Redis.", NULL,
         read_cache_undelivered},
        {GAUGE, "cache_breaker_state", "0 closed, 1 probing, 2 open.", NULL, read_cache_breaker},
    };
    add_all(metrics, entries, INK_COUNT(entries), cache);
}

void ink_gauges_add_relay(struct ink_metrics *metrics, struct ink_relay *relay)
{
    static const struct entry entries[] = {
        {GAUGE, "outbox_depth", "Events that wait to be published.", NULL, read_relay_depth},
        {GAUGE, "outbox_oldest_seconds", "How long the oldest of them has waited.", NULL,
         read_relay_age},
        {GAUGE, "outbox_refused", "Events that Kafka will never take.", NULL, read_relay_refused},
        {GAUGE, "relay_active", "1 if this process publishes the outbox.", NULL, read_relay_active},
        {COUNTER, "relay_published_total", "Events that Kafka confirmed.", NULL,
         read_relay_published},
        {COUNTER, "relay_failures_total", "Rounds of publishing that failed.", NULL,
         read_relay_failures},
        {COUNTER, "relay_producers_total", "Producers made: more than one tells of failures.", NULL,
         read_relay_producers},
    };
    add_all(metrics, entries, INK_COUNT(entries), relay);
}

void ink_gauges_add_passwords(struct ink_metrics *metrics, struct ink_password_pool *pool)
{
    static const struct entry entries[] = {
        {GAUGE, "password_threads", "Threads that hash passwords.", NULL, read_password_threads},
        {GAUGE, "password_running", "Passwords being hashed.", NULL, read_password_running},
        {GAUGE, "password_waiting", "Calls that wait for a thread.", NULL, read_password_waiting},
        {COUNTER, "password_hashes_total", "Passwords hashed.", NULL, read_password_computed},
        {COUNTER, "password_refused_total", "Calls refused because too many waited.", NULL,
         read_password_refused},
    };
    add_all(metrics, entries, INK_COUNT(entries), pool);
}
