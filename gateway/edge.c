#include "gateway/edge.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/exchange.h"
#include "gateway/explorer/explorer.h"
#include "gateway/log_path.h"
#include "gateway/request_id.h"
#include "lib/base/alloc.h"
#include "lib/log/log.h"

#define DEFAULT_STREAMS 256

static struct ink_rpc_client *client_of(const struct gateway_edge_options *options,
                                        const struct ink_service *service)
{
    for (size_t i = 0; i < options->n_backends; i++)
        if (strcmp(options->backends[i].service, service->full_name) == 0)
            return options->backends[i].client;
    return NULL;
}

static struct ink_status make_route(const struct gateway_edge_options *options,
                                    struct ink_arena *arena, const struct ink_route *matched,
                                    struct gateway_route *ret_route)
{
    const struct ink_method *rpc = matched->rpc;
    const Inkmesh__Options__V1__MethodOptions *said = rpc->options;
    if (said == NULL || said->access == INKMESH__OPTIONS__V1__ACCESS__ACCESS_UNSPECIFIED)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s does not say who may call it",
                          rpc->full_name);
    if (rpc->client_streaming)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s: a client stream cannot be served",
                          rpc->full_name);
    struct gateway_route route = {
        .client = client_of(options, rpc->service),
        .success_status = said->success_status == 0 ? 200 : said->success_status,
        .access = said->access,
        .preflight_names = gateway_preflight_names(arena, matched),
    };
    if (route.client == NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s has no backend",
                          rpc->service->full_name);
    if (route.success_status < 200 || route.success_status > 299)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s: %d is no status of success",
                          rpc->full_name, route.success_status);
    if (said->location != NULL && said->location[0] != '\0') {
        struct ink_status status = gateway_location_check(arena, said->location, rpc->output);
        if (!ink_is_ok(status))
            return status;
        route.location = said->location;
    }
    struct ink_status status = gateway_limit_route(options, arena, rpc, &route);
    if (!ink_is_ok(status))
        return status;
    *ret_route = route;
    return ink_ok();
}

static struct ink_status make_routes(struct gateway_edge *edge, struct ink_arena *arena)
{
    size_t count;
    struct ink_status status = ink_router_new(edge->options.contract, arena, &edge->router);
    if (!ink_is_ok(status))
        return status;
    const struct ink_route *routes = ink_router_routes(edge->router, &count);
    edge->routes = ink_calloc(count + 1, sizeof(*edge->routes));
    for (size_t i = 0; i < count && ink_is_ok(status); i++)
        status = make_route(&edge->options, arena, &routes[i], &edge->routes[routes[i].index]);
    return status;
}

static double slots_taken(void *slots)
{
    return atomic_load(&((struct gateway_slots *)slots)->taken);
}

static double slots_in_all(void *slots)
{
    return ((const struct gateway_slots *)slots)->most;
}

struct ink_series *gateway_shed_series(struct ink_metrics *metrics, const char *reason)
{
    struct ink_metric *shed = ink_metrics_counter(
        metrics, "http_server_shed_total",
        "Requests refused because there was more to do than could be done at once.",
        INK_LABELS("reason"));
    return ink_metric_series(shed, INK_LABELS(reason));
}

static void add_metrics(struct gateway_edge *edge)
{
    struct ink_metrics *metrics = edge->options.metrics;
    edge->duration = ink_metrics_histogram(
        metrics, "http_server_request_duration_seconds",
        "Requests by their route, from the end of the header to the end of the reply.",
        INK_LABELS("http_request_method", "http_route", "http_response_status_code"), NULL, 0);
    struct ink_metric *open =
        ink_metrics_gauge(metrics, "http_server_open_streams",
                          "Streams that are open, each of which has a thread.", NULL);
    struct ink_metric *most = ink_metrics_gauge(metrics, "http_server_max_streams",
                                                "How many streams may be open at once.", NULL);
    edge->shed = gateway_shed_series(metrics, "slow");
    ink_series_callback(ink_metric_series(open, NULL), slots_taken, edge->slots);
    ink_series_callback(ink_metric_series(most, NULL), slots_in_all, edge->slots);
}

struct ink_status gateway_edge_new(const struct gateway_edge_options *options,
                                   struct ink_arena *arena, struct gateway_edge **ret_edge)
{
    struct gateway_edge *edge = ink_calloc(1, sizeof(*edge));
    edge->options = *options;
    struct ink_status status = make_routes(edge, arena);
    if (ink_is_ok(status))
        status = gateway_openapi_new(options->contract, edge->router, options->version, arena,
                                     &edge->openapi);
    if (!ink_is_ok(status)) {
        gateway_edge_free(edge);
        return status;
    }
    edge->slots = ink_calloc(1, sizeof(*edge->slots));
    edge->loads = ink_calloc(ink_contract_method_count(options->contract), sizeof(*edge->loads));
    edge->slots->most = options->max_streams == 0 ? DEFAULT_STREAMS : options->max_streams;
    add_metrics(edge);
    edge->safety = gateway_safety_new(
        &(struct gateway_safety_options){.page_policy = gateway_explorer_policy,
                                         .hsts_max_age = options->hsts_max_age,
                                         .hsts_subdomains = options->hsts_subdomains,
                                         .by_origin = options->cors.n_origins > 0});
    *ret_edge = edge;
    return ink_ok();
}

void gateway_edge_free(struct gateway_edge *edge)
{
    if (edge == NULL)
        return;
    ink_router_free(edge->router);
    free(edge->routes);
    free(edge->slots);
    free(edge->loads);
    gateway_safety_free(edge->safety);
    gateway_openapi_free(edge->openapi);
    free(edge);
}

static void set_common_headers(struct gateway_exchange *x)
{
    const char *origin = ink_http_header(x->http, "Origin");
    const char *for_pages = gateway_cors_lines(&x->edge->options.cors, origin);
    bool is_page = gateway_explorer_is_page(ink_http_path(x->http));
    ink_http_set(x->http, "X-Request-Id", x->ctx.request_id);
    ink_http_set_lines(x->http,
                       gateway_safety_lines(x->edge->safety, is_page, ink_http_is_tls(x->http)));
    if (for_pages != NULL)
        ink_http_set_lines(x->http, for_pages);
}

static struct gateway_exchange *begin(const struct gateway_edge *edge,
                                      struct ink_http_request *http)
{
    struct ink_arena *arena = ink_http_arena(http);
    struct gateway_exchange *x = ink_arena_alloc(arena, sizeof(*x));
    *x = (struct gateway_exchange){.edge = edge, .http = http, .route_label = ""};
    x->ctx = ink_ctx_background(arena);
    x->ctx.deadline = ink_http_deadline(http);
    x->ctx.cancelled = ink_http_left(http);
    gateway_limit_begin(x);
    x->ctx.request_id = gateway_request_id(arena, ink_http_header(http, "X-Request-Id"));
    (void)ink_trace_continue(&x->ctx.trace, ink_http_header(http, "traceparent"));
    set_common_headers(x);
    return x;
}

/* Methods that clients make up must not become label values. */
static const char *method_label(const char *method)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < INK_COUNT(known); i++)
        if (strcmp(known[i], method) == 0)
            return known[i];
    return "_OTHER";
}

static const char *status_label(struct ink_arena *arena, int http_status)
{
    switch (http_status) {
    case 200:
        return "200";
    case 201:
        return "201";
    case 204:
        return "204";
    default:
        return ink_arena_printf(arena, "%d", http_status);
    }
}

/* The gateway's own paths are asked every second or so by machines. */
static enum ink_log_level level_of(const struct gateway_exchange *x, int http_status)
{
    if (x->route_label[0] != '\0' && x->route == NULL)
        return INK_LOG_DEBUG;
    if (http_status == 500)
        return INK_LOG_ERROR;
    return http_status >= 502 && http_status <= 504 ? INK_LOG_WARN : INK_LOG_INFO;
}

static void end(void *self, struct ink_http_request *http)
{
    const struct gateway_exchange *x = self;
    int http_status = ink_http_replied(http);
    const char *method = ink_http_method(http);
    double seconds = (double)(ink_now() - ink_http_start(http)) / (double)INK_SECOND;
    ink_series_observe(
        ink_metric_series(x->edge->duration, INK_LABELS(method_label(method), x->route_label,
                                                        status_label(x->ctx.arena, http_status))),
        seconds);
    ink_log(level_of(x, http_status), &x->ctx, "http request", INK_LOG_STR("method", method),
            INK_LOG_STR("path", gateway_log_path(x->ctx.arena, ink_http_path(http))),
            INK_LOG_STR("route", x->route_label), INK_LOG_INT("status", http_status),
            INK_LOG_NUM("duration_ms", seconds * 1000),
            INK_LOG_INT("bytes", (int64_t)ink_http_sent_bytes(http)),
            INK_LOG_STR("peer", x->ctx.peer),
            INK_LOG_STR("user_id", x->ctx.caller.id[0] == '\0' ? NULL : x->ctx.caller.id),
            INK_LOG_STR("user_agent", ink_http_header(http, "User-Agent")),
            INK_LOG_STR("error", x->status.message), INK_LOG_STR("reason", x->status.reason),
            INK_LOG_STR("cause", x->status.cause));
}

/* A reader may take its time for an answer; until then it has not ended. */
void gateway_end(struct gateway_exchange *x)
{
    if (!ink_http_when_sent(x->http, end, x))
        end(x, x->http);
}

static enum gateway_progress answer_route(struct gateway_exchange *x)
{
    const char *path = ink_http_path(x->http);
    struct ink_route_match match = ink_router_match(x->edge->router, ink_http_method(x->http), path,
                                                    strlen(path), x->ctx.arena);
    switch (match.result) {
    case INK_PATH_FOUND:
        x->route = match.route;
        x->route_label = match.route->template_text;
        x->made = &x->edge->routes[match.route->index];
        x->values = match.values;
        return gateway_call(x);
    case INK_PATH_OPTIONS:
        gateway_answer_options(x, match.allow, gateway_preflight_route(x));
        break;
    case INK_PATH_BAD_METHOD:
        ink_http_set(x->http, "Allow", match.allow);
        gateway_answer_problem(x, 405, "This path does not take this method.");
        break;
    case INK_PATH_UNKNOWN:
    case INK_PATH_MALFORMED:
        gateway_answer_status(x, match.status);
        break;
    }
    return GATEWAY_ANSWERED;
}

void gateway_edge_handle(void *edge, struct ink_http_request *http)
{
    struct gateway_exchange *x = begin(edge, http);
    enum gateway_progress progress = GATEWAY_ANSWERED;
    if (gateway_limit_address(x) && !gateway_answer_own(x))
        progress = answer_route(x);
    if (progress == GATEWAY_ANSWERED)
        gateway_end(x);
}

void gateway_edge_refuse(void *edge, struct ink_http_request *http, int http_status,
                         const char *detail)
{
    struct gateway_exchange *x = begin(edge, http);
    gateway_answer_problem(x, http_status, detail);
    gateway_end(x);
}

/* What still waits for a service is 503. */
void gateway_edge_give_up(void *self)
{
    const struct gateway_edge_options *options = &((const struct gateway_edge *)self)->options;
    for (size_t i = 0; i < options->n_backends; i++)
        ink_rpc_client_stop(options->backends[i].client);
}
