#include "tests/support/settings.h"

static enum ink_config_outcome load(const struct ink_config_setting *table, char **environment,
                                    struct ink_arena *arena, struct ink_buf *text,
                                    void *ret_settings)
{
    static char *const argv[] = {"program", NULL};
    const struct ink_config_program program = {
        .name = "program", .version = "0", .summary = "test", .settings = table};
    return ink_config_load(&program, 1, argv, environment, arena, text, ret_settings);
}

void settings_load(const struct ink_config_setting *table, char **environment,
                   struct ink_arena *arena, void *ret_settings)
{
    struct ink_buf text = INK_BUF_INIT;
    assert_int_equal(load(table, environment, arena, &text, ret_settings), INK_CONFIG_RUN);
    ink_buf_release(&text);
}

void settings_refuse(const struct ink_config_setting *table, char **environment, const char *name,
                     void *scratch)
{
    struct ink_buf text = INK_BUF_INIT;
    struct ink_arena arena;
    ink_arena_init(&arena);
    assert_int_equal(load(table, environment, &arena, &text, scratch), INK_CONFIG_WRONG);
    assert_non_null(strstr(text.data, name));
    ink_buf_release(&text);
    ink_arena_release(&arena);
}
