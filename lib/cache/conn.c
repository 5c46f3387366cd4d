#include "lib/cache/conn.h"
#include "lib/base/blocks.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/cache/entry.h"
#include "lib/cache/sweep.h"

const char *const ink_cache_scripts[INK_CACHE_N_SCRIPTS] = {
    [INK_CACHE_SCRIPT_LEASE] = ink_cache_lease_script,
    [INK_CACHE_SCRIPT_PUT] = ink_cache_put_script,
    [INK_CACHE_SCRIPT_MARK] = ink_cache_mark_script,
    [INK_CACHE_SCRIPT_TAKE] = ink_cache_take_script,
    [INK_CACHE_SCRIPT_SWEEP] = ink_cache_sweep_script,
};

void ink_cache_reply_free(redisReply **reply)
{
    if (*reply != NULL)
        freeReplyObject(*reply);
}

static bool wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = ink_deadline_left_ms(deadline, 60000);
        struct pollfd poll_fd = {.fd = fd, .events = events};
        ink_blocks();
        int ready = poll(&poll_fd, 1, (int)left);
        if (ready > 0)
            return true;
        if ((ready < 0 && errno != EINTR) || ink_now() >= deadline)
            return false;
    }
}

static bool socket_connected(int fd)
{
    int error = 0, on = 1;
    socklen_t size = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
        return false;
    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0;
}

static void add_words(struct ink_buf *request, int argc, const char *const *argv)
{
    size_t sizes[3];
    for (int i = 0; i < argc; i++)
        sizes[i] = strlen(argv[i]);
    ink_cache_add_command(request, argc, argv, sizes);
}

static void wipe(struct ink_buf *request)
{
    explicit_bzero(request->data, request->cap);
    ink_buf_release(request);
}

/* AUTH, SELECT, INFO and the SCRIPT LOADs in one round trip. */
static int add_greeting(struct ink_buf *request, const struct ink_cache_url *url)
{
    int count = INK_CACHE_N_SCRIPTS;
    if (url->user != NULL) {
        add_words(request, 3, (const char *[]){"AUTH", url->user, url->password});
        count++;
    } else if (url->password != NULL) {
        add_words(request, 2, (const char *[]){"AUTH", url->password});
        count++;
    }
    if (url->database != 0) {
        char database[16];
        snprintf(database, sizeof(database), "%d", url->database);
        add_words(request, 2, (const char *[]){"SELECT", database});
        count++;
    }
    add_words(request, 2, (const char *[]){"INFO", "server"});
    count++;
    for (size_t i = 0; i < INK_CACHE_N_SCRIPTS; i++)
        add_words(request, 3, (const char *[]){"SCRIPT", "LOAD", ink_cache_scripts[i]});
    return count;
}

/* A server may refuse to tell. */
static void take_run_id(struct ink_cache_conn *conn, const redisReply *info)
{
    const char *at = info->type == REDIS_REPLY_STRING ? strstr(info->str, "run_id:") : NULL;
    if (at != NULL)
        snprintf(conn->run_id, sizeof(conn->run_id), "%s", at + strlen("run_id:"));
}

static bool greet(struct ink_cache_conn *conn, const struct ink_cache_url *url, int64_t deadline)
{
    INK_CLEANUP(wipe) struct ink_buf request = INK_BUF_INIT;
    int count = add_greeting(&request, url);
    if (!ink_cache_conn_send(conn, &request, deadline))
        return false;
    for (int i = 1; i <= count; i++) {
        INK_REPLY *reply = ink_cache_conn_reply(conn, deadline);
        int script = i - 1 - (count - INK_CACHE_N_SCRIPTS);
        if (reply != NULL && script == -1) {
            take_run_id(conn, reply);
            continue;
        }
        if (reply == NULL || reply->type == REDIS_REPLY_ERROR)
            return false;
        if (script < 0)
            continue;
        if (reply->type != REDIS_REPLY_STRING || reply->len != sizeof(conn->scripts[0]) - 1)
            return false;
        memcpy(conn->scripts[script], reply->str, sizeof(conn->scripts[0]));
    }
    return true;
}

struct ink_cache_conn *ink_cache_conn_open(const struct ink_cache_url *url, int64_t deadline)
{
    struct ink_cache_conn *conn = ink_calloc(1, sizeof(*conn));
    conn->redis = redisConnectNonBlock(url->host, url->port);
    if (conn->redis != NULL && conn->redis->err == 0 &&
        wait_for(conn->redis->fd, POLLOUT, deadline) && socket_connected(conn->redis->fd) &&
        greet(conn, url, deadline))
        return conn;
    ink_cache_conn_close(conn);
    return NULL;
}

void ink_cache_conn_close(struct ink_cache_conn *conn)
{
    redisFree(conn->redis);
    free(conn);
}

/* Nothing is due on an idle connection: what can be read is its end. */
bool ink_cache_conn_alive(const struct ink_cache_conn *conn)
{
    struct pollfd fd = {.fd = conn->redis->fd, .events = POLLIN};
    return poll(&fd, 1, 0) == 0;
}

void ink_cache_add_command(struct ink_buf *request, int argc, const char *const *argv,
                           const size_t *sizes)
{
    ink_buf_printf(request, "*%d\r\n", argc);
    for (int i = 0; i < argc; i++) {
        ink_buf_printf(request, "$%zu\r\n", sizes[i]);
        ink_buf_append(request, argv[i], sizes[i]);
        ink_buf_puts(request, "\r\n");
    }
}

/* Not by hiredis, whose write() raises SIGPIPE when the server has gone. */
bool ink_cache_conn_send(struct ink_cache_conn *conn, const struct ink_buf *request,
                         int64_t deadline)
{
    for (size_t at = 0; at < request->len;) {
        ssize_t sent = send(conn->redis->fd, request->data + at, request->len - at, MSG_NOSIGNAL);
        if (sent > 0)
            at += (size_t)sent;
        else if (errno != EAGAIN && errno != EINTR)
            return false;
        else if (!wait_for(conn->redis->fd, POLLOUT, deadline))
            return false;
    }
    return true;
}

redisReply *ink_cache_conn_reply(struct ink_cache_conn *conn, int64_t deadline)
{
    for (;;) {
        void *reply = NULL;
        if (redisGetReplyFromReader(conn->redis, &reply) != REDIS_OK)
            return NULL;
        if (reply != NULL)
            return reply;
        if (!wait_for(conn->redis->fd, POLLIN, deadline) ||
            redisBufferRead(conn->redis) != REDIS_OK)
            return NULL;
    }
}
