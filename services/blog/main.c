/*
 * The blog service: blogs, over gRPC. This file puts it together.
 */
#include "inkmesh_contract.h"
#include "lib/gauges/gauges.h"
#include "lib/mesh/program.h"
#include "lib/mesh/relay.h"
#include "services/blog/service.h"
#include "services/blog/settings.h"

static void make_parts(struct ink_program *program, const struct blog_settings *settings,
                       struct ink_auth **ret_auth, struct blog_service_parts *ret_parts)
{
    struct ink_arena *arena = ink_program_arena(program);
    struct ink_db_settings db = {.conninfo = settings->database_url,
                                 .application_name = "inkmesh-blog",
                                 .size = (size_t)settings->database_pool};
    struct ink_cache_settings cache = {.url = settings->redis_url,
                                       .size = (size_t)settings->redis_pool};
    struct ink_auth_options auth = {.secret = settings->jwt_secret,
                                    .issuer = settings->jwt_issuer,
                                    .audience = settings->jwt_audience,
                                    .leeway = settings->jwt_leeway};
    ink_program_must(program, "use DATABASE_URL", ink_db_new(arena, &db, &ret_parts->db));
    ink_program_must(program, "use REDIS_URL", ink_cache_new(arena, &cache, &ret_parts->cache));
    ink_program_must(program, "verify tokens", ink_auth_new(&auth, arena, ret_auth));
    ret_parts->relay =
        ink_program_relay(program, &settings->kafka, settings->database_url, "/inkmesh/blog");
    ret_parts->secret = settings->jwt_secret;
}

int main(int argc, char **argv)
{
    static const struct ink_program_spec spec = {
        .config = {.name = "blog",
                   .version = "0.1.0",
                   .summary = "The blog service of inkmesh: blogs, their pages and the search.",
                   .settings = blog_settings_table},
        .mesh_settings = offsetof(struct blog_settings, mesh),
        .contract = &inkmesh_contract,
    };
    struct blog_settings settings = {0};
    struct ink_program *program = ink_program_new(&spec, argc, argv, &settings);
    struct blog_service_parts parts = {0};
    struct ink_auth *auth = NULL;
    make_parts(program, &settings, &auth, &parts);
    struct blog_service *service = blog_service_new(&parts);
    ink_program_check(program, "postgres", true, blog_service_check_database, service);
    ink_program_check(program, "redis", false, blog_service_check_cache, service);
    ink_gauges_add_db(ink_program_metrics(program), parts.db);
    ink_gauges_add_cache(ink_program_metrics(program), parts.cache);
    struct ink_rpc_server *server = ink_program_server(program, &settings.rpc, auth);
    ink_program_must(program, "serve " BLOG_SERVICE,
                     ink_rpc_server_add(server, BLOG_SERVICE, blog_service_handlers, service,
                                        ink_program_arena(program)));
    ink_program_run(program);
    ink_relay_free(parts.relay, INK_PROGRAM_RELAY_GRACE_MS);
    ink_program_free(program); /* first: its admin port reads the gauges of the others */
    blog_service_free(service);
    ink_cache_free(parts.cache);
    ink_db_free(parts.db);
    ink_auth_free(auth);
    return 0;
}
