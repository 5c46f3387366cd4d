#include "lib/config/internal.h"

/* "Accepts; default 10." and the like, after the setting's own words. */
static void put_terms(struct ink_buf *out, const struct ink_config_item *item)
{
    ink_config_accepts(item->setting, out);
    if (item->fallback != NULL && !item->setting->secret)
        ink_buf_printf(out, "; default %s", item->fallback);
    if (item->setting->required && item->fallback == NULL)
        ink_buf_puts(out, "; required");
    if (item->setting->unless != NULL)
        ink_buf_printf(out, " unless %s is set", item->setting->unless);
    if (item->setting->secret)
        ink_buf_printf(out, "; secret, may be in a file: %s", item->file);
}

void ink_config_help(const struct ink_config_program *program, struct ink_buf *out)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_config_list list = ink_config_flatten(&arena, program->settings);
    ink_buf_printf(out, "%s %s: %s\n\n", program->name, program->version, program->summary);
    ink_buf_printf(out, "usage: %s %s\n\n", program->name,
                   program->usage != NULL ? program->usage : "[--flag=value ...]");
    ink_buf_puts(out, "Each setting is an environment variable or a flag; the flag wins.\n"
                      "--help shows this, --version the version, --print-env an .env file.\n");
    ink_buf_puts(out, program->more != NULL ? program->more : "");
    for (size_t i = 0; i < list.count; i++) {
        const struct ink_config_item *item = &list.items[i];
        ink_buf_printf(out, "\n  %s  %s\n      %s\n      ", item->setting->name,
                       item->setting->secret ? item->file_flag : item->flag, item->setting->help);
        put_terms(out, item);
        ink_buf_putc(out, '\n');
    }
    ink_arena_release(&arena);
}

void ink_config_print_env(const struct ink_config_program *program, struct ink_buf *out)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_config_list list = ink_config_flatten(&arena, program->settings);
    ink_buf_printf(out, "# %s: %s\n", program->name, program->summary);
    for (size_t i = 0; i < list.count; i++) {
        const struct ink_config_item *item = &list.items[i];
        bool needed = item->setting->required && item->fallback == NULL;
        bool shown = item->fallback != NULL && !item->setting->secret;
        ink_buf_printf(out, "\n# %s\n# ", item->setting->help);
        put_terms(out, item);
        ink_buf_printf(out, "\n%s%s=%s\n", needed ? "" : "#", item->setting->name,
                       shown ? item->fallback : "");
    }
    ink_arena_release(&arena);
}
