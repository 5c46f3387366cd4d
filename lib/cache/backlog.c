#include "lib/cache/backlog.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"

/* Searched from end to end: it has members only while Redis is away. */
static struct ink_backlog_item *find(struct ink_backlog *backlog, const char *key)
{
    for (size_t i = 0; i < backlog->count; i++) {
        if (strcmp(backlog->items[i].key, key) == 0)
            return &backlog->items[i];
    }
    return NULL;
}

static void remove_item(struct ink_backlog *backlog, struct ink_backlog_item *item)
{
    free(item->key);
    size_t after = (size_t)(&backlog->items[backlog->count] - (item + 1));
    memmove(item, item + 1, after * sizeof(*item));
    backlog->count--;
}

bool ink_backlog_add(struct ink_backlog *backlog, const char *key, int64_t version)
{
    struct ink_backlog_item *item = find(backlog, key);
    if (item != NULL) {
        if (item->version < version) {
            item->version = version;
            item->request = 0;
        }
        return true;
    }
    bool room = backlog->count < INK_CACHE_BACKLOG;
    if (!room)
        remove_item(backlog, &backlog->items[0]);
    backlog->items[backlog->count++] =
        (struct ink_backlog_item){.key = ink_strdup(key), .version = version};
    return room;
}

void ink_backlog_remove(struct ink_backlog *backlog, uint64_t request)
{
    size_t kept = 0;
    for (size_t i = 0; i < backlog->count; i++) {
        if (backlog->items[i].request == request)
            free(backlog->items[i].key);
        else
            backlog->items[kept++] = backlog->items[i];
    }
    backlog->count = kept;
}

void ink_backlog_release(struct ink_backlog *backlog)
{
    for (size_t i = 0; i < backlog->count; i++)
        free(backlog->items[i].key);
    backlog->count = 0;
}
