#include "lib/rpc/server.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/alloc.h"
#include "lib/base/cond.h"
#include "lib/rpc/server_internal.h"

#define DEFAULT_WORKERS 8
#define DEFAULT_STREAMS 256
#define DEFAULT_MESSAGE_BYTES (4 * 1024 * 1024)
#define DEFAULT_DEADLINE_MS 60000
#define DEFAULT_CALLS 4096
#define DEFAULT_CONNECTION_CALLS 1024
#define DEFAULT_BUFFER_BYTES ((size_t)128 * 1024 * 1024)
#define DEFAULT_IDLE_MS 300000
/* Clients that watch our health get this long to go elsewhere before new calls are refused. */
#define LEAVE_MS 500
/* For a new connection to say that it speaks HTTP/2; the C core would wait for two minutes. */
#define HANDSHAKE_TIMEOUT_MS 10000
/* How often late calls and floods are looked for. */
#define SWEEP_INTERVAL (1 * INK_SECOND)
#define FLOOD_INTERVAL (25 * INK_MILLISECOND)

static grpc_arg integer(const char *key, int value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

/* One quota for all connections of the server. It is the last resort: where it is used up, the C
 * core ends connections and calls whosever they are. Before that flood.h ends whose fault it is. */
static grpc_arg buffer_quota(grpc_resource_quota *quota)
{
    return (grpc_arg){.type = GRPC_ARG_POINTER,
                      .key = (char *)GRPC_ARG_RESOURCE_QUOTA,
                      .value.pointer = {.p = quota, .vtable = grpc_resource_quota_arg_vtable()}};
}

static grpc_server *make_grpc_server(const struct ink_rpc_server_options *options)
{
    grpc_resource_quota *quota = grpc_resource_quota_create("inkmesh");
    grpc_resource_quota_resize(quota, 2 * options->max_buffer_bytes);
    grpc_arg args[] = {
        integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)options->max_message_bytes),
        ink_wire_no_decompression(),
        integer(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, HANDSHAKE_TIMEOUT_MS),
        /* A second server on the same port is a mistake that must show. */
        integer(GRPC_ARG_ALLOW_REUSEPORT, 0),
        integer(GRPC_ARG_ENABLE_CHANNELZ, 0),
        integer(GRPC_ARG_KEEPALIVE_TIME_MS, 30000),
        integer(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000),
        integer(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        integer(GRPC_ARG_MAX_CONCURRENT_STREAMS, (int)options->max_connection_calls),
        integer(GRPC_ARG_MAX_METADATA_SIZE, METADATA_BYTES),
        integer(GRPC_ARG_MAX_CONNECTION_IDLE_MS, (int)options->max_idle_ms),
        /* Pings are answered, however many; a client that does not read the answers is not read any
         * more. To refuse them costs the C core (1.51) 6 KB each, 60 MB a connection. */
        integer(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0),
        buffer_quota(quota),
    };
    grpc_channel_args all = {.num_args = INK_COUNT(args), .args = args};
    grpc_server *server = grpc_server_create(&all, NULL);
    grpc_resource_quota_unref(quota);
    return server;
}

static void set_defaults(struct ink_rpc_server_options *options)
{
    if (options->workers == 0)
        options->workers = DEFAULT_WORKERS;
    if (options->max_streams == 0)
        options->max_streams = DEFAULT_STREAMS;
    if (options->max_message_bytes == 0)
        options->max_message_bytes = DEFAULT_MESSAGE_BYTES;
    if (options->max_deadline_ms == 0)
        options->max_deadline_ms = DEFAULT_DEADLINE_MS;
    if (options->max_calls == 0)
        options->max_calls = DEFAULT_CALLS;
    if (options->max_connection_calls == 0)
        options->max_connection_calls = DEFAULT_CONNECTION_CALLS;
    if (options->max_buffer_bytes == 0)
        options->max_buffer_bytes = DEFAULT_BUFFER_BYTES;
    if (options->max_idle_ms == 0)
        options->max_idle_ms = DEFAULT_IDLE_MS;
}

static void handle(grpc_event event)
{
    struct event *tag = event.tag;
    tag->done(tag, event.success != 0);
}

struct ink_status ink_rpc_server_new(const struct ink_contract *contract,
                                     const struct ink_rpc_server_options *options,
                                     struct ink_arena *arena, struct ink_rpc_server **ret_server)
{
    struct ink_rpc_server *server = ink_calloc(1, sizeof(*server));
    grpc_init();
    ink_arena_init(&server->arena);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    server->contract = contract;
    server->options = *options;
    set_defaults(&server->options);
    lanes_init(&server->lanes, server->options.max_calls, server->options.workers);
    server->grpc = make_grpc_server(&server->options);
    turns_init(&server->events, handle);
    grpc_server_register_completion_queue(server->grpc, server->events.queue, NULL);
    struct ink_status status = health_add(server, arena);
    if (ink_is_ok(status) && !options->no_reflection)
        status = reflection_add(server, arena);
    if (!ink_is_ok(status)) {
        ink_rpc_server_free(server);
        return status;
    }
    *ret_server = server;
    return ink_ok();
}

struct served *server_serve(struct ink_rpc_server *server, const struct ink_method *method)
{
    struct served *served = ink_arena_calloc(&server->arena, 1, sizeof(*served));
    served->server = server;
    served->number = server->methods != NULL ? server->methods->number + 1 : 0;
    served->method = method;
    served->input = method->input;
    served->output = method->output;
    served->registered =
        grpc_server_register_method(server->grpc, method->path, NULL, GRPC_SRM_PAYLOAD_NONE, 0);
    served->next = server->methods;
    server->methods = served;
    return served;
}

bool server_serves(struct ink_rpc_server *server, const char *service)
{
    for (const struct served *s = server->methods; s != NULL; s = s->next)
        if (strcmp(s->method->service->full_name, service) == 0)
            return true;
    return false;
}

static const struct ink_method *find_method(const struct ink_service *service, const char *name)
{
    for (size_t i = 0; i < service->n_methods; i++)
        if (strcmp(service->methods[i].name, name) == 0)
            return &service->methods[i];
    return NULL;
}

static struct ink_status check_handler(const struct ink_service *service,
                                       const struct ink_rpc_handler *handler,
                                       struct ink_arena *arena)
{
    const struct ink_method *method = find_method(service, handler->method);
    if (method == NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s has no method %s", service->full_name,
                          handler->method);
    bool streams = method->client_streaming || method->server_streaming;
    if ((handler->stream != NULL) != streams || (handler->unary != NULL) == streams)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s needs a %s handler", method->full_name,
                          streams ? "stream" : "unary");
    if (method->options == NULL ||
        method->options->access == INKMESH__OPTIONS__V1__ACCESS__ACCESS_UNSPECIFIED)
        return ink_errorf(arena, INK_INVALID_ARGUMENT,
                          "%s does not say who may call it (inkmesh.options.v1.method.access)",
                          method->full_name);
    return ink_ok();
}

struct ink_status ink_rpc_server_add(struct ink_rpc_server *server, const char *service_name,
                                     const struct ink_rpc_handler *handlers, void *self,
                                     struct ink_arena *arena)
{
    const struct ink_service *service = ink_contract_service(server->contract, service_name);
    if (service == NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "the contract has no service %s",
                          service_name);
    for (const struct ink_rpc_handler *h = handlers; h->method != NULL; h++) {
        struct ink_status status = check_handler(service, h, arena);
        if (!ink_is_ok(status))
            return status;
        struct served *served = server_serve(server, find_method(service, h->method));
        served->unary = h->unary;
        served->stream = h->stream;
        served->self = self;
    }
    return ink_ok();
}

void ink_rpc_server_intercept(struct ink_rpc_server *server, ink_rpc_interceptor_fn *interceptor,
                              void *self)
{
    if (server->n_interceptors == MOST_INTERCEPTORS)
        abort();
    server->interceptors[server->n_interceptors++] =
        (struct interceptor){.run = interceptor, .self = self};
}

/* Looks for floods, and after those that are late. */
static void *keep_watch(void *data)
{
    struct ink_rpc_server *server = data;
    int64_t sweep = ink_now() + SWEEP_INTERVAL;
    while (!atomic_load(&server->watch_ends)) {
        nanosleep(&(struct timespec){.tv_nsec = FLOOD_INTERVAL}, NULL);
        turns_look(&server->events);
        flood_watch_look(server->floods);
        int64_t now = ink_now();
        if (now < sweep)
            continue;
        sweep = now + SWEEP_INTERVAL;
        lanes_sweep(&server->lanes, now);
        streams_sweep(server, now);
    }
    return NULL;
}

static void start_threads(struct ink_rpc_server *server)
{
    /* All have a turn: of a flood of calls that are taken back (flood.h) others are to see the end
     * before a handler begins with them, and one thread alone would be too slow. */
    server->events.most = server->options.workers + 1;
    turns_start(&server->events, server->options.workers + 1);
    if (pthread_create(&server->watch, NULL, keep_watch, server) != 0)
        abort();
}

static void flooded(void *self, unsigned client_port, const char *reason)
{
    const struct ink_rpc_server *server = self;
    if (server->options.flooded != NULL)
        server->options.flooded(server->options.events_self, client_port, reason);
}

struct ink_status ink_rpc_server_start(struct ink_rpc_server *server, struct ink_arena *arena)
{
    grpc_server_credentials *credentials;
    struct ink_status status = server_credentials(server, arena, &credentials);
    if (!ink_is_ok(status))
        return status;
    server->port = grpc_server_add_http2_port(server->grpc, server->options.address, credentials);
    const char *refused = server->port <= 0 ? server->options.address : NULL;
    if (refused == NULL && server->options.socket != NULL &&
        grpc_server_add_http2_port(server->grpc,
                                   ink_arena_printf(arena, "unix:%s", server->options.socket),
                                   credentials) <= 0)
        refused = server->options.socket;
    grpc_server_credentials_release(credentials);
    if (refused != NULL)
        return ink_errorf(arena, INK_UNAVAILABLE,
                          "cannot listen on %s: the address is wrong or in use", refused);
    server->started = ink_now();
    server->floods =
        flood_watch_new(server->port, server->options.max_buffer_bytes, flooded, server);
    grpc_server_start(server->grpc);
    for (struct served *s = server->methods; s != NULL; s = s->next) {
        if (s->stream != NULL)
            stream_listen(s);
        else
            unary_listen(s);
    }
    unknown_listen(server);
    start_threads(server);
    return ink_ok();
}

int ink_rpc_server_port(const struct ink_rpc_server *server)
{
    return server->port;
}

void ink_rpc_server_set_ready(struct ink_rpc_server *server, bool ready)
{
    pthread_mutex_lock(&server->lock);
    server->ready = ready && !server->leaving;
    server->begun = server->begun || ready;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

bool server_enter(struct ink_rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    bool open = !server->closed;
    if (open)
        server->n_calls++;
    pthread_mutex_unlock(&server->lock);
    return open;
}

void server_leave(struct ink_rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->n_calls--;
    if (server->stopping)
        pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static void shut_down(struct event *event, bool ok)
{
    (void)ok;
    struct ink_rpc_server *server = INK_CONTAINER_OF(event, struct ink_rpc_server, shutdown);
    pthread_mutex_lock(&server->lock);
    server->shut_down = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static bool quiet(const struct ink_rpc_server *server)
{
    return server->n_calls == 0 && server->n_streams == 0;
}

static bool ended(const struct ink_rpc_server *server)
{
    return quiet(server) && server->shut_down;
}

/* Waits until `condition` holds, at most `ms`. */
static void await(struct ink_rpc_server *server, bool (*condition)(const struct ink_rpc_server *),
                  int64_t ms)
{
    int64_t end = ink_now() + ms * INK_MILLISECOND;
    pthread_mutex_lock(&server->lock);
    while (!condition(server) && ink_cond_wait_until(&server->changed, &server->lock, end))
        ;
    pthread_mutex_unlock(&server->lock);
}

/* For ever; nobody enters any more when it returns. */
static void close_when_ended(struct ink_rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    while (!ended(server))
        pthread_cond_wait(&server->changed, &server->lock);
    server->closed = true;
    pthread_mutex_unlock(&server->lock);
}

/* Calls in flight have the grace. What is left then are connections on which nothing happens, whose
 * clients may take their time to answer the GOAWAY: they, and calls that crossed it on the way, get
 * a moment. */
static void await_drained(struct ink_rpc_server *server, int64_t grace_ms)
{
    const int64_t moment = 200;
    int64_t until = ink_now() + grace_ms * INK_MILLISECOND;
    await(server, quiet, grace_ms);
    await(server, ended, moment < grace_ms ? moment : grace_ms);
    int64_t left_ms = (until - ink_now()) / INK_MILLISECOND;
    if (left_ms > 0)
        await(server, quiet, left_ms);
}

static bool started(const struct ink_rpc_server *server)
{
    return server->events.n_threads != 0;
}

static void stop_threads(struct ink_rpc_server *server)
{
    turns_stop(&server->events);
    if (!started(server))
        return;
    atomic_store(&server->watch_ends, true);
    pthread_join(server->watch, NULL);
}

static bool nobody_watches(const struct ink_rpc_server *server)
{
    return server->n_streams_of[SERVED_HEALTH] == 0;
}

/* Says to those who watch that no more should come, and goes on serving for a moment: a call that
 * crosses the GOAWAY on its way would be lost, and most calls may not be repeated. */
static void leave(struct ink_rpc_server *server, int64_t grace_ms)
{
    pthread_mutex_lock(&server->lock);
    server->leaving = true;
    server->ready = false;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    if (grace_ms > 0)
        await(server, nobody_watches, grace_ms < LEAVE_MS ? grace_ms : LEAVE_MS);
}

/* False when it stops already. */
static bool stop_accepting(struct ink_rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    bool first = !server->stopping;
    server->stopping = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    return first;
}

void ink_rpc_server_stop(struct ink_rpc_server *server, int64_t grace_ms)
{
    leave(server, grace_ms);
    if (!stop_accepting(server))
        return;
    if (started(server)) {
        server->shutdown.done = shut_down;
        INK_HAND_OVER(&server->shutdown);
        grpc_server_shutdown_and_notify(server->grpc, server->events.queue, &server->shutdown);
        streams_cancel(server, false);
        await_drained(server, grace_ms > 0 ? grace_ms : 1);
        grpc_server_cancel_all_calls(server->grpc);
        streams_cancel(server, true);
        close_when_ended(server);
    }
    stop_threads(server);
}

void ink_rpc_server_free(struct ink_rpc_server *server)
{
    if (server == NULL)
        return;
    ink_rpc_server_stop(server, 0);
    grpc_server_destroy(server->grpc);
    turns_release(&server->events);
    lanes_release(&server->lanes);
    flood_watch_free(server->floods);
    ink_arena_release(&server->arena);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->changed);
    grpc_shutdown_blocking();
    server_tls_free(server->tls); /* the C core may have asked it until now */
    free(server);
}
