/*
 * The events of a program (lib/events): its settings of Kafka, and the relay that publishes its
 * outbox, with its gauges, its check and its place in the log.
 */
#pragma once

#include <stdint.h>

#include "lib/events/relay.h"
#include "lib/mesh/program.h"

struct ink_mesh_kafka_settings {
    const char *brokers;    /* KAFKA_BROKERS, or NULL */
    const char *properties; /* KAFKA_PROPERTIES, or NULL */
    int64_t partitions;     /* KAFKA_PARTITIONS */
    int64_t replicas;       /* KAFKA_REPLICAS */
};
extern const struct ink_config_setting ink_mesh_kafka_settings_table[];

/* The same for lib/events, which says in the log what goes on. */
struct ink_kafka_settings ink_mesh_kafka(const struct ink_mesh_kafka_settings *settings);

/* Starts the relay of a program's outbox, whose database is at `conninfo`; NULL without
 * KAFKA_BROKERS: then the outbox grows. Logs and exits when the settings are wrong. `source` is the
 * events' ce_source. To be freed by ink_relay_free() when the program has run. */
struct ink_relay *ink_program_relay(struct ink_program *program,
                                    const struct ink_mesh_kafka_settings *settings,
                                    const char *conninfo, const char *source) INK_MUST_CHECK;
/* For ink_relay_free() then: what is not published at once is left to the next relay. */
#define INK_PROGRAM_RELAY_GRACE_MS 1000
