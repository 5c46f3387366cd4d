#include "services/notification/settings.h"

#include <stddef.h>

#include "lib/auth/auth.h"

const struct ink_config_setting notification_settings_table[] = {
    INK_CONFIG_INCLUDE(struct notification_settings, mesh, ink_mesh_settings_table),
    INK_CONFIG_INCLUDE(struct notification_settings, rpc, ink_mesh_rpc_settings_table),
    INK_CONFIG_INCLUDE(struct notification_settings, kafka, ink_mesh_kafka_settings_table),
    INK_CONFIG_FALLBACK("ADMIN_ADDRESS", "127.0.0.1:9103"),
    INK_CONFIG_FALLBACK("GRPC_ADDRESS", "127.0.0.1:3003"),
    INK_CONFIG_STRING(struct notification_settings, database_url, .name = "DATABASE_URL",
                      .secret = true,
                      .fallback = "postgresql://inkmesh@127.0.0.1:5435/notification_db",
                      .help = "notification_db, as a libpq connection string"),
    INK_CONFIG_INT(struct notification_settings, database_pool, .name = "DATABASE_POOL",
                   .fallback = "10", .min = 1, .max = 1000,
                   .help = "connections to PostgreSQL at most"),
    INK_CONFIG_STRING(struct notification_settings, redis_url, .name = "REDIS_URL", .secret = true,
                      .fallback = "redis://127.0.0.1:6379",
                      .help = "the cache, and the news between replicas"),
    INK_CONFIG_INT(struct notification_settings, redis_pool, .name = "REDIS_POOL", .fallback = "16",
                   .min = 1, .max = 1000,
                   .help = "connections to Redis at most, besides two for the news"),
    INK_CONFIG_STRING(struct notification_settings, jwt_secret, .name = "JWT_SECRET",
                      .required = true, .secret = true, .min = INK_AUTH_SECRET_MIN, .max = 4096,
                      .help = "signs the access tokens; the same for every program"),
    INK_CONFIG_STRING(struct notification_settings, jwt_issuer, .name = "JWT_ISSUER",
                      .fallback = "inkmesh", .help = "who issues the access tokens"),
    INK_CONFIG_STRING(struct notification_settings, jwt_audience, .name = "JWT_AUDIENCE",
                      .fallback = "inkmesh", .help = "for whom the access tokens are"),
    INK_CONFIG_SECONDS(struct notification_settings, jwt_leeway, .name = "JWT_LEEWAY",
                       .fallback = "5s", .max = 300,
                       .help = "how far the clocks of two machines may be apart"),
    INK_CONFIG_INT(struct notification_settings, streams, .name = "STREAMS_MAX", .fallback = "200",
                   .min = 1, .max = 65536, .help = "notification streams at once"),
    INK_CONFIG_INT(struct notification_settings, user_streams, .name = "STREAMS_PER_USER",
                   .fallback = "8", .min = 1, .max = 65536,
                   .help = "notification streams at once of one user"),
    INK_CONFIG_MS(struct notification_settings, stream_poll_ms, .name = "STREAM_POLL",
                  .fallback = "2s", .min = 50, .max = 60000,
                  .help = "how often a stream looks into the database when it hears no news"),
    {0},
};

struct ink_status notification_settings_check(const struct notification_settings *settings,
                                              struct ink_arena *arena)
{
    if (settings->streams < settings->rpc.max_streams)
        return ink_ok();
    return ink_errorf(arena, INK_INVALID_ARGUMENT,
                      "STREAMS_MAX (%lld) must be less than GRPC_MAX_STREAMS (%lld): health checks "
                      "and reflection are streams, too",
                      (long long)settings->streams, (long long)settings->rpc.max_streams);
}
