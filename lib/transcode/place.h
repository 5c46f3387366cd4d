/*
 * Where in a message a reader or writer is: a chain of steps on the stack, turned into a proto path
 * ("items[2].labels[\"a\"]") only when something is wrong there. Internal to lib/transcode.
 */
#pragma once

#include <stddef.h>

#include "lib/base/arena.h"

struct ink_place {
    const struct ink_place *up; /* the enclosing step, or NULL */
    enum {
        INK_PLACE_FIELD, /* .name */
        INK_PLACE_INDEX, /* [index] */
        INK_PLACE_KEY,   /* ["name"] */
        INK_PLACE_RAW,   /* [name]: map keys that are numbers or bools */
    } kind;
    const char *name;
    size_t size;
    size_t index;
};

static inline struct ink_place ink_place_field(const struct ink_place *up, const char *name,
                                               size_t size)
{
    return (struct ink_place){.up = up, .kind = INK_PLACE_FIELD, .name = name, .size = size};
}

/* The path from below `root` (NULL: from the start) to `place`. Lives in the arena. A name that a
 * client made very long is cut. */
char *ink_place_path(struct ink_arena *arena, const struct ink_place *place,
                     const struct ink_place *root);
