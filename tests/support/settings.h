/*
 * What the tests of programs' settings share.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/config/config.h"

/* JWT_SECRET, which every program asks for. */
#define SETTINGS_SECRET "JWT_SECRET=0123456789abcdef0123456789abcdef"

/* Loads a table from NAME=VALUE texts, which must be right, into the zeroed struct of its
 * settings; texts live in the arena. */
void settings_load(const struct ink_config_setting *table, char **environment,
                   struct ink_arena *arena, void *ret_settings);
/* The environment must be wrong, and the complaint name the setting. `scratch` is a zeroed struct
 * of the table's settings. */
void settings_refuse(const struct ink_config_setting *table, char **environment, const char *name,
                     void *scratch);
