/*
 * Dead letters: messages that a consumer could not deal with and put aside, unchanged, into the
 * topic TOPIC.DLT. Headers, under the names that Spring for Apache Kafka made usual, tell where
 * each came from and why; all values are text:
 *
 *   kafka_dlt-original-topic, kafka_dlt-original-partition, kafka_dlt-original-offset,
 *   kafka_dlt-original-timestamp (milliseconds since 1970), kafka_dlt-original-consumer-group,
 *   kafka_dlt-exception-message (the reason)
 *   ink_event-id (what the consumer recognises the event by)
 *
 * For operators' tools: each call connects, does its work and disconnects; several may run at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/events/kafka.h"

struct ink_dead_letter {
    int32_t partition; /* its place in TOPIC.DLT */
    int64_t offset;
    int64_t time; /* when it was put aside: microseconds since 1970 */
    const char *id;
    const char *type; /* ce_type; "" when it has none */
    const char *original_topic;
    int32_t original_partition;
    int64_t original_offset;
    int64_t original_time; /* microseconds since 1970 */
    const char *group;
    const char *reason;
    const char *key; /* "" when it has none */
    size_t key_size;
    const char *payload;
    size_t payload_size;
    bool replayed; /* ink_dead_letters_replay() put it back already */
};

/* Lists the dead letters of `topic` ("blog-events"), oldest first a partition, at most `limit`
 * (0 means 1000). They live in the context's arena. None is not an error. UNAVAILABLE,
 * DEADLINE_EXCEEDED when Kafka does not answer within the context's deadline. */
struct ink_status ink_dead_letters_list(const struct ink_kafka_settings *settings,
                                        const struct ink_ctx *ctx, const char *topic, size_t limit,
                                        struct ink_dead_letter **ret_letters,
                                        size_t *ret_count) INK_MUST_CHECK;

/* Puts dead letters back into the topic they came from, with their key, payload and headers, so
 * that consumers meet them again; each is put back once, however often this is called (the offsets
 * of the group "TOPIC.DLT-replay" remember it). *ret_count is how many. A consumer that dealt with
 * one after all recognises it. */
struct ink_status ink_dead_letters_replay(const struct ink_kafka_settings *settings,
                                          const struct ink_ctx *ctx, const char *topic,
                                          size_t *ret_count) INK_MUST_CHECK;

/* How far a consumer group is behind in one topic: the sum of the messages that it has not
 * committed yet, over all partitions. Asked of the broker, so it works while the group is down. */
struct ink_status ink_group_lag(const struct ink_kafka_settings *settings,
                                const struct ink_ctx *ctx, const char *group, const char *topic,
                                int64_t *ret_lag) INK_MUST_CHECK;
