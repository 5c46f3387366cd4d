/*
 * What every service does around every call, as interceptors of lib/rpc's server. In this order
 * (trace, request id and deadline are set up by lib/rpc before them):
 *
 *   metrics       grpc_server_handled_total and grpc_server_handling_seconds
 *   log           one line a call: method, code, duration, caller, and why it failed
 *   authenticate  a bearer token becomes ctx->caller; methods for anyone look at none
 *   authorize     the method's inkmesh.options.v1 access: 16 UNAUTHENTICATED for a caller without
 *                 credentials, 7 PERMISSION_DENIED for one of the wrong kind
 *   validate      the request's buf.validate rules; a client stream's messages are its handler's
 *
 * So a handler can rely on ctx->caller and on a request that keeps its rules.
 */
#pragma once

#include "lib/auth/auth.h"
#include "lib/metrics/metrics.h"
#include "lib/rpc/server.h"
#include "lib/validate/validate.h"

/* Embedded by value; constant after ink_mesh_guard_init(), which takes no ownership. */
struct ink_mesh_guard {
    const struct ink_auth *auth;           /* NULL: every bearer token is refused */
    const struct ink_validator *validator; /* NULL: requests are not validated */
    struct ink_metric *handled;
    struct ink_metric *handling;
};

/* Makes the metrics. `metrics`, `auth` and `validator` must outlive the guard. */
void ink_mesh_guard_init(struct ink_mesh_guard *guard, struct ink_metrics *metrics,
                         const struct ink_auth *auth, const struct ink_validator *validator);
/* Before the server's start: adds all of them. The guard must outlive the server. */
void ink_mesh_guard_add(struct ink_mesh_guard *guard, struct ink_rpc_server *server);

/* Each alone; `self` is a struct ink_mesh_guard. */
ink_rpc_interceptor_fn ink_mesh_count, ink_mesh_log, ink_mesh_authenticate, ink_mesh_authorize,
    ink_mesh_validate;
