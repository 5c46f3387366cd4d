/*
 * The settings of the user service.
 */
#pragma once

#include <stdint.h>

#include "lib/base/status.h"
#include "lib/mesh/relay.h"
#include "lib/mesh/settings.h"

struct user_settings {
    struct ink_mesh_settings mesh;
    struct ink_mesh_rpc_settings rpc;
    struct ink_mesh_kafka_settings kafka;
    const char *database_url;
    int64_t database_pool;
    const char *redis_url;
    int64_t redis_pool;
    const char *jwt_secret;
    const char *jwt_issuer;
    const char *jwt_audience;
    int64_t jwt_ttl;
    int64_t jwt_leeway;
    int64_t refresh_ttl;
    int64_t refresh_grace;
    int64_t bcrypt_cost;
    int64_t bcrypt_threads;
    int64_t bcrypt_queue;
};

extern const struct ink_config_setting user_settings_table[];

/* INVALID_ARGUMENT when calls that hash passwords, on `threads` threads and in the queue, could
 * hold so many of the workers that others are not served. */
struct ink_status user_settings_check(const struct user_settings *settings, unsigned threads,
                                      struct ink_arena *arena) INK_MUST_CHECK;
