#include "services/user/settings.h"

#include <stddef.h>

#include "lib/auth/password.h"

/* A call that hashes a password, or waits for the database, holds a worker, so there are more
 * workers than may do so at once: the others go on serving reads. */
const struct ink_config_setting user_settings_table[] = {
    INK_CONFIG_INCLUDE(struct user_settings, backing, ink_backing_settings_table),
    INK_CONFIG_FALLBACK("ADMIN_ADDRESS", "127.0.0.1:9101"),
    INK_CONFIG_FALLBACK("GRPC_ADDRESS", "127.0.0.1:3001"),
    INK_CONFIG_FALLBACK("GRPC_WORKERS", "64"),
    INK_CONFIG_FALLBACK("GRPC_TLS_CLIENTS", "gateway,notification"),
    INK_CONFIG_FALLBACK("DATABASE_URL", "postgresql://inkmesh@127.0.0.1:5433/user_db"),
    INK_CONFIG_STRING(struct user_settings, signing_key_file, .name = "JWT_SIGNING_KEY_FILE",
                      .help = "PEM: the private half of a key in JWT_PUBLIC_KEYS_FILE, which signs "
                              "the tokens of users"),
    INK_CONFIG_SECONDS(struct user_settings, token_ttl, .name = "JWT_TTL", .fallback = "1h",
                       .min = 1, .max = 7 * 24 * 3600, .help = "how long an access token is good"),
    INK_CONFIG_SECONDS(struct user_settings, refresh_ttl, .name = "REFRESH_TOKEN_TTL",
                       .fallback = "30d", .min = 1, .max = 366 * 24 * 3600,
                       .help = "how long a refresh token is good"),
    INK_CONFIG_SECONDS(struct user_settings, refresh_grace, .name = "REFRESH_TOKEN_GRACE",
                       .fallback = "1s", .max = 60,
                       .help = "in which using a refresh token twice is refused, but is not yet "
                               "taken for theft, which ends the session"),
    INK_CONFIG_SECONDS(struct user_settings, refresh_repeat, .name = "REFRESH_TOKEN_REPEAT",
                       .fallback = "1m", .max = 60,
                       .help = "after that, and as long as the next one was not used, a refresh "
                               "token that is used twice gets the same again, for its answer may "
                               "have been lost; counted from its first use"),
    INK_CONFIG_SECONDS(struct user_settings, session_retention, .name = "SESSION_RETENTION",
                       .fallback = "1d", .max = INT64_C(3660) * 24 * 3600,
                       .help = "how long a session is kept after its refresh tokens have expired"),
    INK_CONFIG_INT(struct user_settings, bcrypt_cost, .name = "BCRYPT_COST", .fallback = "10",
                   .min = INK_PASSWORD_COST_MIN, .max = INK_PASSWORD_COST_MAX,
                   .help = "of hashing a password: one more takes twice as long"),
    INK_CONFIG_INT(struct user_settings, bcrypt_threads, .name = "BCRYPT_THREADS", .fallback = "0",
                   .max = 256, .help = "that hash passwords; 0 means one a processor"),
    INK_CONFIG_INT(struct user_settings, bcrypt_queue, .name = "BCRYPT_QUEUE", .fallback = "32",
                   .min = 1, .max = 1000, .help = "calls that may wait for one of those threads"),
    INK_CONFIG_MS(struct user_settings, bcrypt_wait_ms, .name = "BCRYPT_WAIT", .fallback = "2s",
                  .min = 1, .max = 600000,
                  .help = "a call that would wait longer for one of them is refused at once"),
    {0},
};

struct ink_status user_settings_check(const struct user_settings *settings, unsigned threads,
                                      struct ink_arena *arena)
{
    int64_t hashing = settings->bcrypt_queue + threads, pool = settings->backing.database_pool;
    if (settings->backing.rpc.workers >= hashing + pool + INK_BACKING_SPARE_WORKERS)
        return ink_ok();
    return ink_errorf(
        arena, INK_INVALID_ARGUMENT,
        "BCRYPT_QUEUE and BCRYPT_THREADS let %lld calls hash passwords, and DATABASE_POOL %lld "
        "wait for the database: GRPC_WORKERS (%lld) must be at least %d more, for calls that "
        "need neither",
        (long long)hashing, (long long)pool, (long long)settings->backing.rpc.workers,
        INK_BACKING_SPARE_WORKERS);
}
