/*
 * One event as a consumer sees it: a Kafka message with what its headers say (CloudEvents, binary
 * content mode), or, for a message without headers, what can be told from its place and payload.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/trace.h"

struct ink_event {
    const char *id;     /* ce_id, or "kafka:TOPIC/PARTITION/OFFSET" */
    const char *type;   /* ce_type, or the payload's "type" */
    const char *source; /* ce_source; "" when there is none */
    const char *key;    /* "" when there is none; a NUL follows the last byte */
    size_t key_size;
    const char *payload; /* likewise */
    size_t payload_size;
    int64_t time;            /* ce_time, or else Kafka's timestamp: microseconds since 1970 */
    const char *traceparent; /* or NULL */

    const char *topic;
    int32_t partition;
    int64_t offset;

    /* Events of one lane are dealt with in their order; set to the partition. */
    uint32_t lane;
    /* For whoever reads the event (consumer.h): what it made of it. */
    void *content;
    /* For both, or the handler, to set: why no attempt will ever succeed with this event. Lives as
     * long as the events or is a constant; NULL when all is well. */
    const char *rejected;
};
