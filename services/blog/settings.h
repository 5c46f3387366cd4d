/*
 * The settings of the blog service.
 */
#pragma once

#include "lib/mesh/backing.h"

struct blog_settings {
    struct ink_backing_settings backing;
};

extern const struct ink_config_setting blog_settings_table[];
