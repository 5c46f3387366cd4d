#include "services/blog/settings.h"

#include <stddef.h>

const struct ink_config_setting blog_settings_table[] = {
    INK_CONFIG_INCLUDE(struct blog_settings, backing, ink_backing_settings_table),
    INK_CONFIG_FALLBACK("ADMIN_ADDRESS", "127.0.0.1:9102"),
    INK_CONFIG_FALLBACK("GRPC_ADDRESS", "127.0.0.1:3002"),
    INK_CONFIG_FALLBACK("DATABASE_URL", "postgresql://inkmesh@127.0.0.1:5434/blog_db"),
    {0},
};
