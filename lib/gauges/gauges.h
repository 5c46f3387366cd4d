/*
 * What pools, caches and relays tell about themselves, as metrics that are read when Prometheus
 * asks:
 *
 *   db_pool_size, db_pool_connections, db_pool_connections_in_use, db_pool_waiting, db_pool_down,
 *   db_pool_connects_total, db_pool_connect_failures_total, db_pool_discarded_total,
 *   db_pool_exhausted_total
 *   cache_requests_total{result="hit", "miss" or "error"}, cache_connections,
 *   cache_connections_in_use, cache_undelivered, cache_breaker_state (0 closed, 1 probing, 2 open)
 *   outbox_depth, outbox_oldest_seconds, outbox_refused, relay_active, relay_published_total,
 *   relay_failures_total, relay_producers_total
 *   password_threads, password_running, password_waiting, password_hashes_total,
 *   password_refused_total
 *
 * Call each once, at the start. What is watched must outlive the metrics.
 */
#pragma once

#include "lib/auth/password.h"
#include "lib/cache/cache.h"
#include "lib/db/db.h"
#include "lib/events/relay.h"
#include "lib/metrics/metrics.h"

void ink_gauges_add_db(struct ink_metrics *metrics, struct ink_db *db);
void ink_gauges_add_cache(struct ink_metrics *metrics, struct ink_cache *cache);
void ink_gauges_add_relay(struct ink_metrics *metrics, struct ink_relay *relay);
void ink_gauges_add_passwords(struct ink_metrics *metrics, struct ink_password_pool *pool);
