#include "lib/events/insync.h"

#include <stdlib.h>
#include <string.h>

#include "lib/events/question.h"

#define WAIT_MS 1000

int ink_insync_wanted(int replicas)
{
    return replicas > 2 ? replicas - 1 : 0;
}

/* 0 when it is not there. */
static int find_value(rd_kafka_event_t *event)
{
    size_t count = 0;
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    if (count != 1 || rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resources[0], &count);
    for (size_t i = 0; i < count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "min.insync.replicas") == 0)
            return value != NULL ? atoi(value) : 0;
    }
    return 0;
}

/* What Kafka says it is; 0 when it does not say. */
static int ask(rd_kafka_t *rk, const struct ink_ctx *ctx, const char *topic)
{
    INK_ANSWER *event = NULL;
    struct ink_question question =
        ink_question_begin(rk, ctx, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, WAIT_MS);
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_DescribeConfigs(rk, &resource, 1, question.options, question.queue);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_resp_err_t error = ink_question_end(&question, ctx, &event);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? find_value(event) : 0;
}

void ink_insync_check(rd_kafka_t *rk, const struct ink_ctx *ctx,
                      const struct ink_kafka_settings *settings, const char *topic, int replicas)
{
    int wanted = ink_insync_wanted(replicas), value = wanted > 0 ? ask(rk, ctx, topic) : 0;
    if (value > 0 && value < wanted)
        ink_events_report(settings, true,
                          "what Kafka confirms of %s can be lost with %d of its %d replicas: set "
                          "its min.insync.replicas, which is that low, to %d",
                          topic, value, replicas, wanted);
}
