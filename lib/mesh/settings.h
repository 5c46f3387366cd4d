/*
 * The settings that programs share, as table fragments to include (lib/config/config.h):
 *
 *     struct settings {
 *         struct ink_mesh_settings mesh;
 *         struct ink_mesh_rpc_settings rpc;
 *         const char *database_url;
 *     };
 *     static const struct ink_config_setting table[] = {
 *         INK_CONFIG_INCLUDE(struct settings, mesh, ink_mesh_settings_table),
 *         INK_CONFIG_INCLUDE(struct settings, rpc, ink_mesh_rpc_settings_table),
 *         INK_CONFIG_FALLBACK("ADMIN_ADDRESS", "127.0.0.1:9101"),
 *         INK_CONFIG_FALLBACK("GRPC_ADDRESS", "127.0.0.1:3001"),
 *         INK_CONFIG_STRING(struct settings, database_url, .name = "DATABASE_URL", ...),
 *         {0},
 *     };
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/config/config.h"
#include "lib/rpc/tls.h"

/* Every program. */
struct ink_mesh_settings {
    int log_level;             /* LOG_LEVEL, enum ink_log_level */
    const char *log_folder;    /* LOG_FOLDER, or NULL */
    const char *admin_address; /* ADMIN_ADDRESS */
    int64_t drain_grace_ms;    /* DRAIN_GRACE_MS */
    int64_t tls_reload_ms;     /* TLS_RELOAD_INTERVAL */
    bool allow_plaintext;      /* ALLOW_PLAINTEXT */
    bool core_dumps;           /* CORE_DUMPS */
};
extern const struct ink_config_setting ink_mesh_settings_table[];

/* Programs with a gRPC server. */
struct ink_mesh_rpc_settings {
    const char *address;          /* GRPC_ADDRESS */
    const char *socket;           /* GRPC_SOCKET */
    int64_t workers;              /* GRPC_WORKERS */
    int64_t max_streams;          /* GRPC_MAX_STREAMS */
    int64_t max_message_bytes;    /* GRPC_MAX_MESSAGE_BYTES */
    int64_t max_deadline_ms;      /* GRPC_MAX_DEADLINE_MS */
    int64_t max_calls;            /* GRPC_MAX_CALLS */
    int64_t max_connection_calls; /* GRPC_MAX_CONNECTION_CALLS */
    int64_t max_buffer_bytes;     /* GRPC_MAX_BUFFER_BYTES */
    int64_t max_idle_ms;          /* GRPC_IDLE_TIMEOUT */
    bool reflection;              /* GRPC_REFLECTION */
    struct ink_rpc_tls tls;       /* GRPC_TLS_CA_FILE, _CERT_FILE, _KEY_FILE and _CLIENTS */
};
extern const struct ink_config_setting ink_mesh_rpc_settings_table[];

/* Programs that use Redis. */
struct ink_mesh_redis_settings {
    const char *url; /* REDIS_URL */
    int64_t pool;    /* REDIS_POOL */
};
extern const struct ink_config_setting ink_mesh_redis_settings_table[];

/* Programs that verify access tokens. Which of it must be there says lib/auth/auth.h. */
struct ink_mesh_token_settings {
    const char *secret;           /* JWT_SECRET */
    const char *accepted_secret;  /* JWT_SECRET_ACCEPTED */
    const char *public_keys_file; /* JWT_PUBLIC_KEYS_FILE */
    const char *service_keys;     /* JWT_SERVICE_KEYS */
    const char *seal_secret;      /* SEAL_SECRET */
    const char *issuer;           /* JWT_ISSUER */
    const char *audience;         /* JWT_AUDIENCE */
    int64_t leeway;               /* JWT_LEEWAY, in seconds */
};
extern const struct ink_config_setting ink_mesh_token_settings_table[];
