#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/text.h"
#include "lib/events/tool/tool.h"

#define MILLISECONDS(us) ((us) / 1000 % 1000)

/* C0, DEL and C1. */
static bool is_control(const char *text, size_t size)
{
    unsigned char first = (unsigned char)text[0];
    return first < 0x20 || first == 0x7f ||
           (size == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0);
}

const char *tool_text(struct ink_arena *arena, const char *text, size_t size, size_t limit)
{
    char *out = ink_arena_alloc(arena, size + 4), *end = out;
    size_t shown = 0;
    for (size_t i = 0, step; i < size; i += step, shown++) {
        if (limit > 0 && shown == limit) {
            end = stpcpy(end, "...");
            break;
        }
        size_t sequence = ink_utf8_sequence(text + i, size - i);
        step = sequence > 0 ? sequence : 1;
        if (text[i] == '\n' || text[i] == '\t') {
            *end++ = ' ';
        } else if (sequence == 0 || is_control(text + i, sequence)) {
            *end++ = '?';
        } else {
            memcpy(end, text + i, step);
            end += step;
        }
    }
    *end = '\0';
    return out;
}

const char *tool_time(struct ink_arena *arena, int64_t microseconds)
{
    char *text = ink_arena_alloc(arena, INK_RFC3339_SIZE);
    ink_rfc3339(microseconds / 1000000, (int32_t)MILLISECONDS(microseconds) * 1000000, text);
    return text;
}

/* JSON */

void tool_json_object(struct ink_buf *out)
{
    ink_buf_puts(out, out->data[out->len - 1] == '[' ? "{" : ",{");
}

static void put_name(struct ink_buf *out, const char *name)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        ink_buf_putc(out, ',');
    ink_buf_printf(out, "\"%s\":", name);
}

void tool_json_bytes(struct ink_buf *out, const char *name, const char *text, size_t size)
{
    put_name(out, name);
    ink_buf_json_string(out, text, size);
}

void tool_json_text(struct ink_buf *out, const char *name, const char *text)
{
    tool_json_bytes(out, name, text, strlen(text));
}

void tool_json_number(struct ink_buf *out, const char *name, int64_t value)
{
    put_name(out, name);
    ink_buf_printf(out, "%lld", (long long)value);
}

/* Tables */

const char **tool_table_add(struct ink_arena *arena, struct tool_table *table)
{
    /* Doubled when the count is a power of two. */
    if ((table->count & (table->count - 1)) == 0) {
        size_t room = table->count == 0 ? 1 : 2 * table->count;
        const char *(*rows)[TOOL_COLUMNS] = ink_arena_calloc(arena, room, sizeof(*rows));
        if (table->count > 0)
            memcpy(rows, table->rows, table->count * sizeof(*rows));
        table->rows = rows;
    }
    return table->rows[table->count++];
}

static size_t width(const char *text)
{
    return text != NULL ? ink_utf8_length(text, strlen(text)) : 0;
}

static void put_cell(struct ink_buf *out, const char *text, size_t wanted, bool number, bool last)
{
    size_t pad = wanted - width(text);
    ink_buf_puts(out, "  ");
    if (number)
        ink_buf_printf(out, "%*s", (int)pad, "");
    ink_buf_puts(out, text != NULL ? text : "");
    if (!number && !last)
        ink_buf_printf(out, "%*s", (int)pad, "");
}

void tool_table_print(struct ink_buf *out, const struct tool_table *table)
{
    size_t widths[TOOL_COLUMNS] = {0}, columns = 0;
    for (; columns < TOOL_COLUMNS && table->names[columns] != NULL; columns++) {
        widths[columns] = width(table->names[columns] + (table->names[columns][0] == '#'));
        for (size_t row = 0; row < table->count; row++) {
            size_t here = width(table->rows[row][columns]);
            widths[columns] = here > widths[columns] ? here : widths[columns];
        }
    }
    for (size_t line = 0; line <= table->count; line++) {
        for (size_t i = 0; i < columns; i++) {
            bool number = table->names[i][0] == '#';
            const char *text = line > 0 ? table->rows[line - 1][i] : table->names[i] + number;
            put_cell(out, text, widths[i], number, i + 1 == columns);
        }
        ink_buf_putc(out, '\n');
    }
}
