#include "lib/mesh/client.h"

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

struct ink_rpc_client *ink_program_client(struct ink_program *program,
                                          const struct ink_mesh_client_spec *spec)
{
    struct ink_arena *arena = ink_program_arena(program);
    struct ink_rpc_client *client = NULL;
    struct ink_rpc_tls *tls = ink_arena_memdup(arena, spec->tls, sizeof(*tls));
    tls->server_name = spec->server_name;
    struct ink_rpc_client_options options = {.target = spec->target,
                                             .tls = tls->ca_file != NULL ? tls : NULL,
                                             .default_timeout_ms = spec->default_timeout_ms};
    ink_program_plaintext(program, spec->setting, spec->target, "GRPC_TLS_CA_FILE", tls->ca_file);
    ink_program_must(program, ink_arena_printf(arena, "use %s", spec->setting),
                     ink_rpc_client_new(ink_program_contract(program), &options, arena, &client));
    ink_program_certificate(program, spec->name, reload, client);
    add_metrics(ink_program_metrics(program), spec->name, client);
    return client;
}
