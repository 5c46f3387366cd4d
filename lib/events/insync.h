/*
 * What makes "Kafka confirmed it" (acks=all) mean that it outlives a broker: min.insync.replicas.
 * At 1, the default, all replicas in sync may be the leader alone, and what it confirmed goes with
 * it. Inside lib/events only.
 */
#pragma once

#include "lib/events/client.h"

/* What it should be for so many replicas: one broker may be away and events still flow, and each is
 * on two brokers at least. 0 for what is best left to the brokers: one replica, or two, which
 * cannot have both. */
int ink_insync_wanted(int replicas);

/* Reports a topic of so many replicas whose setting is lower. Nothing is changed, for others may
 * use it. A Kafka that does not tell within a second, or may not tell us, is not asked again. */
void ink_insync_check(rd_kafka_t *rk, const struct ink_ctx *ctx,
                      const struct ink_kafka_settings *settings, const char *topic, int replicas);
