#include "lib/cache/listener.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/random.h"

#define ANSWER_TIMEOUT (500 * INK_MILLISECOND)
#define FIRST_PAUSE_MS 50
#define LONGEST_PAUSE_MS 1000

struct ink_listener {
    struct ink_listener_settings settings;
    pthread_t thread;
    int wake; /* eventfd: there is something to do, or to stop */
    atomic_bool stopping;

    /* Of the thread alone. */
    struct ink_cache_conn *conn;
    int64_t pause_ms;
    int64_t asked; /* when, and no answer yet; or 0 */
    int64_t next;  /* when to ask again */
};

int64_t ink_listener_deadline(void)
{
    return ink_now() + ANSWER_TIMEOUT;
}

bool ink_listener_send(struct ink_cache_conn *conn, int argc, const char *const *argv)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf request = INK_BUF_INIT;
    size_t sizes[8];
    for (int i = 0; i < argc; i++)
        sizes[i] = strlen(argv[i]);
    ink_cache_add_command(&request, argc, argv, sizes);
    return ink_cache_conn_send(conn, &request, ink_listener_deadline());
}

static bool open_conn(struct ink_listener *listener)
{
    listener->conn = ink_cache_conn_open(listener->settings.url, ink_listener_deadline());
    listener->asked = 0;
    listener->next = ink_now();
    return listener->conn != NULL &&
           listener->settings.connected(listener->settings.self, listener->conn);
}

static void close_conn(struct ink_listener *listener)
{
    if (listener->conn != NULL)
        ink_cache_conn_close(listener->conn);
    listener->conn = NULL;
    listener->settings.closed(listener->settings.self);
}

/* Asks whether the server is there when it is time to. False when it did not answer. */
static bool ask(struct ink_listener *listener)
{
    int64_t now = ink_now();
    if (now < listener->next)
        return true;
    if (listener->asked != 0 || !ink_listener_send(listener->conn, 1, (const char *[]){"PING"}))
        return false;
    listener->asked = now;
    listener->next = now + listener->settings.ping_ms * INK_MILLISECOND;
    return true;
}

/* An array where something was subscribed to. */
static bool is_pong(const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_STATUS)
        return strcmp(reply->str, "PONG") == 0;
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
           reply->element[0]->type == REDIS_REPLY_STRING &&
           strcmp(reply->element[0]->str, "pong") == 0;
}

static void take_reply(struct ink_listener *listener, const redisReply *reply)
{
    if (!is_pong(reply)) {
        listener->settings.heard(listener->settings.self, reply);
        return;
    }
    if (listener->settings.alive != NULL)
        listener->settings.alive(listener->settings.self, listener->asked);
    listener->asked = 0;
}

/* Takes what has arrived. False when the connection is of no more use. */
static bool take_replies(struct ink_listener *listener)
{
    redisContext *redis = listener->conn->redis;
    if (redisBufferRead(redis) != REDIS_OK)
        return false;
    for (;;) {
        void *reply = NULL;
        if (redisGetReplyFromReader(redis, &reply) != REDIS_OK)
            return false;
        if (reply == NULL)
            return true;
        take_reply(listener, reply);
        freeReplyObject(reply);
    }
}

/* Until something arrived, somebody rang, or the time has come. True when there is something to
 * read. */
static bool await_news(struct ink_listener *listener, int64_t until)
{
    struct pollfd fds[2] = {{.fd = listener->wake, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    if (listener->conn != NULL)
        fds[1].fd = listener->conn->redis->fd;
    int ready = poll(fds, 2, (int)ink_deadline_left_ms(until, 60000));
    uint64_t rings;
    if (ready > 0 && fds[0].revents != 0)
        (void)!read(listener->wake, &rings, sizeof(rings));
    return ready > 0 && fds[1].revents != 0;
}

/* Until the connection breaks or the listener ends. */
static void serve(struct ink_listener *listener)
{
    const struct ink_listener_settings *s = &listener->settings;
    while (!atomic_load(&listener->stopping) && (s->turn == NULL || s->turn(s->self)) &&
           ask(listener))
        if (await_news(listener, listener->next) && !take_replies(listener))
            return;
}

/* Up to the pause, with jitter. */
static void rest(struct ink_listener *listener)
{
    int64_t pause = listener->pause_ms * (1024 + ink_random_jitter() % 512) / 1024;
    int64_t end = ink_now() + pause * INK_MILLISECOND;
    while (!atomic_load(&listener->stopping) && ink_now() < end)
        (void)await_news(listener, end);
    listener->pause_ms *= 2;
    if (listener->pause_ms > listener->settings.longest_pause_ms)
        listener->pause_ms = listener->settings.longest_pause_ms;
}

static void *run(void *data)
{
    struct ink_listener *listener = data;
    while (!atomic_load(&listener->stopping)) {
        if (open_conn(listener)) {
            listener->pause_ms = FIRST_PAUSE_MS;
            serve(listener);
        }
        close_conn(listener);
        rest(listener);
    }
    return NULL;
}

struct ink_listener *ink_listener_new(const struct ink_listener_settings *settings)
{
    struct ink_listener *listener = ink_calloc(1, sizeof(*listener));
    listener->settings = *settings;
    if (settings->longest_pause_ms == 0)
        listener->settings.longest_pause_ms = LONGEST_PAUSE_MS;
    listener->pause_ms = FIRST_PAUSE_MS;
    listener->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (listener->wake < 0 || pthread_create(&listener->thread, NULL, run, listener) != 0)
        abort(); /* a process that cannot do this can do nothing */
    return listener;
}

void ink_listener_free(struct ink_listener *listener)
{
    if (listener == NULL)
        return;
    atomic_store(&listener->stopping, true);
    ink_listener_wake(listener);
    pthread_join(listener->thread, NULL);
    close(listener->wake);
    free(listener);
}

void ink_listener_wake(struct ink_listener *listener)
{
    uint64_t one = 1;
    (void)!write(listener->wake, &one, sizeof(one));
}
