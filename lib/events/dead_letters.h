/*
 * Dead letters: messages that a consumer could not deal with and put aside, unchanged, into the
 * topic TOPIC.DLT (which keeps them until somebody removes them). Headers, under the names that
 * Spring for Apache Kafka made usual, tell where each came from and why; all values are text:
 *
 *   kafka_dlt-original-topic, kafka_dlt-original-partition, kafka_dlt-original-offset,
 *   kafka_dlt-original-timestamp (milliseconds since 1970), kafka_dlt-original-consumer-group,
 *   kafka_dlt-exception-message (the reason)
 *   ink_event-id (what the consumer recognises the event by)
 *
 * A letter waits until it is settled: replayed (put back into the topic it came from) or discarded.
 * That is written down in TOPIC.DLT as well: a message without payload, with the letter's headers
 * and one more, ink_settled, which says "replayed" or "discarded".
 *
 * One message gives one dead letter, as far as that can be had. The consumer looks into its inbox
 * whether it put the message aside before, so that neither rebalances nor lost offsets make a
 * second one; only a consumer that dies between Kafka's confirmation and its note in the inbox, or
 * loses its partitions while Kafka has not confirmed, leaves two. Those are copies with one origin
 * (group, topic, partition, offset, time), and here they are one letter: listed once, replayed
 * once.
 *
 * Replaying is safe to repeat. What is put back has the identity that the consumer gave the event,
 * so one that was dealt with after all (or put back twice, because the replay was interrupted) has
 * no second effect. One that fails again becomes a new dead letter, of a new origin.
 *
 * For operators' tools: each call connects, does its work and disconnects; several may run at once.
 * Results live in the context's arena. UNAVAILABLE and DEADLINE_EXCEEDED when Kafka does not answer
 * before the context's deadline.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/events/kafka.h"

/* The end of a dead-letter topic's name. */
#define INK_DEAD_SUFFIX ".DLT"

struct ink_dead_letter {
    int32_t partition; /* the place of its first copy in TOPIC.DLT */
    int64_t offset;
    int64_t time;  /* when it was put aside: microseconds since 1970 */
    size_t copies; /* how often it is there: 1, or see above */
    const char *id;
    const char *type; /* ce_type; "" when it has none */
    /* What somebody else put there without saying where from comes from TOPIC.DLT itself. */
    const char *original_topic;
    int32_t original_partition;
    int64_t original_offset;
    int64_t original_time; /* microseconds since 1970 */
    const char *group;
    const char *reason;
    const char *key; /* "" when it has none; a NUL follows the last byte */
    size_t key_size;
    const char *payload; /* likewise */
    size_t payload_size;
    int64_t left_out;     /* bytes of payload that had no room: it cannot be replayed; else 0 */
    const char *settled;  /* NULL while it waits; "replayed", "discarded" */
    int64_t settled_time; /* microseconds since 1970 */
};

/* The names, without ".DLT", of the topics that have a dead-letter topic; sorted. */
struct ink_status ink_dead_letters_topics(const struct ink_kafka_settings *settings,
                                          const struct ink_ctx *ctx, const char ***ret_topics,
                                          size_t *ret_count) INK_MUST_CHECK;

/* Lists the dead letters of `topic` ("blog-events"), oldest first a partition, settled or not. None
 * is not an error. */
struct ink_status ink_dead_letters_list(const struct ink_kafka_settings *settings,
                                        const struct ink_ctx *ctx, const char *topic,
                                        struct ink_dead_letter **ret_letters,
                                        size_t *ret_count) INK_MUST_CHECK;

enum ink_dead_letter_fate {
    INK_DEAD_LETTER_REPLAYED,
    INK_DEAD_LETTER_DISCARDED,
};
const char *ink_dead_letter_fate_name(enum ink_dead_letter_fate fate);

/* Settles those of `letters`, in the order in which ink_dead_letters_list() gave them, that wait,
 * and notes in them that it did. *ret_count (set on failure, too) is how many; less than there were
 * when Kafka no longer has some. A replayed letter goes back with its key, payload and headers, to
 * the end of the topic it came from (that of TOPIC.DLT is TOPIC). */
struct ink_status ink_dead_letters_settle(const struct ink_kafka_settings *settings,
                                          const struct ink_ctx *ctx, const char *topic,
                                          struct ink_dead_letter *letters, size_t count,
                                          enum ink_dead_letter_fate fate,
                                          size_t *ret_count) INK_MUST_CHECK;
