/*
 * The user service: accounts and sessions, over gRPC. This file puts it together.
 */
#include "inkmesh_contract.h"
#include "lib/gauges/gauges.h"
#include "lib/mesh/program.h"
#include "lib/mesh/relay.h"
#include "services/user/service.h"
#include "services/user/settings.h"

static void make_parts(struct ink_program *program, const struct user_settings *settings,
                       struct ink_auth **ret_auth, struct user_service_parts *ret_parts)
{
    struct ink_arena *arena = ink_program_arena(program);
    struct ink_db_settings db = {.conninfo = settings->database_url,
                                 .application_name = "inkmesh-user",
                                 .size = (size_t)settings->database_pool};
    struct ink_cache_settings cache = {.url = settings->redis_url,
                                       .size = (size_t)settings->redis_pool};
    struct ink_auth_options auth = {.secret = settings->jwt_secret,
                                    .issuer = settings->jwt_issuer,
                                    .audience = settings->jwt_audience,
                                    .access_ttl = settings->jwt_ttl,
                                    .leeway = settings->jwt_leeway};
    struct ink_password_options passwords = {.cost = (unsigned)settings->bcrypt_cost,
                                             .threads = (unsigned)settings->bcrypt_threads,
                                             .queue = (unsigned)settings->bcrypt_queue};
    ink_program_must(program, "use DATABASE_URL", ink_db_new(arena, &db, &ret_parts->db));
    ink_program_must(program, "use REDIS_URL", ink_cache_new(arena, &cache, &ret_parts->cache));
    ink_program_must(program, "sign tokens", ink_auth_new(&auth, arena, ret_auth));
    ink_program_must(program, "hash passwords",
                     ink_password_pool_new(&passwords, arena, &ret_parts->passwords));
    struct ink_password_stats stats;
    ink_password_pool_stats(ret_parts->passwords, &stats);
    ink_program_must(program, "start", user_settings_check(settings, stats.threads, arena));
    ret_parts->relay =
        ink_program_relay(program, &settings->kafka, settings->database_url, "/inkmesh/user");
    ret_parts->auth = *ret_auth;
    ret_parts->refresh = (struct user_refresh_policy){.ttl = settings->refresh_ttl,
                                                      .grace = settings->refresh_grace};
}

static void add_gauges(struct ink_metrics *metrics, const struct user_service_parts *parts)
{
    ink_gauges_add_db(metrics, parts->db);
    ink_gauges_add_cache(metrics, parts->cache);
    ink_gauges_add_passwords(metrics, parts->passwords);
}

int main(int argc, char **argv)
{
    static const struct ink_program_spec spec = {
        .config = {.name = "user",
                   .version = "0.1.0",
                   .summary = "The user service of inkmesh: accounts and sessions.",
                   .settings = user_settings_table},
        .mesh_settings = offsetof(struct user_settings, mesh),
        .contract = &inkmesh_contract,
    };
    struct user_settings settings = {0};
    struct ink_program *program = ink_program_new(&spec, argc, argv, &settings);
    struct user_service_parts parts = {0};
    struct ink_auth *auth = NULL;
    make_parts(program, &settings, &auth, &parts);
    struct user_service *service = user_service_new(&parts);
    ink_program_check(program, "postgres", true, user_service_check_database, service);
    ink_program_check(program, "redis", false, user_service_check_cache, service);
    add_gauges(ink_program_metrics(program), &parts);
    struct ink_rpc_server *server = ink_program_server(program, &settings.rpc, auth);
    ink_program_must(program, "serve " USER_SERVICE,
                     ink_rpc_server_add(server, USER_SERVICE, user_service_handlers, service,
                                        ink_program_arena(program)));
    ink_program_run(program);
    ink_relay_free(parts.relay, INK_PROGRAM_RELAY_GRACE_MS);
    ink_program_free(program); /* first: its admin port reads the gauges of the others */
    user_service_free(service);
    ink_password_pool_free(parts.passwords);
    ink_cache_free(parts.cache);
    ink_db_free(parts.db);
    ink_auth_free(auth);
    return 0;
}
