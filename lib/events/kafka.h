/*
 * What everything that speaks to Kafka is told: where it is, how topics are made when they are
 * missing, and whom to tell what goes on.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/status.h"

/* Something that the operator should read. `problem` is false when all is well again. Called from
 * the library's own threads, at changes only; must be quick. */
typedef void ink_events_report_fn(void *self, bool problem, const char *text);

struct ink_kafka_settings {
    const char *brokers;    /* "host:port,host:port" */
    const char *properties; /* further ones of librdkafka, for TLS and SASL:
                               "security.protocol=SSL,ssl.ca.location=/ca.pem"; or NULL */
    int partitions;         /* of a topic that is missing; 0 means 6 */
    int replicas;           /* of such a topic; 0 means the broker's default */

    ink_events_report_fn *report; /* or NULL */
    void *report_self;
};
