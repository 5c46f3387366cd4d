/*
 * civetweb, compiled into one unit with the few functions that need its inside: what its public
 * interface cannot do is to read a body within a deadline (mg_read waits until all of it is there),
 * to tell that a client has gone, to turn a connection away before it has a thread, and to stop
 * listening while requests are still being served.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* How long to wait for a connection to end when no more can be accepted. */
#define BREATH_NS (10 * 1000 * 1000)

#include "lib/http/framing.h"
#include "lib/http/inside.h"
#include "lib/ip/ip.h"

static _Thread_local ink_mg_admit_fn *admit_fn;
static _Thread_local void *admit_self;

void ink_mg_admit_by(ink_mg_admit_fn *admit, void *self)
{
    admit_fn = admit;
    admit_self = self;
}

static int admit(int fd, const struct sockaddr *address)
{
    struct ink_ip ip = {0};
    (void)ink_ip_from_sockaddr(address, &ip);
    if (admit_fn == NULL || admit_fn(admit_self, fd, &ip))
        return fd;
    close(fd);
    errno = ECONNABORTED;
    return -1;
}

/* accept(2), which civetweb calls again at once when there are no descriptors left: it would burn a
 * processor until there are. */
static int patient_accept(int sock, struct sockaddr *address, socklen_t *size)
{
    int accepted = accept(sock, address, size);
    int problem = errno;
    if (accepted < 0 && (problem == EMFILE || problem == ENFILE || problem == ENOMEM)) {
        struct timespec breath = {.tv_nsec = BREATH_NS};
        nanosleep(&breath, NULL);
    }
    errno = problem;
    return accepted < 0 ? -1 : admit(accepted, address);
}

/* What bazel/civetweb.patch asks. */
#define INK_HTTP_LINES_WHOLE(head, size) ink_http_lines_whole(head, (size_t)(size))
#define accept patient_accept
#include "civetweb.c"
#undef accept

void ink_mg_head(const struct mg_connection *conn, const char **ret_begin, const char **ret_end)
{
    *ret_begin = conn->buf;
    *ret_end = conn->buf + (conn->request_len > 0 ? conn->request_len : 0);
}

bool ink_mg_buffer_full(const struct mg_connection *conn)
{
    return conn->data_len >= conn->buf_size;
}

int64_t ink_mg_waited_ms(const struct mg_connection *conn)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)(mg_difftimespec(&now, &conn->req_time) * 1000);
}

void ink_mg_take_body(struct mg_connection *conn)
{
    conn->is_chunked = 0;
    conn->content_len = 0;
    conn->consumed_content = 0;
}

size_t ink_mg_buffered(const struct mg_connection *conn, const char **ret_data)
{
    int begin = conn->request_len + (int)conn->consumed_content;
    *ret_data = conn->buf + begin;
    return (size_t)(conn->data_len - begin);
}

void ink_mg_consume(struct mg_connection *conn, size_t size)
{
    conn->consumed_content += (int64_t)size;
    conn->content_len = conn->consumed_content;
}

int ink_mg_receive(struct mg_connection *conn, char *data, size_t size, int64_t timeout_ms)
{
    int len = size > (1 << 20) ? 1 << 20 : (int)size;
    int got = pull_inner(NULL, conn, data, len, (double)timeout_ms / 1000);
    if (got > 0)
        return got;
    return got == -2 ? -1 : 0;
}

int ink_mg_fill(struct mg_connection *conn, int64_t timeout_ms)
{
    if (conn->data_len == conn->buf_size) {
        const char *rest;
        size_t size = ink_mg_buffered(conn, &rest);
        memmove(conn->buf + conn->request_len, rest, size);
        conn->data_len = conn->request_len + (int)size;
        conn->consumed_content = 0;
        conn->content_len = 0;
    }
    if (conn->data_len == conn->buf_size)
        return -1;
    int got = ink_mg_receive(conn, conn->buf + conn->data_len,
                             (size_t)(conn->buf_size - conn->data_len), timeout_ms);
    if (got > 0)
        conn->data_len += got;
    return got;
}

bool ink_mg_send(struct mg_connection *conn, const char *data, size_t size, int64_t timeout_ms)
{
    uint64_t until = mg_get_current_time_ns() + (uint64_t)timeout_ms * 1000000;
    conn->request_state = 10;
    while (size > 0) {
        uint64_t now = mg_get_current_time_ns();
        if (now >= until)
            return false;
        int len = size > (1 << 30) ? 1 << 30 : (int)size;
        int sent = push_inner(conn->phys_ctx, NULL, conn->client.sock, conn->ssl, data, len,
                              (double)(until - now) / 1e9);
        if (sent <= 0)
            return false;
        conn->num_bytes_sent += sent;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

void ink_mg_peer(const struct mg_connection *conn, struct ink_ip *ret_ip)
{
    memset(ret_ip, 0, sizeof(*ret_ip));
    (void)ink_ip_from_sockaddr(&conn->client.rsa.sa, ret_ip);
}

bool ink_mg_keeps_alive(const struct mg_connection *conn)
{
    return should_keep_alive(conn) != 0;
}

bool ink_mg_gone(const struct mg_connection *conn)
{
    struct pollfd fd = {.fd = conn->client.sock, .events = POLLRDHUP};
    return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void ink_mg_watch_peer(struct mg_connection *conn)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 15}, /* s */
        {IPPROTO_TCP, TCP_KEEPINTVL, 5}, /* s */
        {IPPROTO_TCP, TCP_KEEPCNT, 3},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, 30000}, /* ms that what was sent may stay unanswered */
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
        (void)setsockopt(conn->client.sock, options[i].level, options[i].name, &options[i].value,
                         sizeof(options[i].value));
}

void ink_mg_linger(struct mg_connection *conn, int64_t timeout_ms)
{
    char waste[4096];
    uint64_t until = mg_get_current_time_ns() + (uint64_t)timeout_ms * 1000000;
    if (conn->ssl == NULL)
        shutdown(conn->client.sock, SHUT_WR);
    for (uint64_t now; (now = mg_get_current_time_ns()) < until;) {
        int64_t left = (int64_t)((until - now) / 1000000) + 1;
        if (ink_mg_receive(conn, waste, sizeof(waste), left) < 0)
            return;
    }
}

/* In the place of each listening socket comes a descriptor that never has anything to read: the
 * thread that accepts goes on waiting, and closes it in the end as if nothing had happened. */
void ink_mg_stop_listening(struct mg_context *ctx)
{
    int nothing = eventfd(0, EFD_CLOEXEC);
    for (unsigned i = 0; i < ctx->num_listening_sockets; i++) {
        shutdown(ctx->listening_sockets[i].sock, SHUT_RDWR);
        if (nothing >= 0)
            dup3(nothing, ctx->listening_sockets[i].sock, O_CLOEXEC);
    }
    if (nothing >= 0)
        close(nothing);
}
