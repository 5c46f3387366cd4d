/*
 * A service and a gateway before it in one program, put together as services/user/main.c and
 * gateway/main.c are. It knows the name of its service and nothing of its methods.
 */
#include "lib/mesh/program.h"
#include "gateway/edge.h"
#include "notes_contract.h"
#include "tests/integration/scratch/handlers.h"

#define SERVICE "notes.v1.Notes"

struct settings {
    struct ink_mesh_settings mesh;
    struct ink_mesh_rpc_settings rpc;
    const char *http_address;
    const char *secret;
};

static const struct ink_config_setting table[] = {
    INK_CONFIG_INCLUDE(struct settings, mesh, ink_mesh_settings_table),
    INK_CONFIG_INCLUDE(struct settings, rpc, ink_mesh_rpc_settings_table),
    INK_CONFIG_FALLBACK("ADMIN_ADDRESS", "127.0.0.1:0"),
    INK_CONFIG_FALLBACK("GRPC_ADDRESS", "127.0.0.1:0"),
    INK_CONFIG_ADDRESS(struct settings, http_address, .name = "HTTP_ADDRESS", .required = true,
                       .help = "where REST is served"),
    INK_CONFIG_STRING(struct settings, secret, .name = "JWT_SECRET", .required = true,
                      .secret = true, .min = INK_AUTH_SECRET_MIN, .help = "signs tokens"),
    {0},
};

static struct gateway_edge *make_edge(struct ink_program *program, struct gateway_backend *backend,
                                      const struct ink_auth *auth)
{
    struct gateway_edge *edge = NULL;
    struct gateway_edge_options options = {.contract = ink_program_contract(program),
                                           .backends = backend,
                                           .n_backends = 1,
                                           .auth = auth,
                                           .health = ink_program_health(program),
                                           .metrics = ink_program_metrics(program),
                                           .version = "0.0.1"};
    ink_program_must(program, "build the routes",
                     gateway_edge_new(&options, ink_program_arena(program), &edge));
    return edge;
}

static void stop(void *server, int64_t grace_ms)
{
    ink_http_server_stop(server, grace_ms);
}

static struct ink_http_server *serve(struct ink_program *program, const char *address,
                                     struct gateway_edge *edge)
{
    struct ink_http_server *server = NULL;
    struct ink_http_options options = {.address = address,
                                       .threads = 8,
                                       .keep_alive_ms = 1000,
                                       .request_timeout_ms = 10000,
                                       .max_body_bytes = 10000,
                                       .cooperative = true,
                                       .handler = gateway_edge_handle,
                                       .refuse = gateway_edge_refuse,
                                       .self = edge};
    ink_program_must(program, "serve HTTP",
                     ink_http_server_new(&options, ink_program_arena(program), &server));
    ink_program_on_drain(program, stop, server);
    return server;
}

int main(int argc, char **argv)
{
    static const struct ink_program_spec spec = {
        .config = {.name = "notes", .version = "0.0.1", .summary = "a test", .settings = table},
        .mesh_settings = offsetof(struct settings, mesh),
        .contract = &notes_contract,
    };
    struct settings settings = {0};
    struct ink_program *program = ink_program_new(&spec, argc, argv, &settings);
    struct ink_arena *arena = ink_program_arena(program);
    struct ink_auth_options auth_options = {.secret = settings.secret};
    struct ink_rpc_client_options client_options = {.target = settings.rpc.address};
    struct ink_auth *auth = NULL;
    struct gateway_backend backend = {.service = SERVICE};
    ink_program_must(program, "check tokens", ink_auth_new(&auth_options, arena, &auth));
    struct ink_rpc_server *server = ink_program_server(program, &settings.rpc, auth);
    ink_program_must(program, "serve " SERVICE,
                     ink_rpc_server_add(server, SERVICE, notes_handlers, NULL, arena));
    ink_program_must(
        program, "reach the service",
        ink_rpc_client_new(ink_program_contract(program), &client_options, arena, &backend.client));
    struct gateway_edge *edge = make_edge(program, &backend, auth);
    struct ink_http_server *http = serve(program, settings.http_address, edge);
    ink_program_run(program);
    ink_http_server_free(http);
    gateway_edge_free(edge);
    ink_rpc_client_free(backend.client);
    ink_program_free(program);
    ink_auth_free(auth);
    return 0;
}
