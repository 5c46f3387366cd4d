/*
 * Handles of librdkafka, made in one way. Inside lib/events only, like every header here that names
 * librdkafka's types.
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "lib/base/ctx.h"
#include "lib/events/kafka.h"

struct ink_kafka_property {
    const char *name;
    const char *value;
};

struct ink_kafka_client {
    rd_kafka_type_t type;
    const struct ink_kafka_property *properties;            /* ends with an empty one; or NULL */
    void (*configure)(rd_kafka_conf_t *conf, void *opaque); /* sets callbacks; or NULL */
    void *opaque;
};

/* A handle that says nothing on stderr. `settings.properties` are set last, so the operator may
 * overrule ours. INVALID_ARGUMENT for what librdkafka does not understand. */
struct ink_status ink_kafka_open(struct ink_arena *arena, const struct ink_kafka_settings *settings,
                                 const struct ink_kafka_client *client,
                                 rd_kafka_t **ret_rk) INK_MUST_CHECK;

/* Runs what ends something of librdkafka, which may never come back: false when it did not within 5
 * s and is left alone, with all that it uses. */
bool ink_kafka_end(void *(*end)(void *), void *arg);
/* For INK_CLEANUP; NULL is fine. Takes 5 s at most; what librdkafka is not done with then is
 * leaked. */
void ink_kafka_close(rd_kafka_t **rk);
#define INK_KAFKA INK_CLEANUP(ink_kafka_close) rd_kafka_t

void ink_kafka_list_free(rd_kafka_topic_partition_list_t **list);
#define INK_KAFKA_LIST INK_CLEANUP(ink_kafka_list_free) rd_kafka_topic_partition_list_t

/* UNAVAILABLE, or DEADLINE_EXCEEDED for a timeout, with librdkafka's words as its cause. */
struct ink_status ink_kafka_error(struct ink_arena *arena, rd_kafka_resp_err_t error,
                                  const char *doing);

/* Makes a topic when it is missing. Being forbidden to, or a name that Kafka does not take,
 * is no error here: the use of the topic will tell. A Kafka that does not answer is waited for for
 * 5 s, or for what the context has left; when that is cancelled, 3 s at most. */
struct ink_status ink_kafka_ensure_topic(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                         const struct ink_kafka_settings *settings,
                                         const char *topic, int partitions) INK_MUST_CHECK;

/* How many partitions of a missing topic the settings ask for. */
int ink_kafka_partitions(const struct ink_kafka_settings *settings);

/* A copy on the heap; release it afterwards. */
struct ink_kafka_settings ink_kafka_settings_copy(const struct ink_kafka_settings *settings);
void ink_kafka_settings_release(struct ink_kafka_settings *settings);

void ink_events_report(const struct ink_kafka_settings *settings, bool problem, const char *format,
                       ...) INK_PRINTF(3, 4);
