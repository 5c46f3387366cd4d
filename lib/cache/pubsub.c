#include "lib/cache/pubsub.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/random.h"
#include "lib/cache/conn.h"

#define ANSWER_TIMEOUT (500 * INK_MILLISECOND)
/* A connection that was silent for so long is asked whether it lives, and closed when it is silent
 * for as long again. */
#define SILENCE_MS 2000
#define FIRST_PAUSE_MS 50
#define LONGEST_PAUSE_MS 1000
#define PUBLISH_AT_ONCE 128

struct text {
    size_t size;
    char bytes[];
};

struct ink_pubsub {
    struct ink_pubsub_settings settings;
    struct ink_cache_url url;
    char *channel;
    pthread_t thread;
    int wake; /* eventfd: there is something to publish, or to stop */

    /* Of the thread alone. */
    struct ink_cache_conn *listener, *publisher;
    int64_t pause_ms;

    pthread_mutex_t lock; /* guards all below */
    bool stopping;
    struct text *queue[INK_PUBSUB_BACKLOG]; /* a ring */
    size_t first, count;
    struct ink_pubsub_stats stats;
};

static void ring(struct ink_pubsub *pubsub)
{
    uint64_t one = 1;
    (void)!write(pubsub->wake, &one, sizeof(one));
}

static bool is_stopping(struct ink_pubsub *pubsub)
{
    pthread_mutex_lock(&pubsub->lock);
    bool stopping = pubsub->stopping;
    pthread_mutex_unlock(&pubsub->lock);
    return stopping;
}

/* Connecting */

static bool send_words(struct ink_cache_conn *conn, int argc, const char *const *argv)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf request = INK_BUF_INIT;
    size_t sizes[2] = {strlen(argv[0]), argc > 1 ? strlen(argv[1]) : 0};
    ink_cache_add_command(&request, argc, argv, sizes);
    return ink_cache_conn_send(conn, &request, ink_now() + ANSWER_TIMEOUT);
}

static void set_listening(struct ink_pubsub *pubsub, bool listening)
{
    pthread_mutex_lock(&pubsub->lock);
    pubsub->stats.listening = listening;
    pubsub->stats.connects += listening;
    pthread_mutex_unlock(&pubsub->lock);
}

static void disconnect(struct ink_pubsub *pubsub)
{
    if (pubsub->listener != NULL)
        ink_cache_conn_close(pubsub->listener);
    if (pubsub->publisher != NULL)
        ink_cache_conn_close(pubsub->publisher);
    pubsub->listener = pubsub->publisher = NULL;
    set_listening(pubsub, false);
}

/* True when both connections stand and the channel is listened to. */
static bool connect_both(struct ink_pubsub *pubsub)
{
    int64_t deadline = ink_now() + ANSWER_TIMEOUT;
    pubsub->listener = ink_cache_conn_open(&pubsub->url, deadline);
    if (pubsub->listener == NULL ||
        !send_words(pubsub->listener, 2, (const char *[]){"SUBSCRIBE", pubsub->channel}))
        return false;
    INK_REPLY *reply = ink_cache_conn_reply(pubsub->listener, deadline);
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY)
        return false;
    pubsub->publisher = ink_cache_conn_open(&pubsub->url, deadline);
    return pubsub->publisher != NULL;
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
    int64_t deadline = ink_now() + ANSWER_TIMEOUT;
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
static bool publish_queue(struct ink_pubsub *pubsub)
{
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

/* Listening */

/* ["message", channel, text]; everything else (pong) only shows that Redis is there. */
static void take_reply(struct ink_pubsub *pubsub, const redisReply *reply)
{
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

/* Takes what has arrived. False when the connection is of no more use. */
static bool listen_to(struct ink_pubsub *pubsub)
{
    redisContext *redis = pubsub->listener->redis;
    if (redisBufferRead(redis) != REDIS_OK)
        return false;
    for (;;) {
        void *reply = NULL;
        if (redisGetReplyFromReader(redis, &reply) != REDIS_OK)
            return false;
        if (reply == NULL)
            return true;
        take_reply(pubsub, reply);
        freeReplyObject(reply);
    }
}

/* Waits for something to do: 0 for silence. */
static int await_news(struct ink_pubsub *pubsub, int timeout_ms, bool *ret_readable)
{
    struct pollfd fds[2] = {{.fd = pubsub->wake, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    if (pubsub->listener != NULL)
        fds[1].fd = pubsub->listener->redis->fd;
    int ready = poll(fds, 2, timeout_ms);
    uint64_t rings;
    if (ready > 0 && fds[0].revents != 0)
        (void)!read(pubsub->wake, &rings, sizeof(rings));
    *ret_readable = ready > 0 && fds[1].revents != 0;
    return ready;
}

/* Until the connection breaks or the pubsub ends. */
static void serve(struct ink_pubsub *pubsub)
{
    int64_t heard = ink_now();
    bool asked = false;
    while (!is_stopping(pubsub) && publish_queue(pubsub)) {
        bool readable;
        (void)await_news(pubsub, SILENCE_MS, &readable);
        if (readable) {
            if (!listen_to(pubsub))
                return;
            heard = ink_now();
            asked = false;
        } else if (ink_now() - heard >= SILENCE_MS * INK_MILLISECOND) {
            if (asked || !send_words(pubsub->listener, 1, (const char *[]){"PING"}))
                return;
            asked = true;
            heard = ink_now();
        }
    }
}

/* Up to the pause, with jitter; what is published meanwhile waits in the queue. */
static void rest(struct ink_pubsub *pubsub)
{
    int64_t pause = pubsub->pause_ms * (1024 + ink_random_jitter() % 512) / 1024;
    int64_t end = ink_now() + pause * INK_MILLISECOND;
    bool readable;
    while (!is_stopping(pubsub) && ink_now() < end)
        (void)await_news(pubsub, (int)ink_deadline_left_ms(end, LONGEST_PAUSE_MS * 2), &readable);
    pubsub->pause_ms *= 2;
    if (pubsub->pause_ms > LONGEST_PAUSE_MS)
        pubsub->pause_ms = LONGEST_PAUSE_MS;
}

static void *run(void *data)
{
    struct ink_pubsub *pubsub = data;
    while (!is_stopping(pubsub)) {
        if (connect_both(pubsub)) {
            pubsub->pause_ms = FIRST_PAUSE_MS;
            set_listening(pubsub, true);
            pubsub->settings.missed(pubsub->settings.self);
            serve(pubsub);
        }
        disconnect(pubsub);
        rest(pubsub);
    }
    return NULL;
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
    pubsub->pause_ms = FIRST_PAUSE_MS;
    pubsub->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&pubsub->lock, NULL);
    if (pubsub->wake < 0 || pthread_create(&pubsub->thread, NULL, run, pubsub) != 0)
        abort(); /* a process that cannot do this can do nothing */
    *ret_pubsub = pubsub;
    return ink_ok();
}

void ink_pubsub_free(struct ink_pubsub *pubsub)
{
    if (pubsub == NULL)
        return;
    pthread_mutex_lock(&pubsub->lock);
    pubsub->stopping = true;
    pthread_mutex_unlock(&pubsub->lock);
    ring(pubsub);
    pthread_join(pubsub->thread, NULL);
    for (; pubsub->count > 0; pubsub->count--) {
        free(pubsub->queue[pubsub->first]);
        pubsub->first = (pubsub->first + 1) % INK_PUBSUB_BACKLOG;
    }
    close(pubsub->wake);
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
        ring(pubsub);
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
