/*
 * The gateway: REST/JSON outside, gRPC inside. This file puts it together.
 */
#include "gateway/backends.h"
#include "gateway/edge.h"
#include "gateway/settings.h"
#include "inkmesh_contract.h"
#include "lib/mesh/program.h"

static unsigned max_streams(const struct gateway_settings *settings)
{
    int64_t share = settings->threads * settings->streams_percent / 100;
    return share < 1 ? 1 : (unsigned)share;
}

static struct gateway_edge *make_edge(struct ink_program *program,
                                      const struct gateway_settings *settings,
                                      const struct gateway_backends *backends,
                                      const struct ink_auth *auth)
{
    struct gateway_edge *edge = NULL;
    struct ink_arena *arena = ink_program_arena(program);
    struct gateway_edge_options options = {.contract = ink_program_contract(program),
                                           .backends = backends->list,
                                           .n_backends = backends->count,
                                           .auth = auth,
                                           .health = ink_program_health(program),
                                           .metrics = ink_program_metrics(program),
                                           .max_streams = max_streams(settings)};
    ink_program_must(program, "use CORS_ORIGINS",
                     gateway_cors_parse(arena, settings->cors_origins, &options.cors));
    ink_program_must(program, "build the routes", gateway_edge_new(&options, arena, &edge));
    return edge;
}

static double active_requests(void *server)
{
    return ink_http_server_active(server);
}

static double open_connections(void *server)
{
    return ink_http_server_connections(server);
}

static void add_gauges(struct ink_metrics *metrics, struct ink_http_server *server)
{
    struct ink_metric *active = ink_metrics_gauge(metrics, "http_server_active_requests",
                                                  "Requests that are being answered.", NULL);
    struct ink_metric *connections = ink_metrics_gauge(
        metrics, "http_server_open_connections", "Connections, each of which has a thread.", NULL);
    ink_series_callback(ink_metric_series(active, NULL), active_requests, server);
    ink_series_callback(ink_metric_series(connections, NULL), open_connections, server);
}

static void stop(void *server, int64_t grace_ms)
{
    ink_http_server_stop(server, grace_ms);
}

static struct ink_http_server *serve(struct ink_program *program,
                                     const struct gateway_settings *settings,
                                     struct gateway_edge *edge)
{
    struct ink_http_server *server = NULL;
    struct ink_http_options options = {.address = settings->address,
                                       .threads = (unsigned)settings->threads,
                                       .keep_alive_ms = settings->keep_alive_ms,
                                       .header_timeout_ms = settings->header_timeout_ms,
                                       .request_timeout_ms = settings->request_timeout_ms,
                                       .max_body_bytes = (size_t)settings->max_body_bytes,
                                       .tls_cert_file = settings->tls_cert_file,
                                       .tls_key_file = settings->tls_key_file,
                                       .handler = gateway_edge_handle,
                                       .refuse = gateway_edge_refuse,
                                       .self = edge};
    ink_program_must(program, "serve HTTP",
                     ink_http_server_new(&options, ink_program_arena(program), &server));
    add_gauges(ink_program_metrics(program), server);
    ink_program_on_drain(program, stop, server);
    return server;
}

int main(int argc, char **argv)
{
    static const struct ink_program_spec spec = {
        .config = {.name = "gateway",
                   .version = "0.1.0",
                   .summary = "The gateway of inkmesh: its REST API.",
                   .settings = gateway_settings_table},
        .mesh_settings = offsetof(struct gateway_settings, mesh),
        .contract = &inkmesh_contract,
    };
    struct gateway_settings settings = {0};
    struct gateway_backends backends;
    struct ink_program *program = ink_program_new(&spec, argc, argv, &settings);
    struct ink_auth *auth = ink_program_auth(program, &settings.tokens, 0);
    gateway_backends_init(&backends, program, &settings);
    struct gateway_edge *edge = make_edge(program, &settings, &backends, auth);
    struct ink_http_server *server = serve(program, &settings, edge);
    ink_program_run(program);
    ink_http_server_free(server);
    gateway_edge_free(edge);
    gateway_backends_release(&backends);
    ink_auth_free(auth);
    ink_program_free(program);
    return 0;
}
