/*
 * The settings of the blog service.
 */
#pragma once

#include <stdint.h>

#include "lib/mesh/relay.h"
#include "lib/mesh/settings.h"

struct blog_settings {
    struct ink_mesh_settings mesh;
    struct ink_mesh_rpc_settings rpc;
    const char *database_url;
    int64_t database_pool;
    const char *redis_url;
    int64_t redis_pool;
    struct ink_mesh_kafka_settings kafka;
    const char *jwt_secret;
    const char *jwt_issuer;
    const char *jwt_audience;
    int64_t jwt_leeway;
};

extern const struct ink_config_setting blog_settings_table[];
