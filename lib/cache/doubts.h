/*
 * Keys whose rows may have changed without anybody knowing: of a bounded number, when Redis is told
 * so again, at growing intervals from a second to some minutes. Inside lib/cache only; the caller
 * brings the locking.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"

#define INK_DOUBTS 1024

struct ink_doubt {
    char *key;
    int64_t due, pause; /* nanoseconds */
};

struct ink_doubts {
    struct ink_doubt items[INK_DOUBTS];
    size_t count;
};

/* Remembers a key, and forgets the one that was first when there are too many. */
void ink_doubts_add(struct ink_doubts *doubts, const char *key, int64_t now);
/* A key whose time has come, copied into the arena; NULL when there is none. */
const char *ink_doubts_take(struct ink_doubts *doubts, struct ink_arena *arena, int64_t now);
void ink_doubts_release(struct ink_doubts *doubts);
