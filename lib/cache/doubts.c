#include "lib/cache/doubts.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/cache/cache.h"

#define FIRST_PAUSE INK_SECOND

static void remove_at(struct ink_doubts *doubts, size_t at)
{
    free(doubts->items[at].key);
    doubts->count--;
    memmove(&doubts->items[at], &doubts->items[at + 1],
            (doubts->count - at) * sizeof(doubts->items[0]));
}

void ink_doubts_add(struct ink_doubts *doubts, const char *key, int64_t now)
{
    for (size_t i = 0; i < doubts->count; i++)
        if (strcmp(doubts->items[i].key, key) == 0) {
            remove_at(doubts, i);
            break;
        }
    if (doubts->count == INK_DOUBTS)
        remove_at(doubts, 0);
    doubts->items[doubts->count++] =
        (struct ink_doubt){.key = ink_strdup(key), .due = now + FIRST_PAUSE, .pause = FIRST_PAUSE};
}

const char *ink_doubts_take(struct ink_doubts *doubts, struct ink_arena *arena, int64_t now)
{
    for (size_t i = 0; i < doubts->count; i++) {
        struct ink_doubt *doubt = &doubts->items[i];
        if (doubt->due > now)
            continue;
        const char *key = ink_arena_strdup(arena, doubt->key);
        doubt->pause *= 2;
        doubt->due = now + doubt->pause;
        if (doubt->pause > INK_CACHE_MARK_TTL_MS * INK_MILLISECOND)
            remove_at(doubts, i);
        return key;
    }
    return NULL;
}

void ink_doubts_release(struct ink_doubts *doubts)
{
    while (doubts->count > 0)
        remove_at(doubts, doubts->count - 1);
}
