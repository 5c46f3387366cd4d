#include "gateway/backends.h"

#include <stddef.h>

/* How long a backend may take to say how it is. */
#define HEALTH_TIMEOUT_MS 900

static const struct {
    const char *service;
    const char *name;
    const char *setting; /* of the address */
    size_t address;      /* where that is among the settings */
    size_t tls_name;
} table[] = {
    {"inkmesh.user.v1.UserService", "user", "USER_SERVICE_ADDRESS",
     offsetof(struct gateway_settings, user_service), offsetof(struct gateway_settings, user_name)},
    {"inkmesh.blog.v1.BlogService", "blog", "BLOG_SERVICE_ADDRESS",
     offsetof(struct gateway_settings, blog_service), offsetof(struct gateway_settings, blog_name)},
    {"inkmesh.notification.v1.NotificationService", "notification", "NOTIFICATION_SERVICE_ADDRESS",
     offsetof(struct gateway_settings, notification_service),
     offsetof(struct gateway_settings, notification_name)},
};
_Static_assert(INK_COUNT(table) <= GATEWAY_MAX_BACKENDS, "GATEWAY_MAX_BACKENDS is too small");

static struct ink_status check(void *client, struct ink_arena *arena)
{
    (void)arena;
    if (ink_rpc_client_healthy(client, HEALTH_TIMEOUT_MS))
        return ink_ok();
    return ink_error(INK_UNAVAILABLE, "the service is away");
}

static double breaker_state(void *client)
{
    return ink_rpc_client_stats(client).breaker;
}

static double times_closed(void *client)
{
    return (double)ink_rpc_client_stats(client).entered[INK_BREAKER_CLOSED];
}

static double times_half_open(void *client)
{
    return (double)ink_rpc_client_stats(client).entered[INK_BREAKER_HALF_OPEN];
}

static double times_open(void *client)
{
    return (double)ink_rpc_client_stats(client).entered[INK_BREAKER_OPEN];
}

static double refused_calls(void *client)
{
    return (double)ink_rpc_client_stats(client).refused;
}

static void add_metrics(struct ink_metrics *metrics, const char *name,
                        struct ink_rpc_client *client)
{
    struct ink_metric *state = ink_metrics_gauge(
        metrics, "grpc_client_breaker_state",
        "Of the service's circuit breaker: 0 closed, 1 probing, 2 open.", INK_LABELS("service"));
    struct ink_metric *transitions =
        ink_metrics_counter(metrics, "grpc_client_breaker_transitions_total",
                            "How often it came to a state.", INK_LABELS("service", "to"));
    struct ink_metric *refused =
        ink_metrics_counter(metrics, "grpc_client_refused_total",
                            "Calls that it kept from the service.", INK_LABELS("service"));
    ink_series_callback(ink_metric_series(state, INK_LABELS(name)), breaker_state, client);
    ink_series_callback(ink_metric_series(transitions, INK_LABELS(name, "closed")), times_closed,
                        client);
    ink_series_callback(ink_metric_series(transitions, INK_LABELS(name, "half_open")),
                        times_half_open, client);
    ink_series_callback(ink_metric_series(transitions, INK_LABELS(name, "open")), times_open,
                        client);
    ink_series_callback(ink_metric_series(refused, INK_LABELS(name)), refused_calls, client);
}

static struct ink_status reload(void *client, struct ink_arena *arena,
                                struct ink_tls_state *ret_state)
{
    return ink_rpc_client_reload(client, arena, ret_state);
}

static const char *text_at(const struct gateway_settings *settings, size_t offset)
{
    return *(const char *const *)(const void *)((const char *)settings + offset);
}

static struct ink_rpc_client *connect_to(size_t i, struct ink_program *program,
                                         const struct gateway_settings *settings,
                                         struct ink_rpc_tls *tls)
{
    struct ink_rpc_client *client = NULL;
    struct ink_rpc_client_options options = {
        .target = text_at(settings, table[i].address),
        .default_timeout_ms = settings->request_timeout_ms,
    };
    *tls = settings->rpc_tls;
    tls->server_name = text_at(settings, table[i].tls_name);
    if (tls->ca_file != NULL)
        options.tls = tls;
    ink_program_plaintext(program, table[i].setting, options.target, "GRPC_TLS_CA_FILE",
                          tls->ca_file);
    struct ink_arena *arena = ink_program_arena(program);
    ink_program_must(program, ink_arena_printf(arena, "use %s", table[i].setting),
                     ink_rpc_client_new(ink_program_contract(program), &options, arena, &client));
    return client;
}

void gateway_backends_init(struct gateway_backends *backends, struct ink_program *program,
                           const struct gateway_settings *settings)
{
    *backends = (struct gateway_backends){.count = INK_COUNT(table)};
    for (size_t i = 0; i < INK_COUNT(table); i++) {
        struct gateway_backend *backend = &backends->list[i];
        backend->service = table[i].service;
        backend->client = connect_to(i, program, settings, &backends->tls[i]);
        ink_program_certificate(program, table[i].name, reload, backend->client);
        ink_program_check(program, table[i].name, true, check, backend->client);
        add_metrics(ink_program_metrics(program), table[i].name, backend->client);
    }
}

void gateway_backends_release(struct gateway_backends *backends)
{
    for (size_t i = 0; i < backends->count; i++)
        ink_rpc_client_free(backends->list[i].client);
}
