/*
 * From Kafka messages to events. Pure functions, inside lib/events only.
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "lib/base/arena.h"
#include "lib/events/event.h"
#include "lib/events/producer.h"

/* An identity longer than this is refused, lest it does not fit the inbox's index. */
#define INK_EVENT_ID_LIMIT 255

/* What the consumer recognises a message without ce_id by, when it comes from a dead-letter topic.
 */
#define INK_HEADER_EVENT_ID "ink_event-id"

/* A message as it came, with its bytes in the arena and NULs after them. */
struct ink_raw_message {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t time;    /* milliseconds since 1970 */
    const char *key; /* NULL when there is none */
    size_t key_size;
    const char *payload; /* NULL when there is none */
    size_t payload_size;
    struct ink_header *headers;
    size_t header_count;
};

void ink_message_copy(struct ink_arena *arena, const rd_kafka_message_t *message,
                      struct ink_raw_message *ret_raw);

/* The value of the first header of this name, or NULL. */
const char *ink_message_header(const struct ink_raw_message *raw, const char *name);

/* Microseconds for Kafka's milliseconds, as far as there are any: a producer can claim whatever
 * time it likes. Always whole milliseconds. */
int64_t ink_message_time(int64_t milliseconds);

/* What the message says. `rejected` is set when no type can be told or its ce_id is of no use; then
 * the other fields still are what could be told. */
void ink_event_read(struct ink_arena *arena, const struct ink_raw_message *raw,
                    struct ink_event *ret_event);
