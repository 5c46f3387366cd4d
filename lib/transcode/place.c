#include "lib/transcode/place.h"

#include "lib/base/buf.h"
#include "lib/base/text.h"

#define LONGEST_NAME 100

/* The name, cut at a character's end. */
static size_t name_size(const struct ink_place *place)
{
    if (place->size <= LONGEST_NAME)
        return place->size;
    size_t size = 0, step;
    while ((step = ink_utf8_sequence(place->name + size, place->size - size)) != 0 &&
           size + step <= LONGEST_NAME)
        size += step;
    return size;
}

static void append_name(struct ink_buf *buf, const struct ink_place *place)
{
    size_t size = name_size(place);
    ink_buf_append(buf, place->name, size);
    if (size < place->size)
        ink_buf_puts(buf, "...");
}

static void append(struct ink_buf *buf, const struct ink_place *place, const struct ink_place *root)
{
    if (place == NULL || place == root)
        return;
    append(buf, place->up, root);
    switch (place->kind) {
    case INK_PLACE_FIELD:
        if (buf->len != 0)
            ink_buf_putc(buf, '.');
        append_name(buf, place);
        break;
    case INK_PLACE_INDEX:
        ink_buf_printf(buf, "[%zu]", place->index);
        break;
    case INK_PLACE_KEY:
        ink_buf_putc(buf, '[');
        ink_buf_json_string(buf, place->name, name_size(place));
        ink_buf_putc(buf, ']');
        break;
    case INK_PLACE_RAW:
        ink_buf_putc(buf, '[');
        append_name(buf, place);
        ink_buf_putc(buf, ']');
        break;
    }
}

char *ink_place_path(struct ink_arena *arena, const struct ink_place *place,
                     const struct ink_place *root)
{
    struct ink_buf buf = INK_BUF_INIT;
    append(&buf, place, root);
    char *path = ink_arena_strndup(arena, buf.data == NULL ? "" : buf.data, buf.len);
    ink_buf_release(&buf);
    return path;
}
