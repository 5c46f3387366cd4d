/* The interceptors that watch, and the order of all. */
#include "lib/base/clock.h"
#include "lib/log/log.h"
#include "lib/mesh/interceptors.h"

void ink_mesh_guard_init(struct ink_mesh_guard *guard, struct ink_metrics *metrics,
                         const struct ink_auth *auth, const struct ink_validator *validator)
{
    *guard = (struct ink_mesh_guard){
        .auth = auth,
        .validator = validator,
        .handled = ink_metrics_counter(metrics, "grpc_server_handled_total",
                                       "Calls that were answered, by their gRPC status code.",
                                       INK_LABELS("grpc_service", "grpc_method", "grpc_code")),
        .handling = ink_metrics_histogram(metrics, "grpc_server_handling_seconds",
                                          "How long calls took to be answered.",
                                          INK_LABELS("grpc_service", "grpc_method"), NULL, 0),
    };
}

void ink_mesh_guard_add(struct ink_mesh_guard *guard, struct ink_rpc_server *server)
{
    static ink_rpc_interceptor_fn *const in_order[] = {
        ink_mesh_count, ink_mesh_log, ink_mesh_authenticate, ink_mesh_authorize, ink_mesh_validate,
    };
    for (size_t i = 0; i < INK_COUNT(in_order); i++)
        ink_rpc_server_intercept(server, in_order[i], guard);
}

struct ink_status ink_mesh_count(void *self, struct ink_rpc_call *call, struct ink_rpc_next *next)
{
    const struct ink_mesh_guard *guard = self;
    const char *service = call->method->service->full_name, *method = call->method->name;
    int64_t start = ink_now();
    struct ink_status status = ink_rpc_proceed(next, call);
    ink_series_observe(ink_metric_series(guard->handling, INK_LABELS(service, method)),
                       (double)(ink_now() - start) / (double)INK_SECOND);
    ink_series_add(
        ink_metric_series(guard->handled, INK_LABELS(service, method, ink_code_name(status.code))),
        1);
    return status;
}

/* What the caller did is information; what we could not do is a warning; what must not happen is an
 * error. */
static enum ink_log_level level_of(enum ink_code code)
{
    switch (code) {
    case INK_UNKNOWN:
    case INK_INTERNAL:
    case INK_DATA_LOSS:
    case INK_UNIMPLEMENTED:
        return INK_LOG_ERROR;
    case INK_UNAVAILABLE:
    case INK_DEADLINE_EXCEEDED:
    case INK_RESOURCE_EXHAUSTED:
        return INK_LOG_WARN;
    default:
        return INK_LOG_INFO;
    }
}

static const char *kind_name(enum ink_caller_kind kind)
{
    static const char *const names[] = {
        [INK_CALLER_ANYONE] = "anyone",
        [INK_CALLER_USER] = "user",
        [INK_CALLER_SERVICE] = "service",
    };
    return names[kind];
}

struct ink_status ink_mesh_log(void *self, struct ink_rpc_call *call, struct ink_rpc_next *next)
{
    (void)self;
    int64_t start = ink_now();
    struct ink_status status = ink_rpc_proceed(next, call);
    const struct ink_ctx *ctx = call->ctx;
    bool known = ctx->caller.kind != INK_CALLER_ANYONE;
    ink_log(level_of(status.code), ctx, "call", INK_LOG_STR("method", call->method->full_name),
            INK_LOG_STATUS(status),
            INK_LOG_NUM("ms", (double)(ink_now() - start) / (double)INK_MILLISECOND),
            INK_LOG_STR("caller", kind_name(ctx->caller.kind)),
            INK_LOG_STR("caller_id", known ? ctx->caller.id : NULL),
            INK_LOG_STR("peer", ctx->peer));
    return status;
}
