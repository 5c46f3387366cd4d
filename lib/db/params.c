#include "lib/db/db.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

struct ink_db_params ink_db_params(struct ink_arena *arena)
{
    return (struct ink_db_params){.arena = arena};
}

static void add(struct ink_db_params *params, const char *value)
{
    if (params->count == INK_DB_MAX_PARAMS) {
        fprintf(stderr, "lib/db: a statement with more than %d parameters\n", INK_DB_MAX_PARAMS);
        abort();
    }
    params->values[params->count++] = value;
}

void ink_db_add_text(struct ink_db_params *params, const char *text)
{
    add(params, text);
}

void ink_db_add_string(struct ink_db_params *params, const char *text, size_t size)
{
    params->has_nul |= memchr(text, '\0', size) != NULL;
    add(params, ink_arena_strndup(params->arena, text, size));
}

void ink_db_add_int64(struct ink_db_params *params, int64_t value)
{
    add(params, ink_arena_printf(params->arena, "%" PRId64, value));
}

void ink_db_add_bool(struct ink_db_params *params, bool value)
{
    add(params, value ? "t" : "f");
}

void ink_db_add_null(struct ink_db_params *params)
{
    add(params, NULL);
}

void ink_db_add_time(struct ink_db_params *params, int64_t microseconds)
{
    int64_t seconds = microseconds / 1000000, rest = microseconds % 1000000;
    if (rest < 0) {
        seconds--;
        rest += 1000000;
    }
    char text[INK_RFC3339_SIZE];
    ink_rfc3339(seconds, (int32_t)rest * 1000, text);
    add(params, ink_arena_strdup(params->arena, text));
}

void ink_db_add_bytes(struct ink_db_params *params, const void *data, size_t size)
{
    char *text = ink_arena_alloc(params->arena, 2 * size + 3);
    text[0] = '\\';
    text[1] = 'x';
    ink_hex(data, size, text + 2);
    add(params, text);
}

/* {"a","b"}: inside the quotes only quotes and backslashes are special. */
void ink_db_add_text_array(struct ink_db_params *params, const char *const *items, size_t count)
{
    size_t size = 3;
    for (size_t i = 0; i < count; i++)
        size += 2 * strlen(items[i]) + 3;
    char *text = ink_arena_alloc(params->arena, size), *out = text;
    *out++ = '{';
    for (size_t i = 0; i < count; i++) {
        if (i != 0)
            *out++ = ',';
        *out++ = '"';
        for (const char *c = items[i]; *c != '\0'; c++) {
            if (*c == '"' || *c == '\\')
                *out++ = '\\';
            *out++ = *c;
        }
        *out++ = '"';
    }
    *out++ = '}';
    *out = '\0';
    add(params, text);
}
