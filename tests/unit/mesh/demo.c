/*
 * A program on lib/mesh's skeleton, for program_test.py: it serves part of the user contract.
 * Login takes as many milliseconds as the password says and gives a token; GetProfile tells who
 * calls. It is ready while the file READY_FILE exists.
 */
#include <stdlib.h>
#include <unistd.h>

#include "inkmesh/user/v1/user.pb-c.h"
#include "inkmesh_contract.h"
#include "lib/log/log.h"
#include "lib/mesh/program.h"

struct settings {
    struct ink_mesh_settings mesh;
    struct ink_mesh_rpc_settings rpc;
    const char *secret;
    const char *ready_file;
};

static const struct ink_config_setting table[] = {
    INK_CONFIG_INCLUDE(struct settings, mesh, ink_mesh_settings_table),
    INK_CONFIG_FALLBACK("ADMIN_ADDRESS", "127.0.0.1:0"),
    INK_CONFIG_INCLUDE(struct settings, rpc, ink_mesh_rpc_settings_table),
    INK_CONFIG_FALLBACK("GRPC_ADDRESS", "127.0.0.1:0"),
    INK_CONFIG_STRING(struct settings, secret, .name = "JWT_SECRET", .required = true,
                      .secret = true, .min = INK_AUTH_SECRET_MIN, .help = "signs tokens"),
    INK_CONFIG_STRING(struct settings, ready_file, .name = "READY_FILE", .required = true,
                      .help = "while it exists the program is ready"),
    {0},
};

static struct ink_status login(void *self, struct ink_ctx *ctx,
                               const Inkmesh__User__V1__LoginRequest *request,
                               Inkmesh__User__V1__Session *reply)
{
    const char *token;
    struct ink_status status =
        ink_auth_issue_user(self, ctx->arena, "01939d1c-0000-7000-8000-000000000001", &token);
    usleep((useconds_t)atoi(request->password) * 1000);
    if (ink_is_ok(status))
        reply->token = ink_arena_strdup(ctx->arena, token);
    return status;
}
INK_RPC_UNARY(login, Inkmesh__User__V1__LoginRequest, Inkmesh__User__V1__Session)

static struct ink_status get_profile(void *self, struct ink_ctx *ctx,
                                     const Inkmesh__User__V1__GetProfileRequest *request,
                                     Inkmesh__User__V1__User *reply)
{
    (void)self;
    (void)request;
    reply->id = ink_arena_strdup(ctx->arena, ctx->caller.id);
    return ink_ok();
}
INK_RPC_UNARY(get_profile, Inkmesh__User__V1__GetProfileRequest, Inkmesh__User__V1__User)

static const struct ink_rpc_handler handlers[] = {
    {.method = "Login", .unary = login_rpc},
    {.method = "GetProfile", .unary = get_profile_rpc},
    {0},
};

static struct ink_status check_file(void *self, struct ink_arena *arena)
{
    const char *path = self;
    if (access(path, F_OK) == 0)
        return ink_ok();
    return ink_error_cause(arena, INK_UNAVAILABLE, "the file is away", "%s", path);
}

static void say_drained(void *self, int64_t grace_ms)
{
    ink_log(INK_LOG_INFO, NULL, self, INK_LOG_INT("grace_ms", grace_ms));
}

int main(int argc, char **argv)
{
    static const struct ink_program_spec spec = {
        .config = {.name = "demo", .version = "0.0.1", .summary = "a test", .settings = table},
        .mesh_settings = offsetof(struct settings, mesh),
        .contract = &inkmesh_contract,
    };
    struct settings settings = {0};
    struct ink_program *program = ink_program_new(&spec, argc, argv, &settings);
    struct ink_arena *arena = ink_program_arena(program);
    const struct ink_auth_options options = {.secret = settings.secret};
    struct ink_auth *auth;
    ink_program_must(program, "make keys", ink_auth_new(&options, arena, &auth));
    ink_program_check(program, "file", true, check_file, (void *)settings.ready_file);
    struct ink_rpc_server *server = ink_program_server(program, &settings.rpc, auth);
    ink_program_must(
        program, "serve users",
        ink_rpc_server_add(server, "inkmesh.user.v1.UserService", handlers, auth, arena));
    ink_program_on_drain(program, say_drained, "drained one");
    ink_program_on_drain(program, say_drained, "drained two");
    ink_program_run(program);
    ink_program_free(program);
    ink_auth_free(auth);
    return 0;
}
