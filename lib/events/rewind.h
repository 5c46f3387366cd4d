/*
 * Moves a consumer group, whose consumers are stopped, for operators' tools: back, so that it gets
 * again what it had dealt with, after its database was restored from a backup (the group's inbox,
 * restored with the rest, knows what is really new); or to the end, when the databases that the
 * events came from were restored, too, and know nothing of what waits.
 */
#pragma once

#include "lib/events/lag.h"

/*
 * Moves the committed offset of each partition of `group` back to the first message since `since`
 * (microseconds since 1970, by Kafka's time of the message), never forward. *ret_group, in the
 * context's arena, has the partitions that were moved, with `next` and `lag` as they are now.
 *   NOT_FOUND            no such group has committed anything
 *   FAILED_PRECONDITION  it has members: stop its consumers, and wait until Kafka has noticed
 *   UNAVAILABLE, DEADLINE_EXCEEDED  Kafka does not answer, or an offset could not be moved
 */
struct ink_status ink_group_rewind(const struct ink_kafka_settings *settings,
                                   const struct ink_ctx *ctx, const char *group, int64_t since,
                                   struct ink_group *ret_group) INK_MUST_CHECK;

/* The same, forward: nothing that is in the topics now will be asked for. The partitions of
 * *ret_group have as `lag` what they had before. */
struct ink_status ink_group_skip(const struct ink_kafka_settings *settings,
                                 const struct ink_ctx *ctx, const char *group,
                                 struct ink_group *ret_group) INK_MUST_CHECK;
