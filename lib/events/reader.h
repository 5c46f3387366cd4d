/*
 * Reading a topic from end to end without joining a group, for tools. Inside lib/events only.
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "lib/base/ctx.h"
#include "lib/events/client.h"
#include "lib/events/message.h"

/* A handle whose group is `group`, which it never joins: offsets are asked for and committed only.
 */
struct ink_status ink_reader_open(const struct ink_ctx *ctx,
                                  const struct ink_kafka_settings *settings, const char *group,
                                  rd_kafka_t **ret_rk) INK_MUST_CHECK;

/* The partitions of a topic, an empty list when there is no such topic. */
struct ink_status ink_reader_partitions(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                        const char *topic,
                                        rd_kafka_topic_partition_list_t **ret_list) INK_MUST_CHECK;

/* The offsets that the group has committed, -1 for none. */
struct ink_status ink_reader_committed(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                       rd_kafka_topic_partition_list_t *list) INK_MUST_CHECK;

/* The first offset of a partition, and the one that the next message will have. */
struct ink_status ink_reader_bounds(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                    const rd_kafka_topic_partition_t *partition, int64_t *ret_low,
                                    int64_t *ret_high) INK_MUST_CHECK;

/* All topics of the cluster, in the context's arena. */
struct ink_status ink_reader_topics(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                    const char ***ret_topics, size_t *ret_count) INK_MUST_CHECK;

/* Called for each message; false ends the reading. */
typedef bool ink_reader_fn(void *self, const struct ink_raw_message *message);

/* Reads each partition from its `offset` (or its first message) to its present end. The messages
 * live in `arena`, which the visitor may release when it has done with them. */
struct ink_status ink_reader_read(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                  const rd_kafka_topic_partition_list_t *from,
                                  struct ink_arena *arena, ink_reader_fn *visit,
                                  void *self) INK_MUST_CHECK;
