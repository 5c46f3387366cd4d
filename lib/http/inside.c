/*
 * civetweb, compiled into one unit with the functions that need its inside: what its public
 * interface cannot do is to read a body within a deadline (mg_read waits until all of it is there),
 * to tell that a client has gone, to turn a connection away before it has a thread, to serve more
 * connections than there are threads, and to stop listening while requests are still being served.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sockios.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* How long to wait for a connection to end when no more can be accepted. */
#define BREATH_NS (10 * 1000 * 1000)

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/http/framing.h"
#include "lib/http/inside.h"
#include "lib/http/lobby.h"
#include "lib/ip/ip.h"

#define A_SECOND_MS 1000
/* How long a client may take nothing of an answer when threads are precious. */
#define HURRY_MS 3000

static _Thread_local const struct ink_mg_host *host;

void ink_mg_host(const struct ink_mg_host *mine)
{
    host = mine;
}

static int admit(int fd, const struct sockaddr *address)
{
    struct ink_ip ip = {0};
    (void)ink_ip_from_sockaddr(address, &ip);
    if (host->admit(host->self, fd, &ip))
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
struct socket;
static void accepted(struct mg_context *ctx, const struct socket *so);
static int next_guest(struct socket *so);
static int is_ready(struct mg_connection *conn);
static int resumes_tls(struct mg_connection *conn);
#define INK_HTTP_HEAD_SIZE(data, size) ink_http_head_size(data, (size_t)(size))
#define INK_HTTP_LINES_WHOLE(head, size) ink_http_lines_whole(head, (size_t)(size))
#define INK_HTTP_ACCEPTED(ctx, so) accepted(ctx, so)
#define INK_HTTP_NEXT(so) next_guest(so)
#define INK_HTTP_READY(conn) is_ready(conn)
#define INK_HTTP_RESUMES_TLS(conn) resumes_tls(conn)
#define accept patient_accept
#include "civetweb.c"
#include "lib/base/blocks.h"
#undef accept
#undef free /* it insists on its own */

/* A connection, with what it has to keep while it has no thread. */
struct guest {
    struct ink_guest waits; /* first, so that the lobby's guest is this one */
    struct ink_lobby *lobby;
    struct socket so;
    SSL *ssl;
    char *part; /* of a header */
    int part_size;
    int handled;          /* requests so far */
    bool came_back;       /* from the lobby, and its thread has not yet taken over the above */
    void *request;        /* that was detached and wants a thread; or NULL */
    bool unread;          /* there may be something to read that nobody was told of */
    int64_t waited;       /* in line for a thread, for what is read now */
    int64_t header_until; /* 0 before the first byte of a further request */
    int64_t linger_ms;    /* after the last answer */
};

static struct guest *guest_of(const struct mg_connection *conn)
{
    return conn->client.ink_guest;
}

static void accepted(struct mg_context *ctx, const struct socket *so)
{
    struct guest *guest = ink_calloc(1, sizeof(*guest));
    guest->lobby = host->lobby;
    guest->so = *so;
    guest->so.ink_guest = guest;
    guest->header_until = ink_now() + host->header_timeout_ms * INK_MILLISECOND;
    ink_lobby_enter(guest->lobby, &guest->waits, so->sock);
    if (!ink_lobby_wait(guest->lobby, &guest->waits, INK_LOBBY_QUIET, guest->header_until))
        host->drop(host->self, &guest->waits); /* the server stops */
}

static int next_guest(struct socket *so)
{
    struct guest *guest = (struct guest *)ink_lobby_next(host->lobby);
    if (guest == NULL)
        return false;
    guest->waited = ink_now() - guest->waits.lined_up;
    *so = guest->so;
    return true;
}

void ink_mg_close(struct ink_guest *waits)
{
    struct guest *guest = (struct guest *)waits;
    if (guest->ssl != NULL) {
        SSL_shutdown(guest->ssl);
        SSL_free(guest->ssl);
    }
    close(waits->fd);
}

void ink_mg_free(struct ink_guest *waits)
{
    struct guest *guest = (struct guest *)waits;
    free(guest->part);
    free(guest);
}

void ink_mg_guest_ip(const struct ink_guest *waits, struct ink_ip *ret_ip)
{
    const struct guest *guest = (const struct guest *)waits;
    memset(ret_ip, 0, sizeof(*ret_ip));
    (void)ink_ip_from_sockaddr(&guest->so.rsa.sa, ret_ip);
}

static int resumes_tls(struct mg_connection *conn)
{
    struct guest *guest = guest_of(conn);
    if (guest->ssl == NULL) {
        ink_blocks(); /* for the handshake */
        return 0;
    }
    conn->ssl = guest->ssl;
    guest->ssl = NULL;
    SSL_set_app_data(conn->ssl, (char *)conn);
    return 1;
}

/* What was kept while the connection had no thread. */
static void come_back(struct mg_connection *conn, struct guest *guest)
{
    guest->came_back = false;
    conn->handled_requests = guest->handled;
    if (guest->part_size > 0)
        memcpy(conn->buf, guest->part, (size_t)guest->part_size);
    conn->data_len = guest->part_size;
    free(guest->part);
    guest->part = NULL;
    guest->part_size = 0;
}

/* For those who count the connections that have a thread. */
static void step_out(struct mg_connection *conn)
{
    reset_per_request_attributes(conn);
    conn->phys_ctx->callbacks.connection_close(conn);
    mg_set_user_connection_data(conn, NULL);
}

/* The connection is none of this thread's any more. */
static void part(struct mg_connection *conn, int handled)
{
    struct guest *guest = guest_of(conn);
    guest->so = conn->client;
    guest->ssl = conn->ssl;
    guest->handled = handled;
    guest->came_back = true;
    conn->client.sock = INVALID_SOCKET;
    conn->client.ink_guest = NULL;
    conn->ssl = NULL;
    step_out(conn);
}

/* Gives the thread back. */
static void park(struct mg_connection *conn, enum ink_lobby_place place, int64_t until)
{
    struct guest *guest = guest_of(conn);
    if (conn->data_len > 0) {
        guest->part = ink_malloc((size_t)conn->data_len);
        memcpy(guest->part, conn->buf, (size_t)conn->data_len);
        guest->part_size = conn->data_len;
    }
    part(conn, conn->handled_requests);
    if (ink_lobby_wait(guest->lobby, &guest->waits, place, until))
        return;
    conn->client = guest->so;
    conn->ssl = guest->ssl;
    guest->ssl = NULL;
    close_connection(conn);
}

/* Whether get_request() will find all that it wants, or a reason to refuse. `added` bytes came. */
static bool has_header(const struct mg_connection *conn, int added)
{
    const char *end = conn->buf + conn->data_len;
    if (conn->data_len == conn->buf_size ||
        (conn->data_len >= 4 && memcmp(end - 4, "\r\n\r\n", 4) == 0))
        return true; /* as most do: nothing comes behind it */
    if (memchr(end - added, '\n', (size_t)added) == NULL)
        return false;
    return ink_http_head_size(conn->buf, (size_t)conn->data_len) != 0;
}

static void too_late(struct mg_connection *conn)
{
    reset_per_request_attributes(conn);
    mg_send_http_error(conn, 408, "%s", "late");
    close_connection(conn);
}

/* A request that was detached goes on here. Whether the connection does, too, when it is done. */
static bool goes_on(struct mg_connection *conn, struct guest *guest)
{
    void *request = guest->request;
    guest->request = NULL;
    if (host->resume(host->self, conn, request))
        return true;
    reset_per_request_attributes(conn);
    close_connection(conn);
    return false;
}

/* Reads what is there of a header. 0 when the connection is none of this thread's any more. */
static int is_ready(struct mg_connection *conn)
{
    struct guest *guest = guest_of(conn);
    bool kept = conn->handled_requests > 0;
    if (guest->came_back)
        come_back(conn, guest);
    else if (kept)
        guest->header_until = 0;
    if (kept || guest->request != NULL)
        guest->waited = 0;
    if (guest->request != NULL && !goes_on(conn, guest))
        return 0;
    int added = kept ? conn->data_len : 0; /* of a further request in the same packet, say */
    int64_t begun = ink_now();
    while (conn->data_len == 0 || !has_header(conn, added)) {
        if (conn->data_len > 0 && guest->header_until == 0)
            guest->header_until = begun + host->header_timeout_ms * INK_MILLISECOND;
        int got = ink_mg_receive(conn, conn->buf + conn->data_len,
                                 (size_t)(conn->buf_size - conn->data_len), 0);
        if (got < 0)
            return 1; /* as get_request() will see, too */
        added = got;
        conn->data_len += got;
        if (got > 0)
            continue;
        if (guest->header_until == 0)
            park(conn, INK_LOBBY_QUIET, begun + host->keep_alive_ms * INK_MILLISECOND);
        else if (conn->data_len == 0)
            park(conn, INK_LOBBY_QUIET, guest->header_until);
        else if (ink_now() < guest->header_until)
            park(conn, INK_LOBBY_HEADER, guest->header_until);
        else
            too_late(conn);
        return 0;
    }
    if (kept)
        ink_blocks(); /* who does not wait for its turn shares a processor with the others */
    return 1;
}

void ink_mg_head(const struct mg_connection *conn, const char **ret_begin, const char **ret_end)
{
    *ret_begin = conn->buf;
    *ret_end = conn->buf + (conn->request_len > 0 ? conn->request_len : 0);
}

bool ink_mg_has_nothing(const struct mg_connection *conn)
{
    return conn->data_len <= 2 && memcmp(conn->buf, "\r\n", (size_t)conn->data_len) == 0;
}

bool ink_mg_asks_for_head(const struct mg_connection *conn)
{
    int at = conn->data_len >= 2 && memcmp(conn->buf, "\r\n", 2) == 0 ? 2 : 0;
    if (conn->data_len < at + 5 || memcmp(conn->buf + at, "HEAD", 4) != 0)
        return false;
    return conn->buf[at + 4] == ' ' || conn->buf[at + 4] == '\0'; /* NUL when it was parsed */
}

bool ink_mg_buffer_full(const struct mg_connection *conn)
{
    return conn->data_len >= conn->buf_size;
}

bool ink_mg_line_too_long(const struct mg_connection *conn)
{
    return ink_mg_buffer_full(conn) && memchr(conn->buf + 2, '\n', (size_t)conn->data_len - 2) ==
                                           NULL; /* an empty line may lead */
}

bool ink_mg_knows_method(const char *method)
{
    return is_valid_http_method(method) != 0;
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

/* What is there: as pull_inner() without a time to wait, which asks poll(2) first. */
static int receive_now(struct mg_connection *conn, char *data, size_t size)
{
    ssize_t got = recv(conn->client.sock, data, size, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return got > 0 ? (int)got : -2;
}

int ink_mg_receive(struct mg_connection *conn, char *data, size_t size, int64_t timeout_ms)
{
    int len = size > (1 << 20) ? 1 << 20 : (int)size;
    if (timeout_ms > 0)
        ink_blocks();
    int got = timeout_ms == 0 && conn->ssl == NULL
                  ? receive_now(conn, data, (size_t)len)
                  : pull_inner(NULL, conn, data, len, (double)timeout_ms / 1000);
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

/* Sends a part of it: how much, 0 when nothing was taken in a second, -1 when the client has gone.
 */
static int send_part(struct mg_connection *conn, const char *data, size_t size)
{
    int len = size > (1 << 30) ? 1 << 30 : (int)size;
    if (conn->ssl == NULL) {
        ssize_t now = send(conn->client.sock, data, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (now > 0)
            return (int)now;
        if (now < 0 && errno != EAGAIN && errno != EINTR)
            return -1;
    }
    ink_blocks(); /* push_inner() waits */
    int sent = push_inner(conn->phys_ctx, NULL, conn->client.sock, conn->ssl, data, len,
                          (double)A_SECOND_MS / 1000);
    return sent == -1 ? 0 : sent > 0 ? sent : -1;
}

/* What the client's side has not yet confirmed of what was sent. The socket's buffer takes more
 * only when a third of it is free, so this is what shows a slow reader that reads. */
static int in_flight(const struct mg_connection *conn)
{
    int bytes = 0;
    return ioctl(conn->client.sock, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

bool ink_mg_send(struct mg_connection *conn, const char *data, size_t size, int64_t timeout_ms,
                 int64_t stalled_ms)
{
    int64_t now = ink_now(), taken = now;
    int64_t until = now + timeout_ms * INK_MILLISECOND;
    int before = 0;
    conn->request_state = 10;
    while (size > 0) {
        int sent = send_part(conn, data, size);
        if (sent < 0)
            return false;
        conn->num_bytes_sent += sent;
        data += sent;
        size -= (size_t)sent;
        if (size == 0)
            return true;
        now = ink_now();
        int left = in_flight(conn);
        if (sent > 0 || left < before)
            taken = now;
        before = left;
        int64_t patience = host->hurry(host->self) ? HURRY_MS : stalled_ms;
        if (patience > stalled_ms)
            patience = stalled_ms;
        if (now >= until || now - taken >= patience * INK_MILLISECOND)
            return false;
    }
    return true;
}

void ink_mg_peer(const struct mg_connection *conn, struct ink_ip *ret_ip)
{
    memset(ret_ip, 0, sizeof(*ret_ip));
    (void)ink_ip_from_sockaddr(&conn->client.rsa.sa, ret_ip);
}

int64_t ink_mg_waited(const struct mg_connection *conn)
{
    return guest_of(conn)->waited;
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

const struct ink_guest *ink_mg_guest(const struct mg_connection *conn)
{
    return &guest_of(conn)->waits;
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
    guest_of(conn)->linger_ms = timeout_ms;
}

void ink_mg_leave(struct mg_connection *conn)
{
    struct guest *guest = guest_of(conn);
    if (conn->client.sock == INVALID_SOCKET)
        return;
    ink_blocks(); /* for civetweb waits until the client closes */
    if (guest->linger_ms == 0)
        return;
    if (conn->ssl != NULL) {
        SSL_shutdown(conn->ssl);
        SSL_free(conn->ssl);
        conn->ssl = NULL;
    }
    shutdown(conn->client.sock, SHUT_WR);
    guest->so = conn->client;
    int64_t until = ink_now() + guest->linger_ms * INK_MILLISECOND;
    if (!ink_lobby_wait(guest->lobby, &guest->waits, INK_LOBBY_GOODBYE, until))
        return;
    conn->client.sock = INVALID_SOCKET;
    conn->client.ink_guest = NULL;
}

bool ink_mg_forget(struct mg_connection *conn)
{
    struct guest *guest = guest_of(conn);
    if (guest == NULL)
        return false;
    conn->client.ink_guest = NULL;
    ink_lobby_leave(guest->lobby, &guest->waits);
    return true;
}

static void set_thread_pointer(struct mg_connection *conn, void *pointer)
{
    struct mg_workerTLS *tls = pthread_getspecific(sTlsKey);
    tls->user_ptr = pointer;
    conn->tls_user_ptr = pointer;
}

/* Whether more came than the request, or may have: in the buffer. */
static bool has_more(const struct mg_connection *conn)
{
    return conn->data_len > conn->request_len + conn->consumed_content ||
           conn->data_len == conn->buf_size;
}

struct ink_guest *ink_mg_detach(struct mg_connection *conn, void *next_request)
{
    struct guest *guest = guest_of(conn);
    if (conn->ssl != NULL || has_more(conn) || !should_keep_alive(conn))
        return NULL;
    guest->header_until = 0;
    guest->unread = conn->consumed_content > 0;
    set_thread_pointer(conn, next_request);
    part(conn, conn->handled_requests + 1);
    conn->must_close = 1; /* civetweb's loop over the requests of a connection ends here */
    return &guest->waits;
}

bool ink_mg_resume(struct ink_guest *waits, void *request)
{
    struct guest *guest = (struct guest *)waits;
    guest->request = request;
    return ink_lobby_line_up(guest->lobby, waits);
}

bool ink_mg_wait(struct ink_guest *waits, int64_t until)
{
    struct guest *guest = (struct guest *)waits;
    if (guest->unread)
        return ink_lobby_line_up(guest->lobby, waits);
    return ink_lobby_wait(guest->lobby, waits, INK_LOBBY_QUIET, until);
}

ssize_t ink_mg_send_now(struct ink_guest *waits, const char *data, size_t size)
{
    ssize_t sent = send(waits->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : sent;
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
