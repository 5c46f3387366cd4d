#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/config/internal.h"

/* A longer secret is not one. */
#define FILE_MAX (64 << 10)

struct loading {
    const struct ink_config_program *program;
    struct ink_config_list list;
    char *const *environment;
    struct ink_arena *arena;
    struct ink_buf *text; /* the problems, a line each */
    bool wrong;
};

static void INK_PRINTF(2, 3) problem(struct loading *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ink_buf_printf(l->text, "%s: ", l->program->name);
    ink_buf_vprintf(l->text, format, args);
    ink_buf_putc(l->text, '\n');
    va_end(args);
    l->wrong = true;
}

/* NULL when it is not set or empty. */
static const char *environment(const struct loading *l, const char *name)
{
    size_t size = strlen(name);
    for (char *const *each = l->environment; *each != NULL; each++)
        if (strncmp(*each, name, size) == 0 && (*each)[size] == '=')
            return (*each)[size + 1] != '\0' ? *each + size + 1 : NULL;
    return NULL;
}

/* A file's content without the newline that editors add; NULL after reporting the problem. */
static const char *read_file(struct loading *l, const char *source, const char *path)
{
    FILE *file = fopen(path, "re");
    char *content = ink_arena_alloc(l->arena, FILE_MAX + 1);
    size_t size = file != NULL ? fread(content, 1, FILE_MAX + 1, file) : 0;
    const char *result = NULL;
    if (file == NULL || ferror(file))
        problem(l, "%s: cannot read %s: %s", source, path, strerror(errno));
    else if (size > FILE_MAX || memchr(content, '\0', size) != NULL)
        problem(l, "%s: %s is not a text of up to %d bytes", source, path, FILE_MAX);
    else
        result = content;
    if (file != NULL)
        fclose(file);
    if (result != NULL && size > 0 && content[size - 1] == '\n')
        size--;
    if (size <= FILE_MAX)
        content[size] = '\0';
    return result;
}

/* The item that a flag of `size` characters is for. */
static struct ink_config_item *find_flag(struct loading *l, const char *flag, size_t size,
                                         bool *ret_file)
{
    for (size_t i = 0; i < l->list.count; i++) {
        struct ink_config_item *item = &l->list.items[i];
        bool file = item->file_flag != NULL && strlen(item->file_flag) == size &&
                    memcmp(item->file_flag, flag, size) == 0;
        if (file || (strlen(item->flag) == size && memcmp(item->flag, flag, size) == 0)) {
            *ret_file = file;
            return item;
        }
    }
    return NULL;
}

/* The value that follows a flag without "=", or NULL after reporting that there is none. */
static const char *next_value(struct loading *l, const char *flag, const char *next)
{
    if (next != NULL && strncmp(next, "--", 2) != 0)
        return next;
    problem(l, "%s: a value must follow", flag);
    return NULL;
}

static void take_value(struct loading *l, struct ink_config_item *item, bool file,
                       const char *value)
{
    if (item->setting->secret && !file) {
        problem(l, "%s: a secret on the command line is no secret; use %s, %s or %s", item->flag,
                item->setting->name, item->file, item->file_flag);
    } else {
        item->source = file ? item->file_flag : item->flag;
        item->text = file ? read_file(l, item->source, value) : value;
    }
}

/* Takes the flag at `argv`, and its value when that is the next argument. Returns how many
 * arguments it was. What is no flag is not shown: it could be a secret gone astray. */
static int take_flag(struct loading *l, char *const *argv)
{
    const char *flag = argv[0], *equals = strchr(flag, '=');
    size_t size = equals != NULL ? (size_t)(equals - flag) : strlen(flag);
    bool file = false;
    if (strncmp(flag, "--", 2) != 0) {
        problem(l, "an argument that is no flag; flags begin with --, --help lists all");
        return 1;
    }
    struct ink_config_item *item = find_flag(l, flag, size, &file);
    if (item == NULL) {
        problem(l, "%.*s: there is no such flag; --help lists all", (int)size, flag);
        return 1;
    }
    bool alone = equals == NULL && item->setting->type == INK_CONFIG_TYPE_BOOL;
    const char *value = equals != NULL ? equals + 1 : alone ? "true" : next_value(l, flag, argv[1]);
    if (value != NULL)
        take_value(l, item, file, value);
    return equals != NULL || alone || value == NULL ? 1 : 2;
}

/* What the environment says of an item, else its fallback. False after reporting a problem. */
static bool take_environment(struct loading *l, struct ink_config_item *item)
{
    const char *value = environment(l, item->setting->name);
    const char *path = item->file != NULL ? environment(l, item->file) : NULL;
    if (value != NULL && path != NULL) {
        problem(l, "%s and %s are both set; set one", item->setting->name, item->file);
        return false;
    }
    item->source = path != NULL ? item->file : item->setting->name;
    if (path != NULL)
        item->text = read_file(l, item->file, path);
    else
        item->text = value != NULL ? value : item->fallback;
    return path == NULL || item->text != NULL;
}

static const char *accepts(struct loading *l, const struct ink_config_item *item)
{
    struct ink_buf text = INK_BUF_INIT;
    ink_config_accepts(item->setting, &text);
    const char *copy = ink_arena_strdup(l->arena, text.data);
    ink_buf_release(&text);
    return copy;
}

/* Reports a value that is missing. */
static void miss(struct loading *l, const struct ink_config_item *item)
{
    const char *unless = item->setting->unless;
    if (unless == NULL)
        problem(l, "%s is required: %s (%s)", item->source, accepts(l, item), item->setting->help);
    else if (ink_config_find(&l->list, unless)->text == NULL)
        problem(l, "%s is required unless %s is set: %s (%s)", item->source, unless,
                accepts(l, item), item->setting->help);
}

static void settle(struct loading *l, struct ink_config_item *item, void *settings)
{
    bool flagged = item->source != NULL;
    if (flagged ? item->text == NULL : !take_environment(l, item))
        return; /* reported */
    if (item->text == NULL && item->setting->required)
        miss(l, item);
    else if (item->text != NULL && !ink_config_read(item, item->text, l->arena, settings))
        problem(l, "%s: %s is not accepted; expected %s", item->source,
                item->setting->secret ? "its value"
                                      : ink_arena_printf(l->arena, "\"%s\"", item->text),
                accepts(l, item));
}

/* Whether argv asks for text instead of a run; appends that. */
static bool show(const struct ink_config_program *program, int argc, char *const *argv,
                 struct ink_buf *text)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            ink_config_help(program, text);
        else if (strcmp(argv[i], "--version") == 0)
            ink_buf_printf(text, "%s %s\n", program->name, program->version);
        else if (strcmp(argv[i], "--print-env") == 0)
            ink_config_print_env(program, text);
        else
            continue;
        return true;
    }
    return false;
}

enum ink_config_outcome ink_config_load(const struct ink_config_program *program, int argc,
                                        char *const *argv, char *const *environment,
                                        struct ink_arena *arena, struct ink_buf *text,
                                        void *ret_settings)
{
    if (show(program, argc, argv, text))
        return INK_CONFIG_SHOW;
    struct loading l = {
        .program = program,
        .list = ink_config_flatten(arena, program->settings),
        .environment = environment,
        .arena = arena,
        .text = text,
    };
    for (int i = 1; i < argc;)
        i += take_flag(&l, argv + i);
    for (size_t i = 0; i < l.list.count; i++)
        settle(&l, &l.list.items[i], ret_settings);
    return l.wrong ? INK_CONFIG_WRONG : INK_CONFIG_RUN;
}
