/*
 * The REST edge: answers each HTTP request by calling the method that the contract's
 * google.api.http rules name for it. What a route takes, returns and demands is all in the
 * contract; what is common to all requests (request ids, traces, credentials, CORS, problems, the
 * access log, metrics) is here.
 *
 * An edge is constant once made; its handlers are thread-safe and meant for lib/http, with the
 * edge as `self`.
 */
#pragma once

#include "gateway/cors.h"
#include "gateway/limits.h"
#include "lib/auth/auth.h"
#include "lib/contract/contract.h"
#include "lib/http/http.h"
#include "lib/mesh/health.h"
#include "lib/metrics/metrics.h"
#include "lib/rpc/client.h"

struct gateway_edge;

struct gateway_backend {
    const char *service; /* "inkmesh.user.v1.UserService" */
    struct ink_rpc_client *client;
};

/* All of it must outlive the edge. */
struct gateway_edge_options {
    const struct ink_contract *contract;
    const struct gateway_backend *backends;
    size_t n_backends;
    const struct ink_auth *auth;
    struct ink_mesh_health *health; /* for /readyz */
    struct ink_metrics *metrics;
    struct gateway_cors cors;
    const struct gateway_limits *limits; /* NULL: none */
    const char *version;                 /* of the API, for /openapi.json */
    unsigned max_streams;                /* at once; one more is refused with 503. 0 means 256 */
    unsigned slow_calls;                 /* of a method that is slow, at once; one more is refused
                                            with 503 (load.h). 0: no limit */
    unsigned hsts_max_age;               /* seconds, said over TLS (RFC 6797); 0: not said */
    bool hsts_subdomains;                /* for names below ours, too */
};

/* Builds the routes; what they need lives in `arena`, which must outlive the edge.
 * INVALID_ARGUMENT, naming the method, for a rule that cannot be served, a
 * method that does not say who may call it, and a service without backend. */
struct ink_status gateway_edge_new(const struct gateway_edge_options *options,
                                   struct ink_arena *arena,
                                   struct gateway_edge **ret_edge) INK_MUST_CHECK;
/* No request may be under way any more. Accepts NULL. */
void gateway_edge_free(struct gateway_edge *edge);

/* The counter of requests that were refused for want of room, by the reason: "slow" (counted here)
 * or "line" (by lib/http). */
struct ink_series *gateway_shed_series(struct ink_metrics *metrics, const char *reason);

/* For ink_http_options. */
void gateway_edge_handle(void *edge, struct ink_http_request *http);
void gateway_edge_refuse(void *edge, struct ink_http_request *http, int http_status,
                         const char *detail);
void gateway_edge_give_up(void *edge);
