/* The greeter as a program with the settings that every service has, for tests that hurt it. */
#include "lib/mesh/program.h"
#include "greet_contract.h"
#include "tests/integration/rpc/greeter.h"

struct settings {
    struct ink_mesh_settings mesh;
    struct ink_mesh_rpc_settings rpc;
};

static const struct ink_config_setting table[] = {
    INK_CONFIG_INCLUDE(struct settings, mesh, ink_mesh_settings_table),
    INK_CONFIG_INCLUDE(struct settings, rpc, ink_mesh_rpc_settings_table),
    {0},
};

int main(int argc, char **argv)
{
    static const struct ink_program_spec spec = {
        .config = {.name = "greeter", .version = "0.0.1", .summary = "a test", .settings = table},
        .mesh_settings = offsetof(struct settings, mesh),
        .contract = &greet_contract,
    };
    static struct greeter greeter;
    struct settings settings = {0};
    struct ink_program *program = ink_program_new(&spec, argc, argv, &settings);
    struct ink_rpc_server *server = ink_program_server(program, &settings.rpc, NULL);
    ink_program_must(program, "serve the greeter",
                     ink_rpc_server_add(server, "greet.v1.Greeter", greeter_handlers, &greeter,
                                        ink_program_arena(program)));
    ink_program_run(program);
    ink_program_free(program);
    return 0;
}
