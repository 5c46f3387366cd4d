/*
 * Starting and stopping, and what civetweb calls: a request goes through the framing checks, then
 * to the handler.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/blocks.h"
#include "lib/http/internal.h"

/* How long a client gets to read the last answer, when it did not ask for the end: what it sends
 * meanwhile would otherwise reset the connection, and take away what is still on its way. */
#define LINGER_MS 1000

/* After so long in line it is worth looking whether a request's client is still there. */
#define LOOK_AFTER (100 * INK_MILLISECOND)

#ifdef __SANITIZE_THREAD__
/* civetweb's thread that accepts closes the listeners once it has seen the stop flag, a plain
 * volatile int; so it does come after ink_mg_stop_listening(). */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:close_all_listening_sockets\n";
}
#endif

/* Unless options say otherwise, how many connections may wait without a thread, for each thread;
 * and of the descriptors that the process may have. */
#define WAITING_PER_THREAD 8
#define WAITING_DESCRIPTORS(limit) ((limit) / 2)
/* Blocks of memory from this size on go back to the system when they are freed. */
#define LARGE_BLOCK (256 * 1024)

static struct ink_http_server *server_of(const struct mg_connection *conn)
{
    return mg_get_user_data(mg_get_context(conn));
}

#define TURNED_AWAY(status)                                                                        \
    "HTTP/1.1 " status "\r\n"                                                                      \
    "Content-Length: 0\r\n"                                                                        \
    "Retry-After: 1\r\n"                                                                           \
    "Connection: close\r\n\r\n"

/* Over TLS there is nothing to say it with. */
static bool turn_away(const struct ink_http_server *server, int fd, const char *answer)
{
    if (server->options.tls_cert_file == NULL)
        (void)send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
    return false;
}

/* Whether as many requests are in line and under way as may be. */
static bool line_is_full(const struct ink_http_server *server)
{
    return ink_lobby_busy(server->lobby) >= server->options.max_waiting + server->options.threads;
}

/* Room for another connection, and of this address? Said by the thread that accepts, before the
 * connection has a thread of its own, so that nobody can keep the threads busy with it. */
static bool admit(void *self, int fd, const struct ink_ip *ip)
{
    struct ink_http_server *server = self;
    const struct ink_http_options *options = &server->options;
    if (line_is_full(server)) {
        atomic_fetch_add(&server->shed, 1);
        return turn_away(server, fd, TURNED_AWAY("503 Service Unavailable"));
    }
    bool spared = options->spare != NULL && options->spare(options->spare_self, ip);
    if (ink_http_shares_enter(server->shares, ip, spared))
        return true;
    return turn_away(server, fd, TURNED_AWAY("429 Too Many Requests"));
}

static bool threads_are_short(void *self)
{
    const struct ink_http_server *server = self;
    return atomic_load(&server->busy) > server->options.threads / 2;
}

/* civetweb's types: 0 is the thread that accepts, 1 serves connections. */
static void *thread_begins(const struct mg_context *ctx, int type)
{
    struct ink_http_server *server = mg_get_user_data(ctx);
    ink_mg_host(&server->host);
    return type == 1 ? request_new(server) : NULL;
}

static void thread_ends(const struct mg_context *ctx, int type, void *request)
{
    (void)ctx;
    if (type == 1)
        request_free(request);
}

static int connection_begins(const struct mg_connection *conn, void **conn_data)
{
    atomic_fetch_add(&server_of(conn)->busy, 1);
    *conn_data = server_of(conn);
    struct ink_http_request *request = mg_get_thread_pointer(conn);
    request->unparsed = false;
    return 0;
}

void request_finish(struct ink_http_request *request)
{
    if (request->state == REPLY_NONE) {
        ink_http_body_clear(request);
        ink_buf_clear(&request->lines);
        request_refuse(request, 500, "The request was not answered.");
    }
    if (request->conn == NULL)
        return;
    if (request->state != REPLY_DONE) {
        mg_disable_connection_keep_alive(request->conn);
    } else if (request->surprises || (request->close && ink_http_has_body(request) &&
                                      (!request->body_read || request->body_status != 0))) {
        ink_mg_linger(request->conn, LINGER_MS);
    }
}

/* Its client has given up, or soon will: work on it would be for nothing, and make those behind it
 * wait longer. Who waited, and has closed its side, is taken for one that has gone. */
static bool comes_too_late(struct ink_http_request *request)
{
    struct ink_http_server *server = request->server;
    if (request->waited > LOOK_AFTER && ink_http_client_gone(request)) {
        request_refuse(request, 499, "The client has gone.");
        return true;
    }
    if (request->waited < server->options.line_timeout_ms * INK_MILLISECOND)
        return false;
    atomic_fetch_add(&server->shed, 1);
    request_refuse(request, 503, "There is more to do than can be done at once; try again later.");
    return true;
}

static int request_arrives(struct mg_connection *conn)
{
    struct ink_http_request *request = mg_get_thread_pointer(conn);
    struct ink_http_server *server = request->server;
    atomic_fetch_add(&server->active, 1);
    request_begin(request, conn);
    ink_mg_take_body(conn);
    if (!server->options.cooperative)
        ink_blocks();
    if (!request_take_head(request))
        ink_mg_linger(conn, LINGER_MS);
    else if (!comes_too_late(request) && !reply_is_barred(request))
        server->options.handler(server->options.self, request);
    if (mg_get_thread_pointer(conn) != request)
        return 200; /* it was detached, and is none of ours any more; civetweb asks for a number */
    request_finish(request);
    int status = request->status;
    request_end(request);
    atomic_fetch_sub(&server->active, 1);
    return status;
}

/* Whether civetweb parsed a request and then gave it to nobody. */
static bool has_unanswered(const struct mg_connection *conn)
{
    const struct mg_request_info *info = mg_get_request_info(conn);
    const struct ink_http_request *request = mg_get_thread_pointer(conn);
    return !request->unparsed && info->request_method != NULL && info->request_uri != NULL &&
           info->local_uri_raw == NULL;
}

/* A connection ends, or its thread is given back. Requests for `*` and for URIs with another name
 * or port than civetweb thinks is ours are answered here: it closes the connection without a word.
 */
static void connection_ends(const struct mg_connection *conn)
{
    /* A connection whose TLS handshake failed ends without having begun. */
    if (mg_get_user_connection_data(conn) == NULL)
        return;
    if (has_unanswered(conn))
        (void)request_arrives((struct mg_connection *)conn);
    ink_mg_leave((struct mg_connection *)conn);
    atomic_fetch_sub(&server_of(conn)->busy, 1);
}

/* Also for connections whose TLS handshake failed. */
static void connection_ended(const struct mg_connection *conn)
{
    struct ink_ip peer;
    ink_mg_peer(conn, &peer);
    if (ink_mg_forget((struct mg_connection *)conn))
        ink_http_shares_leave(server_of(conn)->shares, &peer);
}

/* The lobby's. */
static void guest_is_discarded(void *self, struct ink_guest *guest)
{
    struct ink_http_server *server = self;
    struct ink_ip ip;
    ink_mg_guest_ip(guest, &ip);
    ink_mg_close(guest);
    ink_http_shares_leave(server->shares, &ip);
}

static void guest_is_freed(void *self, struct ink_guest *guest)
{
    (void)self;
    ink_mg_free(guest);
}

void guest_drop(struct ink_http_server *server, struct ink_guest *guest)
{
    guest_is_discarded(server, guest);
    ink_lobby_leave(server->lobby, guest);
}

static void drop(void *self, struct ink_guest *guest)
{
    guest_drop(self, guest);
}

/* Whether the method was the reason: then "HTTP/" has been cut off by now. */
static bool is_unknown_method(const struct mg_request_info *info)
{
    return info->request_method != NULL && info->http_version != NULL &&
           info->http_version[-1] == '/' && ink_http_is_token(info->request_method) &&
           !ink_mg_knows_method(info->request_method);
}

/* Why civetweb could not make a request of what came, if there is more to say than that. */
static int explain_parsed(struct ink_http_request *request, const char **ret_detail)
{
    const struct mg_request_info *info = request->info;
    struct ink_http_framing framing;
    struct ink_http_head head;
    bool connects = info->request_method != NULL && strcmp(info->request_method, "CONNECT") == 0;
    if (is_unknown_method(info) && strncmp(info->http_version, "1.", 2) != 0)
        return 505;
    if (is_unknown_method(info) || connects) {
        *ret_detail = "The method is not known.";
        return 501;
    }
    if (info->request_method == NULL || info->num_headers <= 0 ||
        !request_take_fields(request, &head))
        return 0;
    return ink_http_frame(&head, request->server->options.max_body_bytes, &framing, ret_detail);
}

/* The status and the sentence to answer with. */
static int explain(struct ink_http_request *request, int status, const char **ret_detail)
{
    if (status == 408) {
        *ret_detail = "The request header did not arrive in time.";
        return 408;
    }
    if (request->info->request_method == NULL && ink_mg_buffer_full(request->conn)) {
        bool line = ink_mg_line_too_long(request->conn);
        *ret_detail = line ? "The request target is longer than 8 KiB."
                           : "The request header is longer than 16 KiB.";
        return line ? 414 : 431;
    }
    if (status != 505)
        status = explain_parsed(request, ret_detail);
    if (status == 505)
        *ret_detail = "Only HTTP/1.1 and HTTP/1.0 are spoken here.";
    return status == 0 ? 400 : status;
}

static int unparsed_arrives(struct mg_connection *conn, int status, const char *message)
{
    struct ink_http_request *request = mg_get_thread_pointer(conn);
    const char *detail = "The request is malformed.";
    (void)message;
    request->unparsed = true;
    if (ink_mg_has_nothing(conn))
        return 0; /* nobody asked, and the client may take an answer for that to its next request */
    atomic_fetch_add(&request->server->active, 1);
    request_begin(request, conn);
    request_see_head(request);
    status = explain(request, status, &detail);
    request_refuse(request, status, detail);
    ink_mg_linger(conn, LINGER_MS);
    request_end(request);
    atomic_fetch_sub(&request->server->active, 1);
    return 0;
}

/* The server that this thread is starting. */
static _Thread_local struct ink_http_server *starting;

/* What civetweb says of a start that fails is kept; the rest is dropped. */
static int take_message(const struct mg_connection *conn, const char *message)
{
    (void)conn;
    if (starting != NULL && starting->start_error[0] == '\0')
        snprintf(starting->start_error, sizeof(starting->start_error), "%s", message);
    return 1;
}

static const struct mg_callbacks callbacks = {
    .begin_request = request_arrives,
    .http_error = unparsed_arrives,
    .init_thread = thread_begins,
    .exit_thread = thread_ends,
    .init_connection = connection_begins,
    .connection_close = connection_ends,
    .connection_closed = connection_ended,
    .log_message = take_message,
    .init_ssl = tls_setup,
};

static unsigned most_waiting(unsigned threads)
{
    struct rlimit files;
    unsigned most = threads * WAITING_PER_THREAD;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY &&
        WAITING_DESCRIPTORS(files.rlim_cur) < most)
        most = (unsigned)WAITING_DESCRIPTORS(files.rlim_cur);
    return most;
}

static void fill_in(struct ink_http_options *options)
{
    if (options->threads == 0)
        options->threads = 512;
    if (options->keep_alive_ms == 0)
        options->keep_alive_ms = 2000;
    if (options->header_timeout_ms == 0)
        options->header_timeout_ms = 10000;
    if (options->line_timeout_ms == 0)
        options->line_timeout_ms = 2000;
    if (options->request_timeout_ms == 0)
        options->request_timeout_ms = 30000;
    if (options->max_body_bytes == 0)
        options->max_body_bytes = 4 * 1024 * 1024;
    if (options->max_bodies_bytes == 0)
        options->max_bodies_bytes = 128 * 1024 * 1024;
    if (options->max_answers_bytes == 0)
        options->max_answers_bytes = 256 * 1024 * 1024;
    if (options->max_waiting == 0)
        options->max_waiting = most_waiting(options->threads);
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : ink_strdup(text);
}

/* Whatever the settings, one address can send the longest body, if nobody else does. */
static struct ink_http_shares *make_shares(const struct ink_http_options *options)
{
    size_t longest = options->max_body_bytes + BODY_STEP; /* it is taken in steps */
    size_t all = options->max_bodies_bytes, each = all / 4;
    const struct ink_http_memory_limits limits[] = {
        [INK_HTTP_BODIES] = {all < longest ? longest : all, each < longest ? longest : each},
        [INK_HTTP_ANSWERS] = {options->max_answers_bytes, options->max_answers_bytes / 4},
    };
    return ink_http_shares_new(options->max_per_address, limits);
}

static struct ink_http_server *server_new(const struct ink_http_options *options)
{
    struct ink_http_server *server = ink_calloc(1, sizeof(*server));
    server->options = *options;
    server->options.address = copy(options->address);
    server->options.tls_cert_file = copy(options->tls_cert_file);
    server->options.tls_key_file = copy(options->tls_key_file);
    fill_in(&server->options);
    server->shares = make_shares(&server->options);
    pthread_mutex_init(&server->spare_lock, NULL);
    server->lobby = ink_lobby_new(&(struct ink_lobby_options){.most = server->options.max_waiting,
                                                              .discard = guest_is_discarded,
                                                              .free = guest_is_freed,
                                                              .self = server});
    server->host = (struct ink_mg_host){.lobby = server->lobby,
                                        .admit = admit,
                                        .hurry = threads_are_short,
                                        .drop = drop,
                                        .resume = request_resumes,
                                        .self = server,
                                        .header_timeout_ms = server->options.header_timeout_ms,
                                        .keep_alive_ms = server->options.keep_alive_ms};
    return server;
}

static void server_release(struct ink_http_server *server)
{
    ink_lobby_free(server->lobby);
    request_free_spares(server);
    pthread_mutex_destroy(&server->spare_lock);
    ink_http_shares_free(server->shares);
    free((char *)server->options.address);
    free((char *)server->options.tls_cert_file);
    free((char *)server->options.tls_key_file);
    tls_release(server);
    free(server);
}

static struct mg_context *start(struct ink_http_server *server, char *error, size_t error_size)
{
    const struct ink_http_options *o = &server->options;
    char ports[300], threads[16], header_timeout[24], keep_alive[24];
    snprintf(ports, sizeof(ports), "%s%s", o->address, o->tls_cert_file == NULL ? "" : "s");
    snprintf(threads, sizeof(threads), "%u", o->threads);
    snprintf(header_timeout, sizeof(header_timeout), "%lld", (long long)o->header_timeout_ms);
    snprintf(keep_alive, sizeof(keep_alive), "%lld", (long long)o->keep_alive_ms);
    const char *config[] = {
        "listening_ports",
        ports,
        "num_threads",
        threads,
        "request_timeout_ms",
        header_timeout,
        "keep_alive_timeout_ms",
        keep_alive,
        "enable_keep_alive",
        "yes",
        "tcp_nodelay",
        "1",
        "decode_url",
        "no",
        "enable_auth_domain_check",
        "no",
        "listen_backlog",
        "1024",
        "ssl_protocol_version",
        "4",
        NULL,
    };
    struct mg_init_data init = {&callbacks, server, config};
    struct mg_error_data problem = {NULL, error, error_size};
    starting = server;
    struct mg_context *ctx = mg_start2(&init, &problem);
    starting = NULL;
    return ctx;
}

static struct ink_status check_options(const struct ink_http_options *options,
                                       struct ink_arena *arena)
{
    if (options->address == NULL || strchr(options->address, ':') == NULL ||
        strlen(options->address) > 255 || strpbrk(options->address, ", ") != NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT,
                          "address \"%s\" is not of the form host:port",
                          options->address == NULL ? "" : options->address);
    return ink_ok();
}

struct ink_status ink_http_server_new(const struct ink_http_options *options,
                                      struct ink_arena *arena, struct ink_http_server **ret_server)
{
    char error[256] = "";
    struct ink_status status = check_options(options, arena);
    if (!ink_is_ok(status))
        return status;
    struct ink_http_server *server = server_new(options);
    if (server->lobby == NULL)
        status = ink_error(INK_UNAVAILABLE, "no descriptor or thread is left to serve HTTP with");
    else
        status = tls_init(server, arena);
    if (!ink_is_ok(status)) {
        server_release(server);
        return status;
    }
    (void)mg_init_library(MG_FEATURES_TLS);
    /* Otherwise glibc takes the first large answer for a sign that it should keep such blocks, in
     * each of its arenas. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    struct mg_context *ctx = start(server, error, sizeof(error));
    if (ctx == NULL) {
        status = ink_error_cause(arena, INK_UNAVAILABLE, "the HTTP server cannot be started",
                                 "%s: %s %s", options->address, error, server->start_error);
        status.message = ink_arena_printf(arena, "cannot serve HTTP at %s", options->address);
        server_release(server);
        (void)mg_exit_library();
        return status;
    }
    struct mg_server_port port;
    if (mg_get_server_ports(ctx, 1, &port) == 1)
        server->port = port.port;
    server->ctx = ctx;
    *ret_server = server;
    return ink_ok();
}

int ink_http_server_port(const struct ink_http_server *server)
{
    return server->port;
}

unsigned ink_http_server_active(const struct ink_http_server *server)
{
    return atomic_load(&server->active);
}

unsigned ink_http_server_connections(const struct ink_http_server *server)
{
    return ink_lobby_guests(server->lobby);
}

unsigned ink_http_server_waiting(const struct ink_http_server *server)
{
    return ink_lobby_waiting(server->lobby);
}

unsigned long ink_http_server_refused(const struct ink_http_server *server)
{
    return ink_http_shares_refused(server->shares);
}

unsigned long ink_http_server_shed(const struct ink_http_server *server)
{
    return atomic_load(&server->shed);
}

size_t ink_http_server_body_bytes(const struct ink_http_server *server)
{
    return ink_http_shares_bytes(server->shares, INK_HTTP_BODIES);
}

size_t ink_http_server_answer_bytes(const struct ink_http_server *server)
{
    return ink_http_shares_bytes(server->shares, INK_HTTP_ANSWERS);
}

void ink_http_server_drain(struct ink_http_server *server)
{
    atomic_store(&server->draining, true);
}

bool ink_http_server_draining(const struct ink_http_server *server)
{
    return atomic_load(&server->draining);
}

/* Waits until no connection is left; or, once idle ones had the time in which they are kept open,
 * no request. */
static void wait_until_quiet(struct ink_http_server *server, int64_t grace_ms)
{
    int64_t begin = ink_now();
    int64_t idle_until = begin + (server->options.keep_alive_ms + 100) * INK_MILLISECOND;
    int64_t until = begin + grace_ms * INK_MILLISECOND;
    /* A connection that was accepted just now is not yet counted. */
    int64_t settled = begin + 50 * INK_MILLISECOND;
    for (int64_t now = begin; now < until; now = ink_now()) {
        if (ink_lobby_guests(server->lobby) == 0 && now >= settled)
            return;
        if (atomic_load(&server->active) == 0 && now >= idle_until)
            return;
        usleep(5000);
    }
}

void ink_http_server_stop(struct ink_http_server *server, int64_t grace_ms)
{
    if (server == NULL || server->ctx == NULL)
        return;
    ink_http_server_drain(server);
    ink_mg_stop_listening(server->ctx);
    wait_until_quiet(server, grace_ms);
    if (server->options.give_up != NULL)
        server->options.give_up(server->options.self);
    ink_lobby_stop(server->lobby);
    mg_stop(server->ctx);
    server->ctx = NULL;
    while (atomic_load(&server->detached) > 0)
        usleep(1000);
}

void ink_http_server_free(struct ink_http_server *server)
{
    if (server == NULL)
        return;
    ink_http_server_stop(server, 0);
    server_release(server);
    (void)mg_exit_library();
}
