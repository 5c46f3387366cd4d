#include "lib/cache/near.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/cache/listener.h"

#define PING_MS 200
/* Of all places one for so many bytes of memory: entries are hundreds of bytes at least. */
#define BYTES_A_CHAIN 512

/* A copy, or a ticket for one. */
struct entry {
    struct entry *next; /* in its chain */
    struct entry *newer, *older;
    uint64_t hash;
    uint64_t ticket; /* 0 for a copy */
    int64_t version;
    size_t key_size; /* with its NUL */
    size_t size;
    char bytes[]; /* the key, and the value */
};

struct ink_near {
    char *prefix;
    size_t prefix_size;
    struct ink_listener *listener;
    struct ink_hash_seed seed;
    size_t most_bytes;
    size_t n_chains;

    pthread_mutex_t lock; /* guards all below */
    int64_t good_until;
    uint64_t last_ticket;
    struct entry *newest, *oldest; /* copies only */
    struct ink_near_stats stats;
    struct entry *chains[];
};

/* The table, with the lock held. */

/* Where the key's entry is linked; or where one is to be, with whatever is next in the chain. */
static struct entry **find(struct ink_near *near, const char *key, size_t key_size, uint64_t hash)
{
    struct entry **at = &near->chains[hash % near->n_chains];
    while (*at != NULL && ((*at)->hash != hash || (*at)->key_size != key_size ||
                           memcmp((*at)->bytes, key, key_size) != 0))
        at = &(*at)->next;
    return at;
}

static size_t cost(const struct entry *entry)
{
    return sizeof(*entry) + entry->key_size + entry->size;
}

static void unlink_age(struct ink_near *near, struct entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &near->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &near->oldest) = entry->newer;
}

static void make_newest(struct ink_near *near, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = near->newest;
    *(near->newest != NULL ? &near->newest->newer : &near->oldest) = entry;
    near->newest = entry;
}

static void remove_at(struct ink_near *near, struct entry **at)
{
    struct entry *entry = *at;
    *at = entry->next;
    if (entry->ticket == 0)
        unlink_age(near, entry);
    near->stats.bytes -= cost(entry);
    free(entry);
}

static void add(struct ink_near *near, struct entry **at, const char *key, size_t key_size,
                uint64_t hash, uint64_t ticket, const struct ink_near_value *value)
{
    size_t size = value == NULL ? 0 : value->size;
    struct entry *entry = ink_malloc(sizeof(*entry) + key_size + size);
    *entry = (struct entry){.next = *at,
                            .hash = hash,
                            .ticket = ticket,
                            .version = value == NULL ? 0 : value->version,
                            .key_size = key_size,
                            .size = size};
    memcpy(entry->bytes, key, key_size);
    if (size != 0)
        memcpy(entry->bytes + key_size, value->data, size);
    *at = entry;
    near->stats.bytes += cost(entry);
    if (ticket == 0)
        make_newest(near, entry);
}

static void make_room(struct ink_near *near)
{
    while (near->stats.bytes > near->most_bytes && near->oldest != NULL) {
        const struct entry *old = near->oldest;
        remove_at(near, find(near, old->bytes, old->key_size, old->hash));
        near->stats.evicted++;
    }
}

static void clear(struct ink_near *near)
{
    for (size_t i = 0; i < near->n_chains; i++)
        while (near->chains[i] != NULL)
            remove_at(near, &near->chains[i]);
}

/* What Redis says. */

/* Asks to be told of all changes: the connection that listens is told itself, so that what it does
 * not hear, because it is gone, nobody relies on. */
static bool connected(void *self, struct ink_cache_conn *conn)
{
    const struct ink_near *near = self;
    int64_t deadline = ink_listener_deadline();
    char id[24];
    if (!ink_listener_send(conn, 2, (const char *[]){"CLIENT", "ID"}))
        return false;
    INK_REPLY *number = ink_cache_conn_reply(conn, deadline);
    if (number == NULL || number->type != REDIS_REPLY_INTEGER)
        return false;
    snprintf(id, sizeof(id), "%lld", number->integer);
    if (!ink_listener_send(conn, 8,
                           (const char *[]){"CLIENT", "TRACKING", "ON", "REDIRECT", id, "BCAST",
                                            "PREFIX", near->prefix}))
        return false;
    INK_REPLY *tracking = ink_cache_conn_reply(conn, deadline);
    if (tracking == NULL || tracking->type != REDIS_REPLY_STATUS ||
        !ink_listener_send(conn, 2, (const char *[]){"SUBSCRIBE", "__redis__:invalidate"}))
        return false;
    INK_REPLY *subscribed = ink_cache_conn_reply(conn, deadline);
    return subscribed != NULL && subscribed->type == REDIS_REPLY_ARRAY;
}

static void closed(void *self)
{
    struct ink_near *near = self;
    pthread_mutex_lock(&near->lock);
    near->good_until = 0;
    near->stats.listening = false;
    clear(near);
    pthread_mutex_unlock(&near->lock);
}

static void alive(void *self, int64_t asked)
{
    struct ink_near *near = self;
    pthread_mutex_lock(&near->lock);
    near->good_until = asked + INK_NEAR_LEASE_MS * INK_MILLISECOND;
    near->stats.listening = true;
    pthread_mutex_unlock(&near->lock);
}

/* ["message", channel, keys], without keys when everything was flushed. */
static void heard(void *self, const redisReply *reply)
{
    struct ink_near *near = self;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
        return;
    const redisReply *keys = reply->element[2];
    if (keys->type != REDIS_REPLY_ARRAY) {
        pthread_mutex_lock(&near->lock);
        clear(near);
        pthread_mutex_unlock(&near->lock);
        return;
    }
    for (size_t i = 0; i < keys->elements; i++)
        if (keys->element[i]->type == REDIS_REPLY_STRING)
            ink_near_drop(near, keys->element[i]->str);
}

struct ink_near *ink_near_new(const struct ink_cache_url *url, const char *prefix,
                              size_t most_bytes)
{
    size_t chains = most_bytes / BYTES_A_CHAIN + 1;
    struct ink_near *near = ink_calloc(1, sizeof(*near) + chains * sizeof(near->chains[0]));
    near->prefix = ink_strdup(prefix);
    near->prefix_size = strlen(prefix);
    near->most_bytes = most_bytes;
    near->n_chains = chains;
    ink_hash_seed(&near->seed);
    pthread_mutex_init(&near->lock, NULL);
    near->listener = ink_listener_new(&(struct ink_listener_settings){.url = url,
                                                                      .ping_ms = PING_MS,
                                                                      .connected = connected,
                                                                      .closed = closed,
                                                                      .heard = heard,
                                                                      .alive = alive,
                                                                      .self = near});
    return near;
}

void ink_near_free(struct ink_near *near)
{
    if (near == NULL)
        return;
    ink_listener_free(near->listener);
    clear(near);
    pthread_mutex_destroy(&near->lock);
    free(near->prefix);
    free(near);
}

bool ink_near_get(struct ink_near *near, const char *key, struct ink_arena *arena,
                  struct ink_near_value *ret_value)
{
    size_t key_size = strlen(key) + 1;
    uint64_t hash = ink_hash(&near->seed, key, key_size);
    int64_t now = ink_now();
    pthread_mutex_lock(&near->lock);
    struct entry *entry = *find(near, key, key_size, hash);
    bool good = entry != NULL && entry->ticket == 0 && now < near->good_until;
    if (good) {
        unlink_age(near, entry);
        make_newest(near, entry);
        near->stats.hits++;
        ret_value->size = entry->size;
        ret_value->version = entry->version;
        ret_value->data = ink_arena_strndup(arena, entry->bytes + key_size, entry->size);
    }
    pthread_mutex_unlock(&near->lock);
    return good;
}

uint64_t ink_near_begin(struct ink_near *near, const char *key)
{
    if (strncmp(key, near->prefix, near->prefix_size) != 0)
        return 0;
    size_t key_size = strlen(key) + 1;
    uint64_t hash = ink_hash(&near->seed, key, key_size), ticket = 0;
    pthread_mutex_lock(&near->lock);
    struct entry **at = find(near, key, key_size, hash);
    bool taken = *at != NULL && (*at)->ticket != 0;
    if (*at != NULL && !taken) /* a copy that is not good any more */
        remove_at(near, at);
    if (!taken) {
        ticket = ++near->last_ticket;
        add(near, at, key, key_size, hash, ticket, NULL);
    }
    pthread_mutex_unlock(&near->lock);
    return ticket;
}

void ink_near_end(struct ink_near *near, const char *key, uint64_t ticket,
                  const struct ink_near_value *value)
{
    if (ticket == 0)
        return;
    size_t key_size = strlen(key) + 1;
    uint64_t hash = ink_hash(&near->seed, key, key_size);
    pthread_mutex_lock(&near->lock);
    struct entry **at = find(near, key, key_size, hash);
    if (*at != NULL && (*at)->ticket == ticket) {
        remove_at(near, at);
        if (value != NULL && value->size <= near->most_bytes / 16) {
            add(near, at, key, key_size, hash, 0, value);
            make_room(near);
        }
    }
    pthread_mutex_unlock(&near->lock);
}

void ink_near_drop(struct ink_near *near, const char *key)
{
    size_t key_size = strlen(key) + 1;
    uint64_t hash = ink_hash(&near->seed, key, key_size);
    pthread_mutex_lock(&near->lock);
    struct entry **at = find(near, key, key_size, hash);
    if (*at != NULL) {
        near->stats.dropped += (*at)->ticket == 0;
        remove_at(near, at);
    }
    pthread_mutex_unlock(&near->lock);
}

struct ink_near_stats ink_near_stats(struct ink_near *near)
{
    pthread_mutex_lock(&near->lock);
    struct ink_near_stats stats = near->stats;
    pthread_mutex_unlock(&near->lock);
    return stats;
}
