#include "lib/cache/teller.h"

#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/cache/listener.h"
#include "lib/cache/marks.h"
#include "lib/cache/sweep.h"

/* One that does not answer for so long may be cut off: then another connection is quicker than the
 * repetitions of this one. */
#define PING_MS 1000
#define LONGEST_PAUSE_MS 200

struct ink_teller {
    struct ink_cache *cache;
    struct ink_listener *listener;

    /* Of the thread alone. */
    struct ink_cache_conn *conn;
    uint64_t sent, answered; /* requests, of all connections together */
    bool refused;
};

static bool connected(void *self, struct ink_cache_conn *conn)
{
    struct ink_teller *teller = self;
    teller->conn = conn;
    teller->refused = false;
    return true;
}

/* Nobody will answer what was sent. */
static void closed(void *self)
{
    struct ink_teller *teller = self;
    struct ink_cache *cache = teller->cache;
    teller->answered = teller->sent;
    pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; i < cache->backlog.count; i++)
        cache->backlog.items[i].request = 0;
    pthread_mutex_unlock(&cache->lock);
}

static void heard(void *self, const redisReply *reply)
{
    struct ink_teller *teller = self;
    struct ink_cache *cache = teller->cache;
    teller->answered++;
    teller->refused = teller->refused || reply->type != REDIS_REPLY_INTEGER;
    if (teller->refused)
        return;
    pthread_mutex_lock(&cache->lock);
    ink_backlog_remove(&cache->backlog, teller->answered);
    pthread_mutex_unlock(&cache->lock);
}

/* With the lock held: doubts whose time has come are owed again. */
static void repeat_doubts(struct ink_cache *cache, struct ink_arena *arena)
{
    const char *key;
    while ((key = ink_doubts_take(&cache->doubts, arena, ink_now())) != NULL)
        if (!ink_backlog_add(&cache->backlog, key, INK_CACHE_DOUBT))
            ink_cache_sweep_again(cache);
}

/* Marks that no request has yet, copied into the arena: they are in the next one. */
static size_t take(struct ink_teller *teller, struct ink_arena *arena,
                   struct ink_cache_mark marks[INK_MARKS_AT_ONCE])
{
    struct ink_backlog *backlog = &teller->cache->backlog;
    size_t count = 0;
    pthread_mutex_lock(&teller->cache->lock);
    repeat_doubts(teller->cache, arena);
    for (size_t i = 0; i < backlog->count && count < INK_MARKS_AT_ONCE; i++) {
        struct ink_backlog_item *item = &backlog->items[i];
        if (item->request != 0)
            continue;
        item->request = teller->sent + 1;
        marks[count++] = (struct ink_cache_mark){ink_arena_strdup(arena, item->key), item->version};
    }
    pthread_mutex_unlock(&teller->cache->lock);
    return count;
}

/* Sends what is new. False when the connection is of no more use. */
static bool turn(void *self)
{
    struct ink_teller *teller = self;
    size_t count = INK_MARKS_AT_ONCE;
    bool sent = !teller->refused;
    while (sent && count == INK_MARKS_AT_ONCE) {
        struct ink_arena arena;
        struct ink_cache_mark marks[INK_MARKS_AT_ONCE];
        ink_arena_init(&arena);
        count = take(teller, &arena, marks);
        if (count > 0) {
            teller->sent++;
            sent = ink_marks_send(teller->conn, marks, count, ink_listener_deadline());
        }
        ink_arena_release(&arena);
    }
    return sent;
}

struct ink_teller *ink_teller_new(struct ink_cache *cache)
{
    struct ink_teller *teller = ink_calloc(1, sizeof(*teller));
    teller->cache = cache;
    teller->listener =
        ink_listener_new(&(struct ink_listener_settings){.url = &cache->url,
                                                         .ping_ms = PING_MS,
                                                         .longest_pause_ms = LONGEST_PAUSE_MS,
                                                         .connected = connected,
                                                         .closed = closed,
                                                         .heard = heard,
                                                         .turn = turn,
                                                         .self = teller});
    return teller;
}

void ink_teller_free(struct ink_teller *teller)
{
    if (teller == NULL)
        return;
    ink_listener_free(teller->listener);
    free(teller);
}

void ink_teller_wake(struct ink_teller *teller)
{
    ink_listener_wake(teller->listener);
}
