#include "lib/events/producer.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"

/* What "sent for ever, in order" means to librdkafka. Gapless: without it, a message that failed
 * for good would let those behind it pass. One request at a time: a broker that knows nothing of a
 * producer yet accepts its second batch without the first. When the first was refused meanwhile
 * (the partition was just made, or has moved), it came too late then, counted as a repeat, was
 * confirmed and lost. */
static const struct ink_kafka_property properties[] = {{"enable.idempotence", "true"},
                                                       {"enable.gapless.guarantee", "true"},
                                                       {"acks", "all"},
                                                       {"max.in.flight", "1"},
                                                       {"message.timeout.ms", "0"},
                                                       {"linger.ms", "0"},
                                                       {"partitioner", "murmur2_random"},
                                                       {"retry.backoff.ms", "100"},
                                                       {NULL, NULL}};

struct ink_producer {
    rd_kafka_t *rk;
    struct ink_kafka_settings settings;
    size_t pending;
    char **topics; /* known to be there */
    size_t topic_count;
};

static bool refuses_for_good(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
           error == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE || error == RD_KAFKA_RESP_ERR_INVALID_MSG ||
           error == RD_KAFKA_RESP_ERR_INVALID_RECORD ||
           error == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP ||
           error == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION || error == RD_KAFKA_RESP_ERR__INVALID_ARG;
}

static void settle(struct ink_message *message, rd_kafka_resp_err_t error)
{
    message->error = error;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        message->state = INK_MESSAGE_CONFIRMED;
    else
        message->state = refuses_for_good(error) ? INK_MESSAGE_REFUSED : INK_MESSAGE_FAILED;
}

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *report, void *opaque)
{
    (void)rk;
    struct ink_producer *producer = opaque;
    settle(report->_private, report->err);
    producer->pending--;
}

static void configure(rd_kafka_conf_t *conf, void *opaque)
{
    (void)opaque;
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
}

struct ink_status ink_producer_new(struct ink_arena *arena,
                                   const struct ink_kafka_settings *settings,
                                   struct ink_producer **ret_producer)
{
    struct ink_producer *producer = ink_calloc(1, sizeof(*producer));
    const struct ink_kafka_client client = {.type = RD_KAFKA_PRODUCER,
                                            .properties = properties,
                                            .configure = configure,
                                            .opaque = producer};
    struct ink_status status = ink_kafka_open(arena, settings, &client, &producer->rk);
    if (!ink_is_ok(status)) {
        free(producer);
        return status;
    }
    producer->settings = ink_kafka_settings_copy(settings);
    *ret_producer = producer;
    return ink_ok();
}

void ink_producer_free(struct ink_producer *producer)
{
    if (producer == NULL)
        return;
    if (producer->pending > 0) {
        rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_poll(producer->rk, 0);
    }
    ink_kafka_close(&producer->rk);
    for (size_t i = 0; i < producer->topic_count; i++)
        free(producer->topics[i]);
    free(producer->topics);
    ink_kafka_settings_release(&producer->settings);
    free(producer);
}

struct ink_status ink_producer_ensure_topic(struct ink_producer *producer,
                                            const struct ink_ctx *ctx, const char *topic,
                                            int partitions)
{
    for (size_t i = 0; i < producer->topic_count; i++) {
        if (strcmp(producer->topics[i], topic) == 0)
            return ink_ok();
    }
    struct ink_status status =
        ink_kafka_ensure_topic(producer->rk, ctx, &producer->settings, topic, partitions);
    if (!ink_is_ok(status))
        return status;
    size_t size = (producer->topic_count + 1) * sizeof(*producer->topics);
    producer->topics = ink_realloc(producer->topics, size);
    producer->topics[producer->topic_count++] = ink_strdup(topic);
    return ink_ok();
}

static rd_kafka_headers_t *headers_of(const struct ink_message *message)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(message->header_count);
    for (size_t i = 0; i < message->header_count; i++) {
        const struct ink_header *header = &message->headers[i];
        rd_kafka_header_add(headers, header->name, -1, header->value, (ssize_t)header->size);
    }
    return headers;
}

static rd_kafka_resp_err_t enqueue(struct ink_producer *producer, struct ink_message *message)
{
    rd_kafka_headers_t *headers = headers_of(message);
    rd_kafka_resp_err_t error = rd_kafka_producev(
        producer->rk, RD_KAFKA_V_TOPIC(message->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY((void *)message->key, message->key_size),
        RD_KAFKA_V_VALUE((void *)message->payload, message->payload_size),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(message), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(headers); /* otherwise they are the message's */
    return error;
}

void ink_producer_send(struct ink_producer *producer, struct ink_message *message)
{
    message->state = INK_MESSAGE_PENDING;
    rd_kafka_resp_err_t error = enqueue(producer, message);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        producer->pending++;
    else
        settle(message, error);
}

size_t ink_producer_wait(struct ink_producer *producer, int timeout_ms)
{
    rd_kafka_poll(producer->rk, timeout_ms);
    return producer->pending;
}

struct ink_status ink_producer_check(const struct ink_producer *producer, struct ink_arena *arena)
{
    char text[256];
    rd_kafka_resp_err_t error = rd_kafka_fatal_error(producer->rk, text, sizeof(text));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return ink_ok();
    return ink_error_cause(arena, INK_UNAVAILABLE, "Kafka's producer failed", "%s: %s",
                           rd_kafka_err2name(error), text);
}

static struct ink_status verdict(const struct ink_message *messages, size_t count,
                                 struct ink_arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        if (messages[i].state != INK_MESSAGE_CONFIRMED)
            return ink_kafka_error(arena, messages[i].error, messages[i].topic);
    }
    return ink_ok();
}

struct ink_status ink_producer_send_all(struct ink_producer *producer, const struct ink_ctx *ctx,
                                        struct ink_message *messages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ink_producer_send(producer, &messages[i]);
    while (ink_producer_wait(producer, 100) > 0) {
        struct ink_status status = ink_ctx_check(ctx);
        if (!ink_is_ok(status))
            return status;
    }
    return verdict(messages, count, ctx->arena);
}

rd_kafka_t *ink_producer_handle(struct ink_producer *producer)
{
    return producer->rk;
}
