#include "lib/mesh/backing.h"

#include "lib/db/migrate.h"
#include "lib/gauges/gauges.h"
#include "lib/log/log.h"

#define PREPARE_TIMEOUT (30 * INK_SECOND)

const struct ink_config_setting ink_backing_settings_table[] = {
    INK_CONFIG_INCLUDE(struct ink_backing_settings, mesh, ink_mesh_settings_table),
    INK_CONFIG_INCLUDE(struct ink_backing_settings, rpc, ink_mesh_rpc_settings_table),
    INK_CONFIG_INCLUDE(struct ink_backing_settings, kafka, ink_mesh_kafka_settings_table),
    INK_CONFIG_INCLUDE(struct ink_backing_settings, tokens, ink_mesh_token_settings_table),
    INK_CONFIG_STRING(struct ink_backing_settings, database_url, .name = "DATABASE_URL",
                      .secret = true,
                      .help = "the service's own database, as a libpq connection string"),
    INK_CONFIG_INT(
        struct ink_backing_settings, database_pool, .name = "DATABASE_POOL", .fallback = "10",
        .min = 1, .max = 1000,
        .help = "connections to PostgreSQL at most, and three quarters of them for one method"),
    INK_CONFIG_INCLUDE(struct ink_backing_settings, redis, ink_mesh_redis_settings_table),
    INK_CONFIG_INT(struct ink_backing_settings, near_bytes, .name = "CACHE_NEAR_BYTES",
                   .fallback = "0", .min = 0, .max = INT64_C(1) << 34,
                   .help = "memory of this process for copies of what Redis holds, for a service "
                           "that runs once; 0: no copies"),
    {0},
};

struct ink_status ink_backing_check(const struct ink_backing_settings *settings,
                                    struct ink_arena *arena)
{
    if (settings->rpc.workers >= settings->database_pool + INK_BACKING_SPARE_WORKERS)
        return ink_ok();
    return ink_errorf(
        arena, INK_INVALID_ARGUMENT,
        "GRPC_WORKERS (%lld) must be at least %d more than DATABASE_POOL (%lld): calls "
        "that need no database go on while it hangs",
        (long long)settings->rpc.workers, INK_BACKING_SPARE_WORKERS,
        (long long)settings->database_pool);
}

/* Readiness: the database answers and has its tables, which this makes when it can. That others use
 * all of the connections is an answer, too, once the tables are there. */
static struct ink_status check_database(void *db, struct ink_arena *arena)
{
    struct ink_ctx ctx = ink_ctx_background(arena);
    ctx.deadline = ink_now() + PREPARE_TIMEOUT;
    size_t applied = 0;
    struct ink_status status = ink_db_prepare(db, &ctx, &applied);
    if (applied > 0)
        ink_log(INK_LOG_INFO, NULL, "migrations applied", INK_LOG_INT("count", (int64_t)applied));
    return status.code == INK_RESOURCE_EXHAUSTED && ink_db_prepared(db) ? ink_ok() : status;
}

static struct ink_status check_cache(void *cache, struct ink_arena *arena)
{
    (void)arena;
    if (ink_cache_stats(cache).breaker == INK_BREAKER_CLOSED)
        return ink_ok();
    return ink_error(INK_UNAVAILABLE, "the cache is away");
}

void ink_backing_open(struct ink_program *program, const struct ink_backing_settings *settings,
                      const struct ink_db_migrations *migrations,
                      const struct ink_mesh_issuer *issuer, struct ink_backing *ret_backing)
{
    struct ink_arena *arena = ink_program_arena(program);
    struct ink_backing backing = {.program = program, .settings = settings};
    struct ink_db_settings db = {
        .conninfo = settings->database_url,
        .application_name = ink_arena_printf(arena, "inkmesh-%s", ink_program_name(program)),
        .size = (size_t)settings->database_pool,
        .migrations = migrations};
    struct ink_cache_settings cache = {
        .url = settings->redis.url,
        .size = (size_t)settings->redis.pool,
        .near_bytes = (size_t)settings->near_bytes,
        .near_prefix = ink_arena_printf(arena, "%s:", ink_program_name(program)),
        /* the notification service's begin with "notifications:" */
        .sweep = ink_arena_printf(arena, "%s*:*", ink_program_name(program))};
    ink_program_must(program, "start", ink_backing_check(settings, arena));
    ink_program_must(program, "use DATABASE_URL", ink_db_new(arena, &db, &backing.db));
    ink_program_must(program, "use REDIS_URL", ink_cache_new(arena, &cache, &backing.cache));
    backing.auth = ink_program_auth(program, &settings->tokens, issuer);
    backing.seal_secret = ink_program_seal_secret(program, &settings->tokens);
    ink_program_check(program, "postgres", true, check_database, backing.db);
    ink_program_check(program, "redis", false, check_cache, backing.cache);
    ink_gauges_add_db(ink_program_metrics(program), backing.db);
    ink_gauges_add_cache(ink_program_metrics(program), backing.cache);
    *ret_backing = backing;
}

void ink_backing_publish(struct ink_backing *backing)
{
    const char *source = ink_arena_printf(ink_program_arena(backing->program), "/inkmesh/%s",
                                          ink_program_name(backing->program));
    backing->relay = ink_program_relay(backing->program, &backing->settings->kafka,
                                       backing->settings->database_url, source);
}

void ink_backing_serve(struct ink_backing *backing, const char *name,
                       const struct ink_rpc_handler *handlers, void *self)
{
    struct ink_arena *arena = ink_program_arena(backing->program);
    struct ink_rpc_server *server =
        ink_program_server(backing->program, &backing->settings->rpc, backing->auth);
    ink_program_must(backing->program, ink_arena_printf(arena, "serve %s", name),
                     ink_rpc_server_add(server, name, handlers, self, arena));
    ink_program_run(backing->program);
    ink_relay_free(backing->relay, INK_PROGRAM_RELAY_GRACE_MS);
    ink_program_free(backing->program);
}

void ink_backing_close(struct ink_backing *backing)
{
    ink_cache_free(backing->cache);
    ink_db_free(backing->db);
    ink_auth_free(backing->auth);
}
