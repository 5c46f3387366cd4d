/*
 * How far consumer groups are, asked of the brokers: works while the consumers are down, and for
 * groups that are not ours. For operators' tools; results live in the context's arena. UNAVAILABLE
 * and DEADLINE_EXCEEDED when Kafka does not answer before the context's deadline.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/events/kafka.h"

struct ink_group_partition {
    const char *topic;
    int32_t partition;
    int64_t next; /* the first offset that is not committed yet; -1 when nothing ever was */
    int64_t end;  /* what the next message will have */
    int64_t lag;  /* messages that are there and not committed */
};

struct ink_group {
    const char *name;
    const char *state; /* in Kafka's words: "Stable", "Empty", ... */
    size_t members;
    int64_t lag; /* of all partitions */
    struct ink_group_partition *partitions;
    size_t partition_count;
};

/* All groups that have offsets or partitions, by name; their partitions by topic and number. */
struct ink_status ink_groups_list(const struct ink_kafka_settings *settings,
                                  const struct ink_ctx *ctx, struct ink_group **ret_groups,
                                  size_t *ret_count) INK_MUST_CHECK;

/* How far one group is behind in one topic, over all partitions. */
struct ink_status ink_group_lag(const struct ink_kafka_settings *settings,
                                const struct ink_ctx *ctx, const char *group, const char *topic,
                                int64_t *ret_lag) INK_MUST_CHECK;
