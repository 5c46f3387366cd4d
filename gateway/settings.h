/*
 * The settings of the gateway.
 */
#pragma once

#include <stdint.h>

#include "gateway/limits.h"
#include "lib/mesh/settings.h"

struct gateway_settings {
    struct ink_mesh_settings mesh;
    const char *address;
    int64_t threads;
    int64_t streams_percent;
    int64_t slow_percent;
    int64_t address_percent;
    int64_t line_timeout_ms;
    int64_t keep_alive_ms;
    int64_t header_timeout_ms;
    int64_t request_timeout_ms;
    int64_t drain_notice_ms;
    int64_t max_body_bytes;
    int64_t max_bodies_bytes;
    int64_t max_answers_bytes;
    const char *tls_cert_file;
    const char *tls_key_file;
    int64_t hsts_max_age; /* seconds */
    bool hsts_subdomains;
    const char *cors_origins;
    struct gateway_limit_settings limits;
    struct ink_mesh_token_settings tokens;
    struct ink_mesh_redis_settings redis; /* for limits */
    const char *user_service;
    const char *blog_service;
    const char *notification_service;
    const char *user_name; /* in its certificate, or NULL: the address's host */
    const char *blog_name;
    const char *notification_name;
    struct ink_rpc_tls rpc_tls;
};

extern const struct ink_config_setting gateway_settings_table[];
