/*
 * A program's client of another service: made of settings, with certificates that are looked after
 * and its circuit breaker in the metrics:
 *
 *   grpc_client_breaker_state{service} (0 closed, 1 probing, 2 open),
 *   grpc_client_breaker_transitions_total{service,to}, grpc_client_refused_total{service}
 */
#pragma once

#include "lib/mesh/program.h"
#include "lib/rpc/client.h"

struct ink_mesh_client_spec {
    const char *name;              /* of the service, in metrics and the log: "user" */
    const char *setting;           /* of its address: "USER_SERVICE_ADDRESS" */
    const char *target;            /* what that says */
    const struct ink_rpc_tls *tls; /* GRPC_TLS_*; plain text without a ca_file */
    const char *server_name;       /* that its certificate must have; NULL: the target's */
    int64_t default_timeout_ms;    /* as ink_rpc_client_options */
};

/* A client that cannot be made ends the program with a line in the log. The spec may go; its
 * strings must outlive the client. Free it when the program has run. */
struct ink_rpc_client *ink_program_client(struct ink_program *program,
                                          const struct ink_mesh_client_spec *spec);
