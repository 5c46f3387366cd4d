/*
 * From rows of the outbox to Kafka messages. Pure functions, inside lib/events only.
 */
#pragma once

#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/events/producer.h"

/* A row, as the relay reads it. */
struct ink_outbox_row {
    const char *id;
    const char *aggregate_type;
    const char *aggregate_id;
    const char *type;
    const char *payload;
    const char *headers;    /* a JSON object; what is not a text in it is passed over */
    const char *created_at; /* as PostgreSQL writes a time with ISO dates, in UTC */
};

/* "blog-events", in the arena. */
const char *ink_outbox_topic(struct ink_arena *arena, const char *aggregate_type);

/* The message (CloudEvents 1.0, Kafka protocol binding, binary mode) for that topic; it points into
 * its arguments and the arena. A row's own header never replaces one of CloudEvents'. */
void ink_outbox_message(struct ink_arena *arena, const struct ink_outbox_row *row,
                        const char *topic, const char *source, struct ink_message *ret_message);
