#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config/internal.h"

static void contradiction(const char *name, const char *problem)
{
    fprintf(stderr, "settings table: %s %s\n", name, problem);
    abort();
}

static bool at_end(const struct ink_config_setting *setting)
{
    return setting->name == NULL && setting->type != INK_CONFIG_TYPE_INCLUDE;
}

static size_t count(const struct ink_config_setting *table)
{
    size_t n = 0;
    for (const struct ink_config_setting *s = table; !at_end(s); s++)
        n += s->type == INK_CONFIG_TYPE_INCLUDE ? count(s->include) : 1;
    return n;
}

static const char *flag_of(struct ink_arena *arena, const char *name)
{
    char *flag = ink_arena_printf(arena, "--%s", name);
    for (char *c = flag; *c != '\0'; c++)
        *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
    return flag;
}

static void add(struct ink_arena *arena, struct ink_config_list *list,
                const struct ink_config_setting *setting, size_t base)
{
    if (ink_config_find(list, setting->name) != NULL)
        contradiction(setting->name, "is there twice");
    if (setting->unless != NULL && ink_config_find(list, setting->unless) == NULL)
        contradiction(setting->name, "is required unless one has a value that is not before it");
    struct ink_config_item *item = &list->items[list->count++];
    *item = (struct ink_config_item){
        .setting = setting,
        .fallback = setting->fallback,
        .flag = flag_of(arena, setting->name),
        .offset = base + setting->offset,
    };
    if (setting->secret) {
        item->file = ink_arena_printf(arena, "%s_FILE", setting->name);
        item->file_flag = flag_of(arena, item->file);
    }
}

static void flatten(struct ink_arena *arena, struct ink_config_list *list,
                    const struct ink_config_setting *table, size_t base)
{
    for (const struct ink_config_setting *s = table; !at_end(s); s++) {
        if (s->type == INK_CONFIG_TYPE_INCLUDE) {
            flatten(arena, list, s->include, base + s->offset);
        } else if (s->type == INK_CONFIG_TYPE_FALLBACK) {
            struct ink_config_item *item = ink_config_find(list, s->name);
            if (item == NULL)
                contradiction(s->name, "has a fallback but is not there before it");
            else
                item->fallback = s->fallback;
        } else {
            add(arena, list, s, base);
        }
    }
}

struct ink_config_list ink_config_flatten(struct ink_arena *arena,
                                          const struct ink_config_setting *table)
{
    struct ink_config_list list = {0};
    list.items = ink_arena_calloc(arena, count(table) + 1, sizeof(*list.items));
    flatten(arena, &list, table, 0);
    return list;
}

struct ink_config_item *ink_config_find(struct ink_config_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].setting->name, name) == 0)
            return &list->items[i];
    return NULL;
}
