#include "lib/mesh/settings.h"

#include "lib/auth/auth.h"
#include "lib/log/log.h"

#define LONGEST_SOCKET 107 /* unix(7): sun_path has 108 bytes, and ends with a 0 */

const struct ink_config_setting ink_mesh_settings_table[] = {
    INK_CONFIG_CHOICE(struct ink_mesh_settings, log_level, .name = "LOG_LEVEL", .fallback = "info",
                      .choices = ink_log_levels, .help = "the least that is logged"),
    INK_CONFIG_STRING(struct ink_mesh_settings, log_folder, .name = "LOG_FOLDER",
                      .help = "gets combined.log and error.log, besides the lines on stdout"),
    INK_CONFIG_ADDRESS(struct ink_mesh_settings, admin_address, .name = "ADMIN_ADDRESS",
                       .fallback = "127.0.0.1:9100",
                       .help = "where /metrics, /livez and /readyz are served"),
    INK_CONFIG_MS(struct ink_mesh_settings, drain_grace_ms, .name = "DRAIN_GRACE_MS",
                  .fallback = "10s", .min = 1, .max = 600000,
                  .help = "how long requests in flight may take when the program is stopped"),
    INK_CONFIG_MS(struct ink_mesh_settings, tls_reload_ms, .name = "TLS_RELOAD_INTERVAL",
                  .fallback = "1m", .min = 1000, .max = 86400000,
                  .help = "how often changed certificates are looked for; SIGHUP does it at once"),
    INK_CONFIG_BOOL(
        struct ink_mesh_settings, allow_plaintext, .name = "ALLOW_PLAINTEXT", .fallback = "false",
        .help = "whether addresses that are not loopback may do without TLS: only where "
                "the network is trusted, or something in front has the certificate"),
    INK_CONFIG_BOOL(struct ink_mesh_settings, core_dumps, .name = "CORE_DUMPS", .fallback = "false",
                    .help = "whether a crash may leave a core dump, and debuggers of the same user "
                            "may look inside: both show secrets"),
    {0},
};

const struct ink_config_setting ink_mesh_rpc_settings_table[] = {
    INK_CONFIG_ADDRESS(struct ink_mesh_rpc_settings, address, .name = "GRPC_ADDRESS",
                       .fallback = "127.0.0.1:3001", .help = "where gRPC is served"),
    INK_CONFIG_STRING(struct ink_mesh_rpc_settings, socket, .name = "GRPC_SOCKET", .min = 1,
                      .max = LONGEST_SOCKET,
                      .help = "path of a Unix socket where it is served as well: clients on this "
                              "machine find it at unix:PATH, for less work than by TCP"),
    INK_CONFIG_INT(struct ink_mesh_rpc_settings, workers, .name = "GRPC_WORKERS", .fallback = "16",
                   .min = 1, .max = 256, .help = "handlers of unary calls that run at once"),
    INK_CONFIG_INT(struct ink_mesh_rpc_settings, max_streams, .name = "GRPC_MAX_STREAMS",
                   .fallback = "256", .min = 1, .max = 65536,
                   .help = "streams at once; each has a thread of its own"),
    INK_CONFIG_BYTES(struct ink_mesh_rpc_settings, max_message_bytes,
                     .name = "GRPC_MAX_MESSAGE_BYTES", .fallback = "4MiB", .min = 1024,
                     .max = 64 << 20, .help = "a longer request is refused"),
    INK_CONFIG_MS(struct ink_mesh_rpc_settings, max_deadline_ms, .name = "GRPC_MAX_DEADLINE_MS",
                  .fallback = "1m", .min = 1, .max = 3600000,
                  .help = "how long a call may take, whatever its client allows"),
    INK_CONFIG_INT(struct ink_mesh_rpc_settings, max_calls, .name = "GRPC_MAX_CALLS",
                   .fallback = "4096", .min = 1, .max = 1 << 20,
                   .help = "unary calls at once, running or waiting; beyond, the newest of the "
                           "connection and method that have most is refused"),
    INK_CONFIG_INT(struct ink_mesh_rpc_settings, max_connection_calls,
                   .name = "GRPC_MAX_CONNECTION_CALLS", .fallback = "1024", .min = 1,
                   .max = 1 << 20,
                   .help = "calls and streams at once of one connection; a gateway has one, and "
                           "its calls beyond that wait for each other"),
    INK_CONFIG_BYTES(struct ink_mesh_rpc_settings, max_buffer_bytes,
                     .name = "GRPC_MAX_BUFFER_BYTES", .fallback = "128MiB", .min = 16 << 20,
                     .max = (int64_t)64 << 30,
                     .help = "what all requests may take while they arrive and wait"),
    INK_CONFIG_MS(struct ink_mesh_rpc_settings, max_idle_ms, .name = "GRPC_IDLE_TIMEOUT",
                  .fallback = "5m", .min = 1000, .max = 86400000,
                  .help = "a connection without a call is closed after this"),
    INK_CONFIG_BOOL(struct ink_mesh_rpc_settings, reflection, .name = "GRPC_REFLECTION",
                    .fallback = "false",
                    .help = "whether grpc.reflection tells the contract, as grpcurl wants it"),
    INK_CONFIG_STRING(struct ink_mesh_rpc_settings, tls.cert_file, .name = "GRPC_TLS_CERT_FILE",
                      .help = "PEM certificate chain of the gRPC server; without it plain text"),
    INK_CONFIG_STRING(struct ink_mesh_rpc_settings, tls.key_file, .name = "GRPC_TLS_KEY_FILE",
                      .help = "PEM key of that certificate"),
    INK_CONFIG_STRING(struct ink_mesh_rpc_settings, tls.ca_file, .name = "GRPC_TLS_CA_FILE",
                      .help = "PEM certificates that must have signed the clients' (mutual TLS)"),
    INK_CONFIG_STRING(struct ink_mesh_rpc_settings, tls.clients, .name = "GRPC_TLS_CLIENTS",
                      .fallback = "gateway",
                      .help = "with mutual TLS: the names (DNS or URI) that clients' certificates "
                              "may have, separated by commas; *: any"),
    {0},
};

const struct ink_config_setting ink_mesh_redis_settings_table[] = {
    INK_CONFIG_STRING(struct ink_mesh_redis_settings, url, .name = "REDIS_URL", .secret = true,
                      .fallback = "redis://127.0.0.1:6379", .help = "the cache"),
    INK_CONFIG_INT(struct ink_mesh_redis_settings, pool, .name = "REDIS_POOL", .fallback = "16",
                   .min = 1, .max = 1000, .help = "connections to Redis at most"),
    {0},
};

const struct ink_config_setting ink_mesh_token_settings_table[] = {
    INK_CONFIG_STRING(struct ink_mesh_token_settings, public_keys_file,
                      .name = "JWT_PUBLIC_KEYS_FILE",
                      .help = "PEM: public keys, RSA or P-256, for the tokens of users; with it "
                              "no secret signs any"),
    INK_CONFIG_STRING(struct ink_mesh_token_settings, service_keys, .name = "JWT_SERVICE_KEYS",
                      .help = "NAME=FILE,NAME=FILE: PEM with public keys, for the tokens of the "
                              "service of that name"),
    INK_CONFIG_STRING(struct ink_mesh_token_settings, secret, .name = "JWT_SECRET",
                      .required = true, .unless = "JWT_PUBLIC_KEYS_FILE", .secret = true,
                      .min = INK_AUTH_SECRET_MIN, .max = 4096,
                      .help = "signs the access tokens, unless JWT_PUBLIC_KEYS_FILE is set; the "
                              "same for every program"),
    INK_CONFIG_STRING(struct ink_mesh_token_settings, accepted_secret,
                      .name = "JWT_SECRET_ACCEPTED", .secret = true, .min = INK_AUTH_SECRET_MIN,
                      .max = 4096,
                      .help = "what it signed is accepted, too: the next JWT_SECRET or the one "
                              "before, while it is changed"),
    INK_CONFIG_STRING(struct ink_mesh_token_settings, seal_secret, .name = "SEAL_SECRET",
                      .secret = true, .min = INK_AUTH_SECRET_MIN, .max = 4096,
                      .help = "seals page tokens, and what stands for accounts in logs and in "
                              "Redis; JWT_SECRET unless this is set"),
    INK_CONFIG_STRING(struct ink_mesh_token_settings, issuer, .name = "JWT_ISSUER",
                      .fallback = "inkmesh", .help = "who issues the access tokens"),
    INK_CONFIG_STRING(struct ink_mesh_token_settings, audience, .name = "JWT_AUDIENCE",
                      .fallback = "inkmesh", .help = "for whom the access tokens are"),
    INK_CONFIG_SECONDS(struct ink_mesh_token_settings, leeway, .name = "JWT_LEEWAY",
                       .fallback = "5s", .max = 300,
                       .help = "how far the clocks of two machines may be apart"),
    {0},
};
