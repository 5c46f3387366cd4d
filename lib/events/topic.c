/* Topics that are missing are made here, with as many partitions as the settings ask for: what a
 * broker makes by itself has one, which cannot be undone without disturbing the order of keys. */
#include <stdio.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/events/client.h"
#include "lib/events/insync.h"
#include "lib/events/letter.h"
#include "lib/events/question.h"

/* For one attempt, which goes on where the one before stood. Not less than two answers of a slow
 * broker take: librdkafka closes a connection on which an answer did not come in time. */
#define MAKE_MS 5000
/* For one answer of a broker that answered before. Nothing ends this wait. */
#define LOOK_MS 3000
/* Those after which trying to use the topic tells more than trying again to make it. */
static bool is_fine(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           error == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
           error == RD_KAFKA_RESP_ERR_POLICY_VIOLATION ||
           error == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
}

static rd_kafka_resp_err_t outcome(rd_kafka_event_t *event)
{
    size_t count = 0;
    const rd_kafka_topic_result_t **topics =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    return count > 0 ? rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t create(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                  rd_kafka_NewTopic_t *topic)
{
    INK_ANSWER *event = NULL;
    struct ink_question question =
        ink_question_begin(rk, ctx, RD_KAFKA_ADMIN_OP_CREATETOPICS, MAKE_MS);
    rd_kafka_AdminOptions_set_operation_timeout(question.options, question.wait_ms, NULL, 0);
    rd_kafka_CreateTopics(rk, &topic, 1, question.options, question.queue);
    rd_kafka_resp_err_t error = ink_question_end(&question, ctx, &event);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? outcome(event) : error;
}

/* Dead letters wait for people, who may take longer than the brokers keep messages. */
static void configure(rd_kafka_NewTopic_t *wanted, const char *topic, int replicas)
{
    char insync[16];
    if (ink_letter_topic(topic))
        rd_kafka_NewTopic_set_config(wanted, "retention.ms", "-1");
    snprintf(insync, sizeof(insync), "%d", ink_insync_wanted(replicas));
    if (ink_insync_wanted(replicas) > 0)
        rd_kafka_NewTopic_set_config(wanted, "min.insync.replicas", insync);
}

static bool has_leaders(const rd_kafka_metadata_t *metadata)
{
    if (metadata->topic_cnt != 1 || metadata->topics[0].err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    for (int i = 0; i < metadata->topics[0].partition_cnt; i++) {
        if (metadata->topics[0].partitions[i].leader < 0)
            return false;
    }
    return metadata->topics[0].partition_cnt > 0;
}

/* Made is not yet known: who subscribes to a topic before brokers tell of it hears of it only when
 * the metadata are refreshed, much later. */
static struct ink_status await_known(rd_kafka_t *rk, const struct ink_ctx *ctx, const char *topic,
                                     int *ret_replicas)
{
    static const struct timespec pause = {.tv_nsec = 20 * INK_MILLISECOND};
    int64_t limit = ink_now() + MAKE_MS * INK_MILLISECOND;
    int64_t end = limit < ctx->deadline ? limit : ctx->deadline;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
    bool known = false;
    int left_ms;
    while (!known && handle != NULL && !ink_ctx_cancelled(ctx) &&
           (left_ms = (int)ink_deadline_left_ms(end, LOOK_MS)) > 0) {
        const rd_kafka_metadata_t *metadata = NULL;
        error = rd_kafka_metadata(rk, 0, handle, &metadata, left_ms);
        known = error == RD_KAFKA_RESP_ERR_NO_ERROR && has_leaders(metadata);
        if (known)
            *ret_replicas = metadata->topics[0].partitions[0].replica_cnt;
        if (metadata != NULL)
            rd_kafka_metadata_destroy(metadata);
        if (!known)
            nanosleep(&pause, NULL);
    }
    if (handle != NULL)
        rd_kafka_topic_destroy(handle);
    if (known)
        return ink_ok();
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        error = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    return ink_kafka_error(ctx->arena, error, ink_arena_printf(ctx->arena, "see %s", topic));
}

struct ink_status ink_kafka_ensure_topic(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                         const struct ink_kafka_settings *settings,
                                         const char *topic, int partitions)
{
    char text[256];
    if (ink_deadline_left_ms(ctx->deadline, MAKE_MS) == 0)
        return ink_error(INK_DEADLINE_EXCEEDED, "the deadline passed");
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(
        topic, partitions, settings->replicas > 0 ? settings->replicas : -1, text, sizeof(text));
    if (wanted == NULL)
        return ink_ok(); /* not a name for a topic */
    configure(wanted, topic, settings->replicas);
    rd_kafka_resp_err_t error = create(rk, ctx, wanted);
    rd_kafka_NewTopic_destroy(wanted);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        int replicas = 0;
        struct ink_status status = await_known(rk, ctx, topic, &replicas);
        if (ink_is_ok(status))
            ink_insync_check(rk, ctx, settings, topic, replicas);
        return status;
    }
    if (is_fine(error))
        return ink_ok();
    return ink_kafka_error(ctx->arena, error, ink_arena_printf(ctx->arena, "make %s", topic));
}
