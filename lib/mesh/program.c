#define _GNU_SOURCE
#include "lib/mesh/program.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/log/log.h"
#include "lib/mesh/admin.h"
#include "lib/mesh/interceptors.h"
#include "lib/mesh/lockdown.h"
#include "lib/mesh/plaintext.h"
#include "lib/mesh/probe.h"
#include "lib/rpc/core_setup.h"

#define MOST_DRAINS 8

struct drain {
    ink_program_drain_fn *run;
    void *self;
};

struct ink_program {
    const struct ink_program_spec *spec;
    const struct ink_mesh_settings *settings;
    struct ink_arena arena;
    struct ink_metrics *metrics;
    struct ink_contract *contract;
    struct ink_mesh_health *health;
    struct ink_mesh_admin *admin;
    struct ink_mesh_certificates *certificates;
    struct ink_validator *validator;
    struct ink_mesh_guard guard;
    struct ink_rpc_server *server;
    struct drain drains[MOST_DRAINS];
    size_t n_drains;
    sigset_t signals;
};

/* Blocked in all threads, so that they wait for who asks for them (sigwaitinfo). */
static void block_signals(struct ink_program *program)
{
    sigemptyset(&program->signals);
    sigaddset(&program->signals, SIGTERM);
    sigaddset(&program->signals, SIGINT);
    sigaddset(&program->signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &program->signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* As many descriptors as we may: a connection needs one each, and the 1,024 that a shell usually
 * gives are fewer than settings may ask for. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Memory of big messages goes back to the system when they are done with. The C library would learn
 * from each that such memory is worth keeping, up to 32 MiB, for every thread. And it would have
 * eight heaps a processor, each of which keeps what its busiest moment needed. */
static void let_go_of_memory(void)
{
    (void)mallopt(M_ARENA_MAX, (int)sysconf(_SC_NPROCESSORS_ONLN));
    (void)mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
}

static void log_for_core(bool error, const char *text)
{
    ink_log(error ? INK_LOG_WARN : INK_LOG_DEBUG, NULL, "gRPC core", INK_LOG_STR("text", text));
}

/* Takes --check-health out of the arguments. Returns whether it was there. */
static bool take_check_health(int *argc, char **argv)
{
    int kept = 0;
    for (int i = 0; i < *argc; i++)
        if (i == 0 || strcmp(argv[i], "--check-health") != 0)
            argv[kept++] = argv[i];
    bool found = kept < *argc;
    argv[kept] = NULL;
    *argc = kept;
    return found;
}

/* Returns when the settings are good; ends the process otherwise. */
static void load_settings(struct ink_program *program, int argc, char **argv, void *ret_settings)
{
    struct ink_buf text = INK_BUF_INIT;
    struct ink_config_program config = program->spec->config;
    config.more = "--check-health asks the program that runs with these settings whether it is\n"
                  "ready, prints its answer and exits with 0 or 1.\n";
    enum ink_config_outcome outcome =
        ink_config_load(&config, argc, argv, environ, &program->arena, &text, ret_settings);
    if (outcome != INK_CONFIG_RUN) {
        fputs(text.data, outcome == INK_CONFIG_SHOW ? stdout : stderr);
        ink_buf_release(&text);
        exit(outcome == INK_CONFIG_SHOW ? 0 : 2);
    }
    ink_buf_release(&text);
    program->settings = (const void *)((char *)ret_settings + program->spec->mesh_settings);
}

static void check_health(struct ink_program *program)
{
    struct ink_buf answer = INK_BUF_INIT;
    struct ink_status status =
        ink_mesh_probe(program->settings->admin_address, "/readyz", &program->arena, &answer);
    if (answer.len > 0)
        fputs(answer.data, stdout);
    if (!ink_is_ok(status))
        fprintf(stderr, "%s: %s\n", program->spec->config.name, status.message);
    exit(ink_is_ok(status) ? 0 : 1);
}

static struct ink_status open_log(struct ink_program *program)
{
    struct ink_log_options options = {
        .service = program->spec->config.name,
        .level = (enum ink_log_level)program->settings->log_level,
        .folder = program->settings->log_folder,
    };
    return ink_log_open(&options, &program->arena);
}

struct ink_program *ink_program_new(const struct ink_program_spec *spec, int argc, char **argv,
                                    void *ret_settings)
{
    struct ink_program *program = ink_calloc(1, sizeof(*program));
    program->spec = spec;
    ink_arena_init(&program->arena);
    ink_mesh_no_new_privileges();
    ink_mesh_set_dumpable(false); /* before there are secrets */
    bool only_check = take_check_health(&argc, argv);
    if (!only_check)
        block_signals(program);
    raise_descriptor_limit();
    let_go_of_memory();
    load_settings(program, argc, argv, ret_settings);
    if (program->settings->core_dumps)
        ink_mesh_set_dumpable(true);
    if (only_check)
        check_health(program);
    ink_program_must(program, "open the log", open_log(program));
    ink_rpc_core_setup(log_for_core);
    program->metrics = ink_metrics_new();
    ink_metrics_add_process(program->metrics, spec->config.name, spec->config.version);
    program->health = ink_mesh_health_new();
    program->certificates = ink_mesh_certificates_new(program->metrics);
    if (spec->contract != NULL)
        ink_program_must(program, "load the contract",
                         ink_contract_load(spec->contract, &program->arena, &program->contract));
    return program;
}

void ink_program_free(struct ink_program *program)
{
    if (program == NULL)
        return;
    ink_rpc_server_free(program->server);
    ink_mesh_admin_free(program->admin);
    ink_mesh_health_free(program->health);
    ink_mesh_certificates_free(program->certificates);
    ink_validator_free(program->validator);
    ink_contract_free(program->contract);
    ink_metrics_free(program->metrics);
    ink_arena_release(&program->arena);
    free(program);
    ink_log_close();
}

const char *ink_program_name(const struct ink_program *program)
{
    return program->spec->config.name;
}

struct ink_arena *ink_program_arena(struct ink_program *program)
{
    return &program->arena;
}

struct ink_metrics *ink_program_metrics(struct ink_program *program)
{
    return program->metrics;
}

const struct ink_contract *ink_program_contract(struct ink_program *program)
{
    return program->contract;
}

struct ink_mesh_health *ink_program_health(struct ink_program *program)
{
    return program->health;
}

void ink_program_must(struct ink_program *program, const char *action, struct ink_status status)
{
    if (ink_is_ok(status))
        return;
    ink_log(INK_LOG_ERROR, NULL, ink_arena_printf(&program->arena, "cannot %s", action),
            INK_LOG_STATUS(status));
    exit(1);
}

void ink_program_check(struct ink_program *program, const char *name, bool needed,
                       ink_mesh_check_fn *check, void *self)
{
    ink_mesh_health_add(program->health, name, needed, check, self);
}

struct ink_auth *ink_program_auth(struct ink_program *program,
                                  const struct ink_mesh_token_settings *settings,
                                  const struct ink_mesh_issuer *issuer)
{
    struct ink_auth *auth = NULL;
    struct ink_auth_options options = {.secret = settings->secret,
                                       .accepted_secret = settings->accepted_secret,
                                       .public_keys_file = settings->public_keys_file,
                                       .service_keys = settings->service_keys,
                                       .issuer = settings->issuer,
                                       .audience = settings->audience,
                                       .leeway = settings->leeway};
    if (issuer != NULL) {
        options.signing_service = issuer->service;
        options.signing_key_file = issuer->signing_key_file;
        options.access_ttl = issuer->access_ttl;
    }
    ink_program_must(program, "verify tokens", ink_auth_new(&options, &program->arena, &auth));
    if (issuer != NULL)
        ink_program_must(program, "issue tokens",
                         ink_auth_check_issuer(auth, &program->arena, issuer->service));
    return auth;
}

const char *ink_program_seal_secret(struct ink_program *program,
                                    const struct ink_mesh_token_settings *settings)
{
    const char *secret = settings->seal_secret != NULL ? settings->seal_secret : settings->secret;
    if (secret == NULL)
        ink_program_must(program, "seal page tokens",
                         ink_error(INK_INVALID_ARGUMENT, "set SEAL_SECRET, or JWT_SECRET"));
    return secret;
}

static void log_refused(void *self, const char *names)
{
    (void)self;
    ink_log(INK_LOG_WARN, NULL, "a client was refused because of its certificate's names",
            INK_LOG_STR("names", names));
}

static void log_flooded(void *self, unsigned client_port, const char *reason)
{
    (void)self;
    ink_log(INK_LOG_WARN, NULL, "a connection was closed because of what it did",
            INK_LOG_STR("reason", reason), INK_LOG_INT("client_port", (int64_t)client_port));
}

static struct ink_status reload_server(void *server, struct ink_arena *arena,
                                       struct ink_tls_state *ret_state)
{
    return ink_rpc_server_reload(server, arena, ret_state);
}

struct ink_rpc_server *ink_program_server(struct ink_program *program,
                                          const struct ink_mesh_rpc_settings *settings,
                                          const struct ink_auth *auth)
{
    const struct ink_rpc_server_options options = {
        .address = settings->address,
        .socket = settings->socket,
        .tls = settings->tls.cert_file != NULL ? &settings->tls : NULL,
        .workers = (unsigned)settings->workers,
        .max_streams = (unsigned)settings->max_streams,
        .max_message_bytes = (size_t)settings->max_message_bytes,
        .max_deadline_ms = settings->max_deadline_ms,
        .max_calls = (unsigned)settings->max_calls,
        .max_connection_calls = (unsigned)settings->max_connection_calls,
        .max_buffer_bytes = (size_t)settings->max_buffer_bytes,
        .max_idle_ms = settings->max_idle_ms,
        .no_reflection = !settings->reflection,
        .refused = log_refused,
        .flooded = log_flooded,
    };
    ink_program_plaintext(program, "GRPC_ADDRESS", settings->address, "GRPC_TLS_CERT_FILE",
                          settings->tls.cert_file);
    ink_program_must(program, "compile the contract's rules",
                     ink_validator_new(program->contract, &program->arena, &program->validator));
    ink_program_must(
        program, "make the gRPC server",
        ink_rpc_server_new(program->contract, &options, &program->arena, &program->server));
    ink_mesh_guard_init(&program->guard, program->metrics, auth, program->validator);
    ink_mesh_guard_add(&program->guard, program->server);
    return program->server;
}

void ink_program_plaintext(struct ink_program *program, const char *setting, const char *address,
                           const char *tls_setting, const char *tls_file)
{
    if (tls_file == NULL && !program->settings->allow_plaintext)
        ink_program_must(program, "start",
                         ink_mesh_check_plaintext(&program->arena, setting, address, tls_setting));
}

void ink_program_certificate(struct ink_program *program, const char *name,
                             ink_mesh_reload_fn *reload, void *self)
{
    ink_mesh_certificates_add(program->certificates, name, reload, self);
}

void ink_program_on_drain(struct ink_program *program, ink_program_drain_fn *drain, void *self)
{
    if (program->n_drains == MOST_DRAINS)
        abort();
    program->drains[program->n_drains++] = (struct drain){.run = drain, .self = self};
}

static void start(struct ink_program *program)
{
    ink_program_must(program, "open the admin port",
                     ink_mesh_admin_new(program->settings->admin_address, program->metrics,
                                        program->health, &program->arena, &program->admin));
    if (program->server != NULL) {
        ink_program_must(program, "start the gRPC server",
                         ink_rpc_server_start(program->server, &program->arena));
        ink_program_certificate(program, "grpc", reload_server, program->server);
    }
    ink_log(INK_LOG_INFO, NULL, "started", INK_LOG_STR("version", program->spec->config.version),
            INK_LOG_INT("admin_port", ink_mesh_admin_port(program->admin)),
            INK_LOG_INT("grpc_port",
                        program->server != NULL ? ink_rpc_server_port(program->server) : 0));
}

static void set_ready(void *self, bool ready)
{
    struct ink_program *program = self;
    if (program->server != NULL)
        ink_rpc_server_set_ready(program->server, ready);
}

/* The next signal, or 0 when it is time to look for certificates again. */
static int next_signal(struct ink_program *program)
{
    int64_t ms = program->settings->tls_reload_ms;
    const struct timespec interval = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * INK_MILLISECOND};
    int number;
    do {
        number = ink_mesh_certificates_any(program->certificates)
                     ? sigtimedwait(&program->signals, NULL, &interval)
                     : sigwaitinfo(&program->signals, NULL);
    } while (number < 0 && errno == EINTR);
    return number < 0 ? 0 : number;
}

/* Until a signal says stop. Returns that signal. */
static int await_signal(struct ink_program *program)
{
    for (;;) {
        int number = next_signal(program);
        if (number == SIGHUP)
            ink_log_reopen();
        else if (number > 0)
            return number;
        ink_mesh_certificates_look(program->certificates, number == SIGHUP);
    }
}

/* One grace for all: several, one after the other, would outlast whoever stops us. */
static void drain(struct ink_program *program)
{
    int64_t grace_ms = program->settings->drain_grace_ms;
    int64_t until = ink_now() + grace_ms * INK_MILLISECOND;
    if (program->server != NULL)
        ink_rpc_server_stop(program->server, grace_ms);
    for (size_t i = 0; i < program->n_drains; i++)
        program->drains[i].run(program->drains[i].self, ink_deadline_left_ms(until, grace_ms));
    ink_mesh_health_join(program->health);
    ink_mesh_admin_free(program->admin);
    program->admin = NULL;
}

void ink_program_run(struct ink_program *program)
{
    start(program);
    ink_mesh_health_start(program->health, set_ready, program);
    int number = await_signal(program);
    ink_log(INK_LOG_INFO, NULL, "stopping", INK_LOG_INT("signal", number));
    sigdelset(&program->signals, SIGHUP);
    pthread_sigmask(SIG_UNBLOCK, &program->signals, NULL); /* a second one ends it at once */
    ink_mesh_health_stop(program->health);
    drain(program);
    ink_log(INK_LOG_INFO, NULL, "stopped");
}
