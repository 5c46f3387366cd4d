#include "services/notification/settings.h"

#include <stddef.h>

const struct ink_config_setting notification_settings_table[] = {
    INK_CONFIG_INCLUDE(struct notification_settings, backing, ink_backing_settings_table),
    INK_CONFIG_FALLBACK("ADMIN_ADDRESS", "127.0.0.1:9103"),
    INK_CONFIG_FALLBACK("GRPC_ADDRESS", "127.0.0.1:3003"),
    INK_CONFIG_FALLBACK("DATABASE_URL", "postgresql://inkmesh@127.0.0.1:5435/notification_db"),
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
    if (settings->streams < settings->backing.rpc.max_streams)
        return ink_ok();
    return ink_errorf(arena, INK_INVALID_ARGUMENT,
                      "STREAMS_MAX (%lld) must be less than GRPC_MAX_STREAMS (%lld): health checks "
                      "and reflection are streams, too",
                      (long long)settings->streams, (long long)settings->backing.rpc.max_streams);
}
