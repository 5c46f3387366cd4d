#define _GNU_SOURCE
#include "lib/events/client.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/alloc.h"

#define CLOSE_S 5

/* After a broker came back we want to be there soon, not after librdkafka's 10 s. */
static const struct ink_kafka_property common[] = {{"reconnect.backoff.ms", "50"},
                                                   {"reconnect.backoff.max.ms", "1000"},
                                                   {"socket.keepalive.enable", "true"},
                                                   {"client.id", "inkmesh"},
                                                   {NULL, NULL}};

static void stay_quiet(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

static struct ink_status set(struct ink_arena *arena, rd_kafka_conf_t *conf, const char *name,
                             const char *value)
{
    char text[256];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
        return ink_ok();
    return ink_errorf(arena, INK_INVALID_ARGUMENT, "Kafka setting %s: %s", name, text);
}

static struct ink_status set_all(struct ink_arena *arena, rd_kafka_conf_t *conf,
                                 const struct ink_kafka_property *properties)
{
    struct ink_status status = ink_ok();
    for (; properties != NULL && properties->name != NULL && ink_is_ok(status); properties++)
        status = set(arena, conf, properties->name, properties->value);
    return status;
}

/* One of KAFKA_PROPERTIES, which are secret: librdkafka's own words would quote the value, and what
 * is no name of a property may be the rest of a password that had a comma in it. */
static struct ink_status set_secret(struct ink_arena *arena, rd_kafka_conf_t *conf, char *item,
                                    int number)
{
    char ignored[256];
    char *equals = strchr(item, '=');
    if (equals == NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT,
                          "number %d of KAFKA_PROPERTIES is not NAME=VALUE", number);
    *equals = '\0';
    switch (rd_kafka_conf_set(conf, item, equals + 1, ignored, sizeof(ignored))) {
    case RD_KAFKA_CONF_OK:
        return ink_ok();
    case RD_KAFKA_CONF_INVALID:
        return ink_errorf(arena, INK_INVALID_ARGUMENT,
                          "KAFKA_PROPERTIES: the value of %s is not accepted", item);
    case RD_KAFKA_CONF_UNKNOWN:
        break;
    }
    return ink_errorf(arena, INK_INVALID_ARGUMENT,
                      "number %d of KAFKA_PROPERTIES names no property of librdkafka", number);
}

/* "name=value,name=value" */
static struct ink_status set_text(struct ink_arena *arena, rd_kafka_conf_t *conf, const char *text)
{
    struct ink_status status = ink_ok();
    char *rest = ink_arena_strdup(arena, text != NULL ? text : ""), *save = NULL;
    char *item = strtok_r(rest, ",", &save);
    for (int number = 1; item != NULL && ink_is_ok(status); number++) {
        status = set_secret(arena, conf, item, number);
        item = strtok_r(NULL, ",", &save);
    }
    return status;
}

struct ink_status ink_kafka_open(struct ink_arena *arena, const struct ink_kafka_settings *settings,
                                 const struct ink_kafka_client *client, rd_kafka_t **ret_rk)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, stay_quiet);
    rd_kafka_conf_set_opaque(conf, client->opaque);
    if (client->configure != NULL)
        client->configure(conf, client->opaque);
    struct ink_status status = set(arena, conf, "bootstrap.servers", settings->brokers);
    if (ink_is_ok(status))
        status = set_all(arena, conf, common);
    if (ink_is_ok(status))
        status = set_all(arena, conf, client->properties);
    if (ink_is_ok(status))
        status = set_text(arena, conf, settings->properties);
    if (!ink_is_ok(status)) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    char text[256];
    rd_kafka_t *rk = rd_kafka_new(client->type, conf, text, sizeof(text));
    if (rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "KAFKA_BROKERS, KAFKA_PROPERTIES: %s", text);
    }
    *ret_rk = rk;
    return ink_ok();
}

bool ink_kafka_end(void *(*end)(void *), void *arg)
{
    pthread_t thread;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += CLOSE_S;
    if (pthread_create(&thread, NULL, end, arg) != 0)
        abort();
    if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) == 0)
        return true;
    pthread_detach(thread);
    return false;
}

static void *destroy(void *rk)
{
    rd_kafka_destroy(rk);
    return NULL;
}

/* When a broker was restarted before, librdkafka sometimes waits for ever for the thread of its
 * connection (its issue 4131). All that matters to others, such as leaving a group, is done by
 * then, so that the handle can be left alone. */
void ink_kafka_close(rd_kafka_t **rk)
{
    if (*rk == NULL)
        return;
    (void)ink_kafka_end(destroy, *rk);
    *rk = NULL;
}

void ink_kafka_list_free(rd_kafka_topic_partition_list_t **list)
{
    if (*list != NULL)
        rd_kafka_topic_partition_list_destroy(*list);
    *list = NULL;
}

struct ink_status ink_kafka_error(struct ink_arena *arena, rd_kafka_resp_err_t error,
                                  const char *doing)
{
    enum ink_code code =
        error == RD_KAFKA_RESP_ERR__TIMED_OUT ? INK_DEADLINE_EXCEEDED : INK_UNAVAILABLE;
    return ink_error_cause(arena, code, "Kafka does not answer", "%s: %s", doing,
                           rd_kafka_err2str(error));
}

int ink_kafka_partitions(const struct ink_kafka_settings *settings)
{
    return settings->partitions > 0 ? settings->partitions : 6;
}

static const char *copy(const char *text)
{
    return text != NULL ? ink_strdup(text) : NULL;
}

struct ink_kafka_settings ink_kafka_settings_copy(const struct ink_kafka_settings *settings)
{
    struct ink_kafka_settings result = *settings;
    result.brokers = copy(settings->brokers);
    result.properties = copy(settings->properties);
    return result;
}

void ink_kafka_settings_release(struct ink_kafka_settings *settings)
{
    free((char *)settings->brokers);
    free((char *)settings->properties);
}

void ink_events_report(const struct ink_kafka_settings *settings, bool problem, const char *format,
                       ...)
{
    if (settings->report == NULL)
        return;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    settings->report(settings->report_self, problem, text);
}
