/*
 * An idempotent producer that is told exactly what became of each message. Inside lib/events only;
 * one thread at a time.
 *
 * Messages of one partition arrive in the order in which they were sent, once each. Nothing times
 * out: while Kafka is away, messages wait. When that order can no longer be promised (a fatal
 * error), the producer refuses everything and is to be replaced by a new one.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stddef.h>

#include "lib/events/client.h"

struct ink_header {
    const char *name;
    const char *value; /* a NUL follows the last byte */
    size_t size;
};

enum ink_message_state {
    INK_MESSAGE_PENDING,
    INK_MESSAGE_CONFIRMED,
    INK_MESSAGE_REFUSED, /* by its nature: no attempt will ever succeed */
    INK_MESSAGE_FAILED,  /* with the producer */
};

struct ink_message {
    const char *topic;
    const void *key; /* or NULL */
    size_t key_size;
    const void *payload; /* or NULL */
    size_t payload_size;
    const struct ink_header *headers;
    size_t header_count;

    enum ink_message_state state;
    rd_kafka_resp_err_t error;
};

struct ink_producer;

struct ink_status ink_producer_new(struct ink_arena *arena,
                                   const struct ink_kafka_settings *settings,
                                   struct ink_producer **ret_producer) INK_MUST_CHECK;
/* Forgets what is still pending. NULL is fine. */
void ink_producer_free(struct ink_producer *producer);

/* Makes the topic unless this producer has seen to it before. */
struct ink_status ink_producer_ensure_topic(struct ink_producer *producer,
                                            const struct ink_ctx *ctx, const char *topic,
                                            int partitions) INK_MUST_CHECK;

/* Sends a message, whose memory must stay until it is no longer pending or the producer is gone. */
void ink_producer_send(struct ink_producer *producer, struct ink_message *message);
/* Waits for reports, at most so long; returns how many messages are pending. */
size_t ink_producer_wait(struct ink_producer *producer, int timeout_ms);
/* OK, or why this producer is of no more use. */
struct ink_status ink_producer_check(const struct ink_producer *producer,
                                     struct ink_arena *arena) INK_MUST_CHECK;
/* Sends all and waits for the reports until the context's end. OK only if all were confirmed;
 * otherwise the producer is to be replaced. */
struct ink_status ink_producer_send_all(struct ink_producer *producer, const struct ink_ctx *ctx,
                                        struct ink_message *messages, size_t count) INK_MUST_CHECK;

/* For tests. */
rd_kafka_t *ink_producer_handle(struct ink_producer *producer);
