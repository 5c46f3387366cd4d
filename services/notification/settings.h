/*
 * The settings of the notification service.
 */
#pragma once

#include <stdint.h>

#include "lib/base/status.h"
#include "lib/mesh/backing.h"

struct notification_settings {
    struct ink_backing_settings backing;
    int64_t streams;
    int64_t user_streams;
    int64_t stream_poll_ms;
};

extern const struct ink_config_setting notification_settings_table[];

/* INVALID_ARGUMENT when the streams of users could use up all that the gRPC server has, so that
 * nothing is left for those who watch its health. */
struct ink_status notification_settings_check(const struct notification_settings *settings,
                                              struct ink_arena *arena) INK_MUST_CHECK;
