/*
 * A program's table, flattened, and how one value is read and described. Private to lib/config.
 */
#pragma once

#include "lib/config/config.h"

struct ink_config_item {
    const struct ink_config_setting *setting;
    const char *fallback; /* the program's own, else the setting's; or NULL */
    const char *flag;     /* "--bcrypt-cost" */
    const char *file;     /* "JWT_SECRET_FILE"; NULL for what is no secret */
    const char *file_flag;
    size_t offset; /* in the program's struct */
    /* While loading: what was given, and by what name. */
    const char *text;
    const char *source;
};

struct ink_config_list {
    struct ink_config_item *items; /* in the order of the table */
    size_t count;
};

/* The settings of a table and all that it includes. Aborts, after a line, on a table that
 * contradicts itself: the same name twice, a fallback for a setting that there is not. */
struct ink_config_list ink_config_flatten(struct ink_arena *arena,
                                          const struct ink_config_setting *table);
struct ink_config_item *ink_config_find(struct ink_config_list *list, const char *name);

/* Reads `text` into the member of `settings`; false when it is not accepted. */
bool ink_config_read(const struct ink_config_item *item, const char *text, struct ink_arena *arena,
                     void *settings) INK_MUST_CHECK;
/* What is accepted: "a whole number from 4 to 15". */
void ink_config_accepts(const struct ink_config_setting *setting, struct ink_buf *out);
