/*
 * produce BROKERS TOPIC COUNT: how many messages like those of lib/events/relay.h a bare idempotent
 * producer with acks=all gets confirmed in a second. Prints the rate.
 */
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char payload[] =
    "{\"type\":\"blog-published\",\"blogId\":\"019a0000-0000-7000-8000-000000000000\","
    "\"title\":\"On keeping bees, part 1\",\"authorId\":\"019a0000-0000-7001-8000-000000000000\"}";

/* As a message of the relay has them; the first is its own. */
static const char *const headers[][2] = {
    {"ce_source", "/inkmesh/blog"},
    {"ce_specversion", "1.0"},
    {"ce_type", "blog-published"},
    {"ce_time", "2026-01-01T00:00:00.000000Z"},
    {"content-type", "application/json"},
    {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
};

static unsigned long confirmed;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *text)
{
    fprintf(stderr, "produce: %s\n", text);
    exit(1);
}

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    (void)opaque;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail(rd_kafka_err2str(message->err));
    confirmed++;
}

static rd_kafka_t *open_producer(const char *brokers)
{
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char *const properties[][2] = {
        {"bootstrap.servers", brokers}, {"enable.idempotence", "true"}, {"acks", "all"}};
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        if (rd_kafka_conf_set(conf, properties[i][0], properties[i][1], error, sizeof(error)) !=
            RD_KAFKA_CONF_OK)
            fail(error);
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    if (rk == NULL)
        fail(error);
    return rk;
}

static rd_kafka_headers_t *make_headers(const char *id)
{
    size_t count = sizeof(headers) / sizeof(headers[0]);
    rd_kafka_headers_t *list = rd_kafka_headers_new(count + 1);
    rd_kafka_header_add(list, "ce_id", -1, id, -1);
    for (size_t i = 0; i < count; i++)
        rd_kafka_header_add(list, headers[i][0], -1, headers[i][1], -1);
    return list;
}

/* Waits while the queue is full. */
static void send_one(rd_kafka_t *rk, const char *topic, unsigned long number)
{
    char id[40];
    int size = snprintf(id, sizeof(id), "019a0000-0000-7000-8000-%012lx", number);
    rd_kafka_headers_t *list = make_headers(id);
    rd_kafka_resp_err_t error;
    while (
        (error = rd_kafka_producev(
             rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
             RD_KAFKA_V_KEY(id, (size_t)size), RD_KAFKA_V_VALUE((void *)payload, strlen(payload)),
             RD_KAFKA_V_HEADERS(list), RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(rk, 10);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail(rd_kafka_err2str(error));
    rd_kafka_poll(rk, 0);
}

int main(int argc, char **argv)
{
    unsigned long count = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    if (count == 0)
        fail("BROKERS TOPIC COUNT");
    rd_kafka_t *rk = open_producer(argv[1]);
    send_one(rk, argv[2], 0); /* connects */
    rd_kafka_flush(rk, 30000);
    double begin = now();
    for (unsigned long i = 1; i <= count; i++)
        send_one(rk, argv[2], i);
    rd_kafka_flush(rk, 120000);
    if (confirmed != count + 1)
        fail("not everything was confirmed in time");
    printf("%.3f\n", (double)count / (now() - begin));
    rd_kafka_destroy(rk);
    return 0;
}
