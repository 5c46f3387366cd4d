/*
 * The backing services of a service of the mesh: a database with a schema, a cache,
 * tokens, and, when it has an outbox, the relay; with their settings, gauges and readiness checks.
 *
 *     struct ink_backing backing;
 *     ink_backing_open(program, &settings.backing, &blog_migrations, NULL, &backing);
 *     ink_backing_publish(&backing);
 *     struct blog_service *service = blog_service_new(backing.db, backing.cache, backing.relay);
 *     ink_backing_serve(&backing, "inkmesh.blog.v1.BlogService", blog_service_handlers, service);
 *     blog_service_free(service);
 *     ink_backing_close(&backing);
 *
 * What cannot be opened ends the program with a line in the log. All of it belongs to the main
 * thread.
 */
#pragma once

#include <stdint.h>

#include "lib/cache/cache.h"
#include "lib/db/db.h"
#include "lib/mesh/events.h"
#include "lib/mesh/program.h"

/* A fragment to include, see settings.h. DATABASE_URL has no fallback of its own. */
struct ink_backing_settings {
    struct ink_mesh_settings mesh;
    struct ink_mesh_rpc_settings rpc;
    struct ink_mesh_kafka_settings kafka;
    struct ink_mesh_token_settings tokens;
    const char *database_url; /* DATABASE_URL */
    int64_t database_pool;    /* DATABASE_POOL */
    struct ink_mesh_redis_settings redis;
    int64_t near_bytes; /* CACHE_NEAR_BYTES */
};
extern const struct ink_config_setting ink_backing_settings_table[];

/* So many of GRPC_WORKERS are for calls that wait for nothing long: what the cache has is answered
 * while everything else hangs. */
#define INK_BACKING_SPARE_WORKERS 4
/* INVALID_ARGUMENT unless they are left when each connection to the database has one. */
struct ink_status ink_backing_check(const struct ink_backing_settings *settings,
                                    struct ink_arena *arena) INK_MUST_CHECK;

struct ink_backing {
    struct ink_program *program;
    const struct ink_backing_settings *settings;
    struct ink_db *db;
    struct ink_cache *cache;
    struct ink_auth *auth;
    const char *seal_secret; /* see ink_program_seal_secret() */
    struct ink_relay *relay; /* NULL without an outbox or without KAFKA_BROKERS */
};

/* `settings` and `migrations` must outlive the service. `issuer` as for ink_program_auth(). */
void ink_backing_open(struct ink_program *program, const struct ink_backing_settings *settings,
                      const struct ink_db_migrations *migrations,
                      const struct ink_mesh_issuer *issuer, struct ink_backing *ret_backing);
/* Publishes the outbox of the service's database, as ce_source "/inkmesh/NAME". */
void ink_backing_publish(struct ink_backing *backing);
/* Serves `name`, whose handlers get `self`, until the program is told to stop, and frees the
 * program: no handler runs any more then. */
void ink_backing_serve(struct ink_backing *backing, const char *name,
                       const struct ink_rpc_handler *handlers, void *self);
/* Frees what was opened. */
void ink_backing_close(struct ink_backing *backing);
