/*
 * A small server on lib/http for http_test.py and tls_test.py: prints its port, serves until its
 * stdin ends, then drains and exits 0. Each line of stdin has it look for a new certificate and
 * print what came of it. Arguments: name=number settings, and cert=, key= for TLS. With detach=1
 * requests are detached where that is possible, and answered a moment later by other threads.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/blocks.h"
#include "lib/http/http.h"

static atomic_int streams_left; /* streams that found out that their client had gone */
static atomic_int counted;

static bool detaches;

static void echo(struct ink_http_request *request)
{
    const char *data, *detail;
    size_t size;
    int status = ink_http_read_body(request, &data, &size, &detail);
    if (status != 0) {
        ink_buf_puts(ink_http_body(request), detail);
        ink_http_reply(request, status, "text/plain");
        return;
    }
    ink_buf_append(ink_http_body(request), data, size);
    ink_http_reply(request, 200, "application/octet-stream");
}

static void info(struct ink_http_request *request)
{
    struct ink_buf *body = ink_http_body(request);
    const char *probe = ink_http_header(request, "x-probe");
    ink_buf_printf(body, "%s|%s|%s|%s|%s", ink_http_method(request), ink_http_path(request),
                   ink_http_query(request), probe == NULL ? "-" : probe, ink_http_remote(request));
    ink_http_set(request, "X-Injected", "a\r\nX-Evil: 1");
    ink_http_reply(request, 200, "text/plain");
}

static void big(struct ink_http_request *request, size_t size)
{
    memset(ink_buf_reserve(ink_http_body(request), size), 'x', size);
    ink_http_body(request)->len += size;
    ink_http_reply(request, 200, "text/plain");
}

static void stream(struct ink_http_request *request, int chunks, bool end)
{
    bool good = ink_http_stream_begin(request, 200, "text/plain");
    for (int i = 0; good && i < chunks; i++) {
        ink_buf_printf(ink_http_body(request), "line %d\n", i);
        good = ink_http_stream_flush(request);
    }
    if (good && end)
        ink_http_stream_end(request);
}

static void stream_until_gone(struct ink_http_request *request)
{
    (void)ink_http_stream_begin(request, 200, "text/plain");
    ink_buf_puts(ink_http_body(request), "hello\n");
    (void)ink_http_stream_flush(request);
    while (!ink_http_client_gone(request) &&
           !ink_http_server_draining(ink_http_request_server(request)))
        usleep(10000);
    atomic_fetch_add(&streams_left, 1);
}

static void answer(void *self, struct ink_http_request *request)
{
    const char *path = ink_http_path(request);
    (void)self;
    if (strcmp(path, "/echo") == 0) {
        echo(request);
    } else if (strcmp(path, "/big") == 0) {
        big(request, (size_t)atol(ink_http_query(request)));
    } else if (strcmp(path, "/stream") == 0) {
        stream(request, 3, true);
    } else if (strcmp(path, "/cut") == 0) {
        stream(request, 1, false);
    } else if (strcmp(path, "/until-gone") == 0) {
        stream_until_gone(request);
    } else if (strcmp(path, "/streams-left") == 0) {
        ink_buf_printf(ink_http_body(request), "%d", atomic_load(&streams_left));
        ink_http_reply(request, 200, "text/plain");
    } else if (strcmp(path, "/count") == 0) {
        ink_buf_printf(ink_http_body(request), "%d", atomic_fetch_add(&counted, 1) + 1);
        ink_http_reply(request, 200, "text/plain");
    } else if (strcmp(path, "/sleep") == 0) {
        usleep((useconds_t)atoi(ink_http_query(request)) * 1000);
        ink_http_reply(request, 204, NULL);
    } else if (strcmp(path, "/silent") != 0) {
        info(request);
    }
}

/* A request that was detached, and what its handler had read of it before. */
struct later {
    struct ink_http_request *request;
    const char *probe;
};

/* Every other one goes back to a thread of the server for that. */
static void *answer_later(void *self)
{
    static atomic_uint count;
    const struct later later = *(struct later *)self;
    struct ink_http_request *request = later.request;
    unsigned number = atomic_fetch_add(&count, 1);
    free(self);
    usleep(number % 3 * 1000);
    if (later.probe != NULL)
        ink_http_set(request, "X-Kept", later.probe);
    if (number % 2 == 0) {
        ink_http_resume(request, answer, NULL);
        return NULL;
    }
    answer(NULL, request);
    ink_http_finish(request);
    return NULL;
}

static bool streams(const char *path)
{
    return strcmp(path, "/stream") == 0 || strcmp(path, "/cut") == 0 ||
           strcmp(path, "/until-gone") == 0;
}

/* Waits until so many are here at the same time. */
static void meet(struct ink_http_request *request)
{
    static atomic_int arrived;
    int count = atoi(ink_http_query(request)),
        all = (atomic_fetch_add(&arrived, 1) / count + 1) * count;
    while (atomic_load(&arrived) < all)
        usleep(100);
    big(request, 1);
}

/* In place, without a word to the server. True when that is what the path asks for. */
static bool answers_now(struct ink_http_request *request)
{
    const char *path = ink_http_path(request);
    if (strcmp(path, "/now") == 0)
        big(request, (size_t)atol(ink_http_query(request)));
    else if (strcmp(path, "/meet") == 0)
        meet(request);
    else
        return false;
    return true;
}

static void handle(void *self, struct ink_http_request *request)
{
    pthread_t thread;
    const char *data, *detail;
    size_t size;
    struct later later = {request, ink_http_header(request, "X-Probe")};
    if (answers_now(request))
        return;
    if (!detaches || streams(ink_http_path(request)) ||
        (ink_http_has_body(request) && ink_http_read_body(request, &data, &size, &detail) != 0) ||
        !ink_http_detach(request)) {
        ink_blocks();
        answer(self, request);
        return;
    }
    struct later *kept = malloc(sizeof(*kept));
    *kept = later;
    if (pthread_create(&thread, NULL, answer_later, kept) != 0)
        abort();
    pthread_detach(thread);
}

static int64_t number(const char *argument, const char *name, int64_t otherwise)
{
    size_t size = strlen(name);
    if (strncmp(argument, name, size) == 0 && argument[size] == '=')
        return atoll(argument + size + 1);
    return otherwise;
}

static bool is_spared(void *self, const struct ink_ip *ip)
{
    char text[INK_IP_TEXT];
    ink_ip_text(ip, text);
    return strcmp(self, text) == 0;
}

static void reload(struct ink_http_server *server, struct ink_arena *arena)
{
    struct ink_tls_state state;
    struct ink_status status = ink_http_server_reload(server, arena, &state);
    puts(!ink_is_ok(status) ? status.message : state.changed ? "changed" : "unchanged");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct ink_http_options options = {.address = "127.0.0.1:0",
                                       .threads = 32,
                                       .handler = handle,
                                       .spare = is_spared,
                                       .spare_self = ""};
    for (int i = 1; i < argc; i++) {
        options.threads = (unsigned)number(argv[i], "threads", options.threads);
        options.keep_alive_ms = number(argv[i], "keep_alive", options.keep_alive_ms);
        options.header_timeout_ms = number(argv[i], "header", options.header_timeout_ms);
        options.request_timeout_ms = number(argv[i], "request", options.request_timeout_ms);
        options.max_body_bytes = (size_t)number(argv[i], "body", (int64_t)options.max_body_bytes);
        options.max_per_address = (unsigned)number(argv[i], "per_address", options.max_per_address);
        options.max_answers_bytes =
            (size_t)number(argv[i], "answers", (int64_t)options.max_answers_bytes);
        options.max_waiting = (unsigned)number(argv[i], "max_waiting", options.max_waiting);
        options.max_bodies_bytes =
            (size_t)number(argv[i], "bodies", (int64_t)options.max_bodies_bytes);
        detaches = number(argv[i], "detach", detaches) != 0;
        options.cooperative = detaches;
        if (strncmp(argv[i], "spared=", 7) == 0)
            options.spare_self = argv[i] + 7;
        if (strncmp(argv[i], "cert=", 5) == 0)
            options.tls_cert_file = argv[i] + 5;
        if (strncmp(argv[i], "key=", 4) == 0)
            options.tls_key_file = argv[i] + 4;
        if (strncmp(argv[i], "address=", 8) == 0)
            options.address = argv[i] + 8;
    }
    struct ink_arena arena;
    struct ink_http_server *server;
    ink_arena_init(&arena);
    struct ink_status status = ink_http_server_new(&options, &arena, &server);
    if (!ink_is_ok(status)) {
        printf("%s: %s (%s)\n", ink_code_name(status.code), status.message,
               status.cause == NULL ? "" : status.cause);
        ink_arena_release(&arena);
        return 1;
    }
    printf("%d\n", ink_http_server_port(server));
    fflush(stdout);
    for (int c; (c = getchar()) != EOF;)
        if (c == '\n')
            reload(server, &arena);
    ink_http_server_stop(server, 5000);
    ink_http_server_free(server);
    ink_arena_release(&arena);
    return 0;
}
