#include "services/blog/settings.h"

#include <stddef.h>

#include "lib/auth/auth.h"

const struct ink_config_setting blog_settings_table[] = {
    INK_CONFIG_INCLUDE(struct blog_settings, mesh, ink_mesh_settings_table),
    INK_CONFIG_INCLUDE(struct blog_settings, rpc, ink_mesh_rpc_settings_table),
    INK_CONFIG_FALLBACK("ADMIN_ADDRESS", "127.0.0.1:9102"),
    INK_CONFIG_FALLBACK("GRPC_ADDRESS", "127.0.0.1:3002"),
    INK_CONFIG_STRING(struct blog_settings, database_url, .name = "DATABASE_URL", .secret = true,
                      .fallback = "postgresql://inkmesh@127.0.0.1:5434/blog_db",
                      .help = "blog_db, as a libpq connection string"),
    INK_CONFIG_INT(struct blog_settings, database_pool, .name = "DATABASE_POOL", .fallback = "10",
                   .min = 1, .max = 1000, .help = "connections to PostgreSQL at most"),
    INK_CONFIG_STRING(struct blog_settings, redis_url, .name = "REDIS_URL", .secret = true,
                      .fallback = "redis://127.0.0.1:6379", .help = "the cache"),
    INK_CONFIG_INT(struct blog_settings, redis_pool, .name = "REDIS_POOL", .fallback = "16",
                   .min = 1, .max = 1000, .help = "connections to Redis at most"),
    INK_CONFIG_INCLUDE(struct blog_settings, kafka, ink_mesh_kafka_settings_table),
    INK_CONFIG_STRING(struct blog_settings, jwt_secret, .name = "JWT_SECRET", .required = true,
                      .secret = true, .min = INK_AUTH_SECRET_MIN, .max = 4096,
                      .help = "signs the access tokens; the same for every program"),
    INK_CONFIG_STRING(struct blog_settings, jwt_issuer, .name = "JWT_ISSUER", .fallback = "inkmesh",
                      .help = "who issues the access tokens"),
    INK_CONFIG_STRING(struct blog_settings, jwt_audience, .name = "JWT_AUDIENCE",
                      .fallback = "inkmesh", .help = "for whom the access tokens are"),
    INK_CONFIG_SECONDS(struct blog_settings, jwt_leeway, .name = "JWT_LEEWAY", .fallback = "5s",
                       .max = 300, .help = "how far the clocks of two machines may be apart"),
    {0},
};
