/*
 * The gateway: REST/JSON outside, gRPC inside. This file puts it together.
 */
#include <time.h>

#include "gateway/backends.h"
#include "gateway/edge.h"
#include "gateway/settings.h"
#include "inkmesh_contract.h"
#include "lib/mesh/program.h"

#define VERSION "0.1.0"

/* Of the threads, at least one. */
static unsigned share_of(const struct gateway_settings *settings, int64_t percent)
{
    int64_t share = settings->threads * percent / 100;
    return share < 1 ? 1 : (unsigned)share;
}

static unsigned slow_calls(const struct gateway_settings *settings)
{
    return settings->slow_percent == 100 ? 0 : share_of(settings, settings->slow_percent);
}

static struct gateway_edge *make_edge(struct ink_program *program,
                                      const struct gateway_settings *settings,
                                      const struct gateway_backends *backends,
                                      const struct ink_auth *auth,
                                      const struct gateway_limits *limits)
{
    struct gateway_edge *edge = NULL;
    struct ink_arena *arena = ink_program_arena(program);
    struct gateway_edge_options options = {.contract = ink_program_contract(program),
                                           .backends = backends->list,
                                           .n_backends = backends->count,
                                           .auth = auth,
                                           .health = ink_program_health(program),
                                           .metrics = ink_program_metrics(program),
                                           .limits = limits,
                                           .version = VERSION,
                                           .max_streams =
                                               share_of(settings, settings->streams_percent),
                                           .slow_calls = slow_calls(settings),
                                           .hsts_max_age = (unsigned)settings->hsts_max_age,
                                           .hsts_subdomains = settings->hsts_subdomains};
    ink_program_must(program, "use CORS_ORIGINS",
                     gateway_cors_parse(arena, settings->cors_origins, &options.cors));
    ink_program_must(program, "build the routes", gateway_edge_new(&options, arena, &edge));
    return edge;
}

static struct ink_cache *open_cache(struct ink_program *program,
                                    const struct gateway_settings *settings)
{
    struct ink_cache *cache = NULL;
    struct ink_cache_settings options = {.url = settings->redis.url,
                                         .size = (size_t)settings->redis.pool};
    ink_program_must(program, "use REDIS_URL",
                     ink_cache_new(ink_program_arena(program), &options, &cache));
    return cache;
}

static struct gateway_limits *make_limits(struct ink_program *program,
                                          const struct gateway_settings *settings,
                                          struct ink_cache *cache)
{
    struct gateway_limits *limits = NULL;
    ink_program_must(program, "use the limits",
                     gateway_limits_new(
                         &settings->limits, ink_program_seal_secret(program, &settings->tokens),
                         cache, ink_program_metrics(program), ink_program_arena(program), &limits));
    return limits;
}

static double active_requests(void *server)
{
    return ink_http_server_active(server);
}

static double open_connections(void *server)
{
    return ink_http_server_connections(server);
}

static double refused_connections(void *server)
{
    return (double)ink_http_server_refused(server);
}

static double shed_in_line(void *server)
{
    return (double)ink_http_server_shed(server);
}

static double body_bytes(void *server)
{
    return (double)ink_http_server_body_bytes(server);
}

static double answer_bytes(void *server)
{
    return (double)ink_http_server_answer_bytes(server);
}

static double waiting_connections(void *server)
{
    return ink_http_server_waiting(server);
}

static void add_gauges(struct ink_metrics *metrics, struct ink_http_server *server)
{
    struct ink_metric *active = ink_metrics_gauge(metrics, "http_server_active_requests",
                                                  "Requests that are being answered.", NULL);
    struct ink_metric *connections = ink_metrics_gauge(metrics, "http_server_open_connections",
                                                       "Connections, idle ones as well.", NULL);
    struct ink_metric *waiting =
        ink_metrics_gauge(metrics, "http_server_waiting_connections",
                          "Connections without a whole request header, so without a thread.", NULL);
    ink_series_callback(ink_metric_series(active, NULL), active_requests, server);
    ink_series_callback(ink_metric_series(connections, NULL), open_connections, server);
    struct ink_metric *refused = ink_metrics_counter(
        metrics, "http_server_refused_connections_total",
        "Connections that were closed at once because their address had its share.", NULL);
    struct ink_metric *bytes = ink_metrics_gauge(metrics, "http_server_body_bytes",
                                                 "Memory that request bodies take.", NULL);
    ink_series_callback(ink_metric_series(refused, NULL), refused_connections, server);
    struct ink_metric *answers = ink_metrics_gauge(metrics, "http_server_answer_bytes",
                                                   "Memory that large unsent answers take.", NULL);
    ink_series_callback(ink_metric_series(bytes, NULL), body_bytes, server);
    ink_series_callback(ink_metric_series(answers, NULL), answer_bytes, server);
    ink_series_callback(ink_metric_series(waiting, NULL), waiting_connections, server);
    ink_series_callback(gateway_shed_series(metrics, "line"), shed_in_line, server);
}

static struct ink_status reload(void *server, struct ink_arena *arena,
                                struct ink_tls_state *ret_state)
{
    return ink_http_server_reload(server, arena, ret_state);
}

/* Balancers ask for /readyz now and then: until then they send requests, which find it serving. */
static void give_notice(void *self, int64_t grace_ms)
{
    const struct gateway_settings *settings = self;
    int64_t ms = settings->drain_notice_ms < grace_ms ? settings->drain_notice_ms : grace_ms;
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * INK_MILLISECOND}, NULL);
}

static void stop(void *server, int64_t grace_ms)
{
    ink_http_server_stop(server, grace_ms);
}

/* Whoever may have all of them may also have more of those who wait in line. */
static unsigned max_per_address(const struct gateway_settings *settings)
{
    return settings->address_percent == 100 ? 0 : share_of(settings, settings->address_percent);
}

static struct ink_http_server *serve(struct ink_program *program, struct gateway_settings *settings,
                                     struct gateway_edge *edge, struct gateway_limits *limits)
{
    struct ink_http_server *server = NULL;
    ink_program_plaintext(program, "HTTP_ADDRESS", settings->address, "HTTP_TLS_CERT_FILE",
                          settings->tls_cert_file);
    struct ink_http_options options = {.address = settings->address,
                                       .threads = (unsigned)settings->threads,
                                       .keep_alive_ms = settings->keep_alive_ms,
                                       .header_timeout_ms = settings->header_timeout_ms,
                                       .line_timeout_ms = settings->line_timeout_ms,
                                       .request_timeout_ms = settings->request_timeout_ms,
                                       .max_body_bytes = (size_t)settings->max_body_bytes,
                                       .max_per_address = max_per_address(settings),
                                       .max_bodies_bytes = (size_t)settings->max_bodies_bytes,
                                       .max_answers_bytes = (size_t)settings->max_answers_bytes,
                                       .spare = gateway_limits_spare,
                                       .spare_self = limits,
                                       .tls_cert_file = settings->tls_cert_file,
                                       .tls_key_file = settings->tls_key_file,
                                       .cooperative = true,
                                       .handler = gateway_edge_handle,
                                       .refuse = gateway_edge_refuse,
                                       .give_up = gateway_edge_give_up,
                                       .self = edge};
    ink_program_must(program, "serve HTTP",
                     ink_http_server_new(&options, ink_program_arena(program), &server));
    add_gauges(ink_program_metrics(program), server);
    ink_program_on_drain(program, give_notice, settings);
    ink_program_on_drain(program, stop, server);
    ink_program_certificate(program, "http", reload, server);
    return server;
}

int main(int argc, char **argv)
{
    static const struct ink_program_spec spec = {
        .config = {.name = "gateway",
                   .version = VERSION,
                   .summary = "The gateway of inkmesh: its REST API.",
                   .settings = gateway_settings_table},
        .mesh_settings = offsetof(struct gateway_settings, mesh),
        .contract = &inkmesh_contract,
    };
    struct gateway_settings settings = {0};
    struct gateway_backends backends;
    struct ink_program *program = ink_program_new(&spec, argc, argv, &settings);
    struct ink_auth *auth = ink_program_auth(program, &settings.tokens, NULL);
    gateway_backends_init(&backends, program, &settings);
    struct ink_cache *cache = open_cache(program, &settings);
    struct gateway_limits *limits = make_limits(program, &settings, cache);
    struct gateway_edge *edge = make_edge(program, &settings, &backends, auth, limits);
    struct ink_http_server *server = serve(program, &settings, edge, limits);
    ink_program_run(program);
    ink_http_server_free(server);
    gateway_edge_free(edge);
    gateway_backends_release(&backends);
    ink_auth_free(auth);
    ink_program_free(program);
    gateway_limits_free(limits);
    ink_cache_free(cache);
    return 0;
}
