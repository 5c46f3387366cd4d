/*
 * The consumer of user-events and blog-events: each event of these gives its notification exactly
 * once. The texts are told.c's. It starts when the database has its tables, and runs in a thread of
 * its own; neither Kafka nor PostgreSQL need be there.
 */
#pragma once

#include <stdint.h>

#include "lib/events/kafka.h"
#include "lib/metrics/metrics.h"
#include "services/notification/service.h"

struct notification_events;

#define NOTIFICATION_GROUP "notification-group"

/* Starts to consume. `service` and `db`, the service's own, must outlive the events.
 * INVALID_ARGUMENT for settings that librdkafka does not understand. */
struct ink_status notification_events_new(struct ink_arena *arena,
                                          struct notification_service *service, struct ink_db *db,
                                          const struct ink_kafka_settings *kafka,
                                          int64_t inbox_retention_s,
                                          struct notification_events **ret_events) INK_MUST_CHECK;
/* Accepts NULL. */
void notification_events_free(struct notification_events *events);

/* A check: whether the consumer gets on. */
struct ink_status notification_events_check(void *self, struct ink_arena *arena);
/* For ink_program_on_drain(): ends the consumer after the batch at hand. */
void notification_events_drain(void *self, int64_t grace_ms);

/* event_consumer_* metrics. */
void notification_events_add_gauges(struct ink_metrics *metrics,
                                    struct notification_events *events);
