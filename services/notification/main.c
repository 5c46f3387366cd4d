/*
 * The notification service: what users are told, over gRPC. This file puts it together.
 */
#include "inkmesh_contract.h"
#include "lib/auth/auth.h"
#include "lib/gauges/gauges.h"
#include "lib/log/log.h"
#include "lib/mesh/program.h"
#include "services/notification/events.h"
#include "services/notification/service.h"
#include "services/notification/settings.h"

static struct ink_auth *make_auth(struct ink_program *program,
                                  const struct notification_settings *settings)
{
    struct ink_auth *auth = NULL;
    struct ink_auth_options options = {.secret = settings->jwt_secret,
                                       .issuer = settings->jwt_issuer,
                                       .audience = settings->jwt_audience,
                                       .leeway = settings->jwt_leeway};
    ink_program_must(program, "check tokens",
                     ink_auth_new(&options, ink_program_arena(program), &auth));
    return auth;
}

static void make_parts(struct ink_program *program, const struct notification_settings *settings,
                       struct notification_service_parts *ret_parts)
{
    struct ink_arena *arena = ink_program_arena(program);
    struct ink_db_settings db = {.conninfo = settings->database_url,
                                 .application_name = "inkmesh-notification",
                                 .size = (size_t)settings->database_pool};
    struct ink_cache_settings cache = {.url = settings->redis_url,
                                       .size = (size_t)settings->redis_pool};
    ink_program_must(program, "use DATABASE_URL", ink_db_new(arena, &db, &ret_parts->db));
    ink_program_must(program, "use REDIS_URL", ink_cache_new(arena, &cache, &ret_parts->cache));
    ink_program_must(program, "start", notification_settings_check(settings, arena));
    ret_parts->redis_url = settings->redis_url;
    ret_parts->secret = settings->jwt_secret;
    ret_parts->streams = settings->streams;
    ret_parts->user_streams = settings->user_streams;
    ret_parts->poll_ms = settings->stream_poll_ms;
}

static double open_streams(void *service)
{
    return (double)notification_service_stats(service).streams;
}

static double listening(void *service)
{
    return notification_service_stats(service).news.listening;
}

static void add_gauges(struct ink_metrics *metrics, const struct notification_service_parts *parts,
                       struct notification_service *service)
{
    ink_gauges_add_db(metrics, parts->db);
    ink_gauges_add_cache(metrics, parts->cache);
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
static struct notification_events *make_events(struct ink_program *program,
                                               const struct notification_settings *settings,
                                               struct ink_db *db,
                                               struct notification_service *service)
{
    const struct ink_kafka_settings kafka = ink_mesh_kafka(&settings->kafka);
    if (kafka.brokers == NULL || kafka.brokers[0] == '\0') {
        ink_log(INK_LOG_WARN, NULL, "no KAFKA_BROKERS: nothing is told of events");
        return NULL;
    }
    struct notification_events *events = notification_events_new(service, db, &kafka);
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
        .mesh_settings = offsetof(struct notification_settings, mesh),
        .contract = &inkmesh_contract,
    };
    struct notification_settings settings = {0};
    struct ink_program *program = ink_program_new(&spec, argc, argv, &settings);
    struct ink_auth *auth = make_auth(program, &settings);
    struct notification_service_parts parts = {0};
    struct notification_service *service = NULL;
    make_parts(program, &settings, &parts);
    ink_program_must(program, "listen for news",
                     notification_service_new(ink_program_arena(program), &parts, &service));
    ink_program_check(program, "postgres", true, notification_service_check_database, service);
    ink_program_check(program, "redis", false, notification_service_check_cache, service);
    add_gauges(ink_program_metrics(program), &parts, service);
    struct notification_events *events = make_events(program, &settings, parts.db, service);
    struct ink_rpc_server *server = ink_program_server(program, &settings.rpc, auth);
    ink_program_must(program, "serve " NOTIFICATION_SERVICE,
                     ink_rpc_server_add(server, NOTIFICATION_SERVICE, notification_service_handlers,
                                        service, ink_program_arena(program)));
    ink_program_run(program);
    ink_program_free(program); /* first: its admin port reads the gauges of the others */
    notification_events_free(events);
    notification_service_free(service);
    ink_cache_free(parts.cache);
    ink_db_free(parts.db);
    ink_auth_free(auth);
    return 0;
}
