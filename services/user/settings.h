/*
 * The settings of the user service.
 */
#pragma once

#include <stdint.h>

#include "lib/base/status.h"
#include "lib/mesh/backing.h"

struct user_settings {
    struct ink_backing_settings backing;
    const char *signing_key_file; /* JWT_SIGNING_KEY_FILE */
    int64_t token_ttl;
    int64_t refresh_ttl;
    int64_t refresh_grace;
    int64_t refresh_repeat;
    int64_t session_retention;
    int64_t bcrypt_cost;
    int64_t bcrypt_threads;
    int64_t bcrypt_queue;
    int64_t bcrypt_wait_ms;
};

extern const struct ink_config_setting user_settings_table[];

/* INVALID_ARGUMENT when calls that hash passwords, on `threads` threads and in the queue, could
 * hold so many of the workers that others are not served. */
struct ink_status user_settings_check(const struct user_settings *settings, unsigned threads,
                                      struct ink_arena *arena) INK_MUST_CHECK;
