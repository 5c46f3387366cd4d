/*
 * The skeleton of a program, so that a service's main.c is a page:
 *
 *     int main(int argc, char **argv)
 *     {
 *         struct settings settings = {0};
 *         struct ink_program *program = ink_program_new(&spec, argc, argv, &settings);
 *         struct ink_arena *arena = ink_program_arena(program);
 *         struct greeter *greeter;
 *         ink_program_must(program, "open the store", greeter_new(&settings, arena, &greeter));
 *         ink_program_check(program, "postgres", true, greeter_check, greeter);
 *         struct ink_rpc_server *server = ink_program_server(program, &settings.rpc, auth);
 *         ink_program_must(program, "serve", ink_rpc_server_add(server, "greet.v1.GreetService",
 *                                                               greeter_handlers, greeter, arena));
 *         ink_program_run(program);
 *         greeter_free(greeter);
 *         ink_program_free(program);
 *         return 0;
 *     }
 *
 * With --check-health the program does not start: it asks the one that runs with the same settings,
 * over its admin port, whether it is ready, prints the answer and exits with 0 or 1.
 *
 * A start that fails logs one line and exits with 1 (2 for wrong settings). SIGTERM and SIGINT
 * drain: /readyz and grpc.health.v1 say no, new calls are refused, those in flight have
 * DRAIN_GRACE_MS to end, and the program exits with 0; a second signal ends it at once. SIGHUP
 * opens the log files again and takes over certificates whose files were changed, which is looked
 * for every TLS_RELOAD_INTERVAL anyway. SIGPIPE is ignored. All of it belongs to the main thread.
 */
#pragma once

#include <stdbool.h>

#include "lib/auth/auth.h"
#include "lib/contract/contract.h"
#include "lib/mesh/certificates.h"
#include "lib/mesh/health.h"
#include "lib/mesh/settings.h"
#include "lib/metrics/metrics.h"
#include "lib/rpc/server.h"

struct ink_program;

struct ink_program_spec {
    struct ink_config_program config;          /* name, version, summary, settings table */
    size_t mesh_settings;                      /* offsetof(struct settings, mesh) */
    const struct ink_contract_image *contract; /* NULL for a program without */
};

/* Gives up privileges and core dumps (lockdown.h; CORE_DUMPS), blocks the signals, reads the
 * settings into *ret_settings (the program's struct, zeroed), opens the log, makes the metrics and
 * loads the contract; exits when any of it fails, or after --help or --check-health. Call it before
 * any thread is made. */
struct ink_program *ink_program_new(const struct ink_program_spec *spec, int argc, char **argv,
                                    void *ret_settings) INK_MUST_CHECK;
/* Frees server, contract and metrics. Accepts NULL. */
void ink_program_free(struct ink_program *program);

/* For the start: what lives as long as the program. */
struct ink_arena *ink_program_arena(struct ink_program *program);
const char *ink_program_name(const struct ink_program *program);
struct ink_metrics *ink_program_metrics(struct ink_program *program);
const struct ink_contract *ink_program_contract(struct ink_program *program);
struct ink_mesh_health *ink_program_health(struct ink_program *program);

/* Logs "cannot ACTION" with the status and exits with 1, unless the status is INK_OK. */
void ink_program_must(struct ink_program *program, const char *action, struct ink_status status);

/* A check of /readyz and grpc.health.v1, see health.h. */
void ink_program_check(struct ink_program *program, const char *name, bool needed,
                       ink_mesh_check_fn *check, void *self);

/* What a program issues tokens of. */
struct ink_mesh_issuer {
    const char *service;          /* its own name, for tokens of its own; NULL: users' tokens */
    const char *signing_key_file; /* JWT_SIGNING_KEY_FILE, or JWT_SERVICE_SIGNING_KEY_FILE */
    int64_t access_ttl;           /* seconds that a user's token is good; 0 means an hour */
};

/* Verifies tokens and, unless `issuer` is NULL, signs them; a program that could not do so does not
 * start. To be freed by ink_auth_free() after the program. */
struct ink_auth *ink_program_auth(struct ink_program *program,
                                  const struct ink_mesh_token_settings *settings,
                                  const struct ink_mesh_issuer *issuer) INK_MUST_CHECK;

/* What to make seals with (lib/auth/seal.h): SEAL_SECRET, else JWT_SECRET. Without either the
 * program does not start. */
const char *ink_program_seal_secret(struct ink_program *program,
                                    const struct ink_mesh_token_settings *settings);

/* Makes the gRPC server of the contract with all interceptors (interceptors.h); `auth` must outlive
 * the program. Add services to it; the program starts, stops and frees it. */
struct ink_rpc_server *ink_program_server(struct ink_program *program,
                                          const struct ink_mesh_rpc_settings *settings,
                                          const struct ink_auth *auth);

/* Refuses to start, naming both settings, when `address` is not loopback (plaintext.h), there is no
 * file for its TLS, and ALLOW_PLAINTEXT does not say that this is meant. */
void ink_program_plaintext(struct ink_program *program, const char *setting, const char *address,
                           const char *tls_setting, const char *tls_file);

/* A use of certificates, see certificates.h; the gRPC server is one already. */
void ink_program_certificate(struct ink_program *program, const char *name,
                             ink_mesh_reload_fn *reload, void *self);

/* Something else that must end before the program does (an HTTP server, a consumer), besides the
 * gRPC server, which ends first: `drain` stops taking on work and returns when what was taken on is
 * done or `grace_ms` have passed. At most 8, run in the order of their adding. */
typedef void ink_program_drain_fn(void *self, int64_t grace_ms);
void ink_program_on_drain(struct ink_program *program, ink_program_drain_fn *drain, void *self);

/* Opens the admin port, starts the gRPC server if there is one, has the checks asked once a second,
 * and waits to be told to stop. Then it says "not ready" to whoever asks, drains everything and
 * closes the admin port: when this returns, no handler, check or metrics callback runs any more. */
void ink_program_run(struct ink_program *program);
