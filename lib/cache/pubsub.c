#include "lib/cache/pubsub.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/cache/listener.h"

#define PING_MS 2000
#define PUBLISH_AT_ONCE 128

struct text {
    size_t size;
    char bytes[];
};

struct ink_pubsub {
    struct ink_pubsub_settings settings;
    struct ink_cache_url url;
    char *channel;
    struct ink_listener *listener;
    struct ink_cache_conn *publisher; /* of the listener's thread alone */

    pthread_mutex_t lock;                   /* guards all below */
    struct text *queue[INK_PUBSUB_BACKLOG]; /* a ring */
    size_t first, count;
    struct ink_pubsub_stats stats;
};

/* Connecting */

static void set_listening(struct ink_pubsub *pubsub, bool listening)
{
    pthread_mutex_lock(&pubsub->lock);
    pubsub->stats.listening = listening;
    pubsub->stats.connects += listening;
    pthread_mutex_unlock(&pubsub->lock);
}

static void closed(void *self)
{
    struct ink_pubsub *pubsub = self;
    if (pubsub->publisher != NULL)
        ink_cache_conn_close(pubsub->publisher);
    pubsub->publisher = NULL;
    set_listening(pubsub, false);
}

/* True when the channel is listened to, and a second connection stands to publish on. */
static bool connected(void *self, struct ink_cache_conn *conn)
{
    struct ink_pubsub *pubsub = self;
    int64_t deadline = ink_listener_deadline();
    if (!ink_listener_send(conn, 2, (const char *[]){"SUBSCRIBE", pubsub->channel}))
        return false;
    INK_REPLY *reply = ink_cache_conn_reply(conn, deadline);
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY)
        return false;
    pubsub->publisher = ink_cache_conn_open(&pubsub->url, deadline);
    if (pubsub->publisher == NULL)
        return false;
    set_listening(pubsub, true);
    pubsub->settings.missed(pubsub->settings.self);
    return true;
}

/* Publishing */

static size_t take_queue(struct ink_pubsub *pubsub, struct text *texts[PUBLISH_AT_ONCE])
{
    size_t count = 0;
    pthread_mutex_lock(&pubsub->lock);
    for (; count < PUBLISH_AT_ONCE && pubsub->count > 0; count++, pubsub->count--) {
        texts[count] = pubsub->queue[pubsub->first];
        pubsub->first = (pubsub->first + 1) % INK_PUBSUB_BACKLOG;
    }
    pthread_mutex_unlock(&pubsub->lock);
    return count;
}

/* How many of the texts Redis took. */
static size_t send_texts(struct ink_pubsub *pubsub, struct text *const *texts, size_t count)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf request = INK_BUF_INIT;
    int64_t deadline = ink_listener_deadline();
    for (size_t i = 0; i < count; i++) {
        const size_t sizes[] = {7, strlen(pubsub->channel), texts[i]->size};
        ink_cache_add_command(&request, 3,
                              (const char *[]){"PUBLISH", pubsub->channel, texts[i]->bytes}, sizes);
    }
    if (!ink_cache_conn_send(pubsub->publisher, &request, deadline))
        return 0;
    for (size_t i = 0; i < count; i++) {
        INK_REPLY *reply = ink_cache_conn_reply(pubsub->publisher, deadline);
        if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
            return i;
    }
    return count;
}

/* False when the connection is of no more use. */
static bool publish_queue(void *self)
{
    struct ink_pubsub *pubsub = self;
    struct text *texts[PUBLISH_AT_ONCE];
    size_t count;
    while ((count = take_queue(pubsub, texts)) > 0) {
        size_t sent = send_texts(pubsub, texts, count);
        for (size_t i = 0; i < count; i++)
            free(texts[i]);
        pthread_mutex_lock(&pubsub->lock);
        pubsub->stats.published += sent;
        pubsub->stats.dropped += count - sent;
        pthread_mutex_unlock(&pubsub->lock);
        if (sent < count)
            return false;
    }
    return true;
}

/* ["message", channel, text] */
static void heard(void *self, const redisReply *reply)
{
    struct ink_pubsub *pubsub = self;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[2]->type != REDIS_REPLY_STRING ||
        strcmp(reply->element[0]->str, "message") != 0)
        return;
    pthread_mutex_lock(&pubsub->lock);
    pubsub->stats.heard++;
    pthread_mutex_unlock(&pubsub->lock);
    pubsub->settings.heard(pubsub->settings.self, reply->element[2]->str, reply->element[2]->len);
}

struct ink_status ink_pubsub_new(struct ink_arena *arena,
                                 const struct ink_pubsub_settings *settings,
                                 struct ink_pubsub **ret_pubsub)
{
    struct ink_cache_url url;
    if (!ink_cache_url_parse(settings->url, &url))
        return ink_errorf(arena, INK_INVALID_ARGUMENT,
                          "not a Redis URL like redis://:password@host:6379/0");
    struct ink_pubsub *pubsub = ink_calloc(1, sizeof(*pubsub));
    pubsub->settings = *settings;
    pubsub->settings.url = NULL;
    pubsub->url = url;
    pubsub->channel = ink_strdup(settings->channel);
    pthread_mutex_init(&pubsub->lock, NULL);
    pubsub->listener = ink_listener_new(&(struct ink_listener_settings){.url = &pubsub->url,
                                                                        .ping_ms = PING_MS,
                                                                        .connected = connected,
                                                                        .closed = closed,
                                                                        .heard = heard,
                                                                        .turn = publish_queue,
                                                                        .self = pubsub});
    *ret_pubsub = pubsub;
    return ink_ok();
}

void ink_pubsub_free(struct ink_pubsub *pubsub)
{
    if (pubsub == NULL)
        return;
    ink_listener_free(pubsub->listener);
    for (; pubsub->count > 0; pubsub->count--) {
        free(pubsub->queue[pubsub->first]);
        pubsub->first = (pubsub->first + 1) % INK_PUBSUB_BACKLOG;
    }
    pthread_mutex_destroy(&pubsub->lock);
    ink_cache_url_release(&pubsub->url);
    free(pubsub->channel);
    free(pubsub);
}

void ink_pubsub_publish(struct ink_pubsub *pubsub, const char *text, size_t size)
{
    struct text *copy = ink_malloc(sizeof(*copy) + size);
    copy->size = size;
    memcpy(copy->bytes, text, size);
    pthread_mutex_lock(&pubsub->lock);
    bool room = pubsub->count < INK_PUBSUB_BACKLOG;
    if (room)
        pubsub->queue[(pubsub->first + pubsub->count++) % INK_PUBSUB_BACKLOG] = copy;
    else
        pubsub->stats.dropped++;
    pthread_mutex_unlock(&pubsub->lock);
    if (room)
        ink_listener_wake(pubsub->listener);
    else
        free(copy);
}

struct ink_pubsub_stats ink_pubsub_stats(struct ink_pubsub *pubsub)
{
    pthread_mutex_lock(&pubsub->lock);
    struct ink_pubsub_stats stats = pubsub->stats;
    pthread_mutex_unlock(&pubsub->lock);
    return stats;
}
