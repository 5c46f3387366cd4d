/*
 * The notification service: what users are told, over gRPC. This file puts it together.
 */
#include "inkmesh_contract.h"
#include "lib/log/log.h"
#include "services/notification/events.h"
#include "services/notification/mail_program.h"
#include "services/notification/mail_users.h"
#include "services/notification/notification_migrations.h"
#include "services/notification/service.h"
#include "services/notification/settings.h"

static struct notification_service *make_service(struct ink_backing *backing,
                                                 const struct notification_settings *settings)
{
    struct ink_arena *arena = ink_program_arena(backing->program);
    const struct notification_service_parts parts = {
        .db = backing->db,
        .cache = backing->cache,
        .redis_url = settings->backing.redis.url,
        .secret = backing->seal_secret,
        .streams = settings->streams,
        .user_streams = settings->user_streams,
        .poll_ms = settings->stream_poll_ms,
        .hold_emails = settings->mail.smtp.url == NULL,
    };
    struct notification_service *service = NULL;
    ink_program_must(backing->program, "start", notification_settings_check(settings, arena));
    ink_program_must(backing->program, "listen for news",
                     notification_service_new(arena, &parts, &service));
    return service;
}

static double open_streams(void *service)
{
    return (double)notification_service_stats(service).streams;
}

static double listening(void *service)
{
    return notification_service_stats(service).news.listening;
}

static void add_gauges(struct ink_metrics *metrics, struct notification_service *service)
{
    struct ink_metric *streams =
        ink_metrics_gauge(metrics, "notification_streams", "Open streams of notifications.", NULL);
    struct ink_metric *news = ink_metrics_gauge(
        metrics, "notification_news_listening",
        "Whether news of other replicas are heard (1), or streams only look now and then (0).",
        NULL);
    ink_series_callback(ink_metric_series(streams, NULL), open_streams, service);
    ink_series_callback(ink_metric_series(news, NULL), listening, service);
}

/* NULL without Kafka. */
static struct notification_events *make_events(struct ink_backing *backing,
                                               const struct notification_settings *settings,
                                               struct notification_service *service)
{
    struct ink_program *program = backing->program;
    const struct ink_kafka_settings kafka = ink_mesh_kafka(&backing->settings->kafka);
    if (kafka.brokers == NULL || kafka.brokers[0] == '\0') {
        ink_log(INK_LOG_WARN, NULL, "no KAFKA_BROKERS: nothing is told of events");
        return NULL;
    }
    struct notification_events *events = NULL;
    ink_program_must(program, "consume events",
                     notification_events_new(ink_program_arena(program), service, backing->db,
                                             &kafka, settings->inbox_retention_s, &events));
    ink_program_check(program, "events", false, notification_events_check, events);
    ink_program_on_drain(program, notification_events_drain, events);
    notification_events_add_gauges(ink_program_metrics(program), events);
    return events;
}

int main(int argc, char **argv)
{
    static const struct ink_program_spec spec = {
        .config = {.name = "notification",
                   .version = "0.1.0",
                   .summary = "The notification service of inkmesh: what users are told.",
                   .settings = notification_settings_table},
        .mesh_settings = offsetof(struct notification_settings, backing.mesh),
        .contract = &inkmesh_contract,
    };
    struct notification_settings settings = {0};
    struct ink_program *program = ink_program_new(&spec, argc, argv, &settings);
    struct ink_backing backing;
    const struct ink_mesh_issuer issuer = {.service = NOTIFICATION_MAIL_CALLER,
                                           .signing_key_file = settings.mail.signing_key_file};
    ink_backing_open(program, &settings.backing, &notification_migrations,
                     settings.mail.smtp.url == NULL ? NULL : &issuer, &backing);
    struct notification_service *service = make_service(&backing, &settings);
    add_gauges(ink_program_metrics(program), service);
    struct notification_events *events = make_events(&backing, &settings, service);
    struct notification_mail_program mail = {0};
    notification_mail_program_open(&backing, &settings, service, &mail);
    ink_backing_serve(&backing, NOTIFICATION_SERVICE, notification_service_handlers, service);
    notification_mail_program_close(&mail);
    notification_events_free(events);
    notification_service_free(service);
    ink_backing_close(&backing);
    return 0;
}
