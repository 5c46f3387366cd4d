/*
 * The user service: accounts and sessions, over gRPC. This file puts it together.
 */
#include "inkmesh_contract.h"
#include "lib/gauges/gauges.h"
#include "services/user/service.h"
#include "services/user/settings.h"
#include "services/user/store.h"
#include "services/user/user_migrations.h"

static struct ink_password_pool *make_passwords(struct ink_program *program,
                                                const struct user_settings *settings)
{
    struct ink_arena *arena = ink_program_arena(program);
    struct ink_password_pool *passwords = NULL;
    struct ink_password_options options = {.cost = (unsigned)settings->bcrypt_cost,
                                           .threads = (unsigned)settings->bcrypt_threads,
                                           .queue = (unsigned)settings->bcrypt_queue,
                                           .patience_ms = settings->bcrypt_wait_ms};
    ink_program_must(program, "hash passwords", ink_password_pool_new(&options, arena, &passwords));
    struct ink_password_stats stats;
    ink_password_pool_stats(passwords, &stats);
    ink_program_must(program, "start", user_settings_check(settings, stats.threads, arena));
    ink_gauges_add_passwords(ink_program_metrics(program), passwords);
    return passwords;
}

int main(int argc, char **argv)
{
    static const struct ink_program_spec spec = {
        .config = {.name = "user",
                   .version = "0.1.0",
                   .summary = "The user service of inkmesh: accounts and sessions.",
                   .settings = user_settings_table},
        .mesh_settings = offsetof(struct user_settings, backing.mesh),
        .contract = &inkmesh_contract,
    };
    struct user_settings settings = {0};
    struct ink_program *program = ink_program_new(&spec, argc, argv, &settings);
    struct ink_backing backing;
    const struct ink_mesh_issuer issuer = {.signing_key_file = settings.signing_key_file,
                                           .access_ttl = settings.token_ttl};
    ink_backing_open(program, &settings.backing, &user_migrations, &issuer, &backing);
    ink_backing_publish(&backing);
    struct user_service_parts parts = {
        .db = backing.db,
        .cache = backing.cache,
        .auth = backing.auth,
        .secret = backing.seal_secret,
        .relay = backing.relay,
        .passwords = make_passwords(program, &settings),
        .refresh = {.ttl = settings.refresh_ttl,
                    .grace = settings.refresh_grace,
                    .repeat = settings.refresh_repeat},
    };
    struct user_service *service = user_service_new(&parts);
    struct ink_db_pruner *pruner = user_store_prune_sessions(parts.db, settings.session_retention);
    ink_backing_serve(&backing, USER_SERVICE, user_service_handlers, service);
    ink_db_pruner_free(pruner);
    user_service_free(service);
    ink_password_pool_free(parts.passwords);
    ink_backing_close(&backing);
    return 0;
}
