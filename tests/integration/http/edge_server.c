/*
 * The gateway's edge over a contract that it was not written for, with the backend in the same
 * process, for edge_test.py: prints the HTTP port, a user's and a service's token, serves until its
 * stdin ends. A line "stop" on stdin stops the backend, "watched" prints how many streams found out
 * that their reader had gone, "metrics" prints the metrics on one line each and then "end".
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/edge.h"
#include "lib/rpc/server.h"
#include "shelf.pb-c.h"
#include "shelf_contract.h"

static atomic_int left_streams;
static const struct ink_auth *auth;

static struct ink_status fail(int code)
{
    struct ink_status status = ink_error((enum ink_code)code, "as you wished");
    status.cause = "a secret of the backend";
    return status;
}

static struct ink_status create(void *self, struct ink_ctx *ctx, const Shelf__V1__Book *request,
                                Shelf__V1__Book *reply)
{
    (void)self;
    reply->id = ink_arena_printf(ctx->arena, "%s/1 ü", request->id);
    reply->shelf = request->shelf;
    reply->title = request->title;
    reply->pages = request->pages;
    return ink_ok();
}
INK_RPC_UNARY(create, Shelf__V1__Book, Shelf__V1__Book)

static char *long_title(struct ink_arena *arena, int32_t size)
{
    char *title = ink_arena_calloc(arena, (size_t)size + 1, 1);
    memset(title, 'x', (size_t)size);
    return title;
}

static struct ink_status get(void *self, struct ink_ctx *ctx,
                             const Shelf__V1__GetBookRequest *request, Shelf__V1__Book *reply)
{
    (void)self;
    for (int i = 0; i < request->take_ms && !ink_ctx_cancelled(ctx); i++)
        usleep(1000);
    if (request->fail_with != 0)
        return fail(request->fail_with);
    reply->id = request->id;
    reply->title = request->title_bytes > 0 ? long_title(ctx->arena, request->title_bytes)
                                            : (char *)(uintptr_t) "A title";
    reply->pages = 9007199254740993;
    return ink_ok();
}
INK_RPC_UNARY(get, Shelf__V1__GetBookRequest, Shelf__V1__Book)

static struct ink_status update(void *self, struct ink_ctx *ctx,
                                const Shelf__V1__UpdateBookRequest *request,
                                Shelf__V1__UpdateBookRequest *reply)
{
    (void)self, (void)ctx;
    reply->book = request->book;
    reply->update_mask = request->update_mask;
    return ink_ok();
}
INK_RPC_UNARY(update, Shelf__V1__UpdateBookRequest, Shelf__V1__UpdateBookRequest)

static struct ink_status empty(void *self, struct ink_ctx *ctx, const ProtobufCMessage *request,
                               ProtobufCMessage *reply)
{
    (void)self, (void)ctx, (void)request, (void)reply;
    return ink_ok();
}

static struct ink_status who(void *self, struct ink_ctx *ctx, const ProtobufCMessage *request,
                             Shelf__V1__Caller *reply)
{
    struct ink_caller caller;
    (void)self, (void)request;
    struct ink_status status = ink_auth_verify(auth, ctx->arena, ctx->authorization, &caller);
    if (!ink_is_ok(status))
        return status;
    reply->who = ink_arena_printf(ctx->arena, "%d %s", caller.kind, caller.id);
    reply->request_id = ink_arena_strdup(ctx->arena, ctx->request_id);
    reply->trace_id = ink_arena_strdup(ctx->arena, ctx->trace.trace_id);
    reply->left_ms = (ctx->deadline - ink_now()) / INK_MILLISECOND;
    return ink_ok();
}
INK_RPC_UNARY(who, ProtobufCMessage, Shelf__V1__Caller)

static struct ink_status watch(void *self, struct ink_ctx *ctx,
                               const Shelf__V1__WatchRequest *request,
                               struct ink_rpc_stream *stream)
{
    int first = atoi(request->last_event_id);
    (void)self;
    /* A negative count fails before anything was promised. */
    if (request->count >= 0 && !ink_is_ok(ink_rpc_stream_begin(stream)))
        return ink_error(INK_CANCELLED, "nobody reads");
    for (int i = 1; request->count == 0 || i <= request->count; i++) {
        Shelf__V1__Book book = SHELF__V1__BOOK__INIT;
        for (int waited = 0; waited < request->wait_ms && !ink_ctx_cancelled(ctx); waited++)
            usleep(1000);
        book.id = ink_arena_printf(ctx->arena, "%d", first + i);
        book.title = (char *)(uintptr_t) "two\nlines";
        if (ink_ctx_cancelled(ctx) || !ink_is_ok(ink_rpc_stream_send(stream, &book.base))) {
            atomic_fetch_add(&left_streams, 1);
            return ink_error(INK_CANCELLED, "nobody reads");
        }
    }
    return request->fail_with == 0 ? ink_ok() : fail(request->fail_with);
}
INK_RPC_STREAM(watch, Shelf__V1__WatchRequest)

static const struct ink_rpc_handler handlers[] = {
    {.method = "CreateBook", .unary = create_rpc}, {.method = "GetBook", .unary = get_rpc},
    {.method = "UpdateBook", .unary = update_rpc}, {.method = "DeleteBook", .unary = empty},
    {.method = "WhoAmI", .unary = who_rpc},        {.method = "Sweep", .unary = empty},
    {.method = "WatchBooks", .stream = watch_rpc}, {0},
};

static void must(struct ink_status status)
{
    if (ink_is_ok(status))
        return;
    fprintf(stderr, "%s %s\n", status.message, status.cause == NULL ? "" : status.cause);
    exit(1);
}

static struct ink_rpc_server *serve_rpc(const struct ink_contract *contract,
                                        struct ink_arena *arena)
{
    struct ink_rpc_server *server;
    struct ink_rpc_server_options options = {.address = "127.0.0.1:0"};
    must(ink_rpc_server_new(contract, &options, arena, &server));
    must(ink_rpc_server_add(server, "shelf.v1.Shelf", handlers, NULL, arena));
    must(ink_rpc_server_start(server, arena));
    ink_rpc_server_set_ready(server, true);
    return server;
}

static struct ink_auth *make_auth(struct ink_arena *arena)
{
    struct ink_auth *made;
    struct ink_auth_options options = {.secret = "an example of a secret, long enough"};
    must(ink_auth_new(&options, arena, &made));
    return made;
}

static struct ink_status ask(void *client, struct ink_arena *arena)
{
    (void)arena;
    return ink_rpc_client_healthy(client, 500) ? ink_ok()
                                               : ink_error(INK_UNAVAILABLE, "the shelf is away");
}

static void print_tokens(struct ink_arena *arena)
{
    const char *user, *service;
    must(ink_auth_issue_user(auth, arena, "01890a5d-ac96-774b-bcce-b302099a8057", &user));
    must(ink_auth_issue_service(auth, arena, "librarian", &service));
    printf("%s\n%s\n", user, service);
    fflush(stdout);
}

static void obey(const char *order, struct ink_rpc_server *rpc, struct ink_mesh_health *health,
                 struct ink_metrics *metrics)
{
    if (strcmp(order, "stop\n") == 0) {
        ink_rpc_server_stop(rpc, 100);
        (void)ink_mesh_health_round(health);
        printf("stopped\n");
    } else if (strcmp(order, "watched\n") == 0) {
        printf("%d\n", atomic_load(&left_streams));
    } else if (strcmp(order, "metrics\n") == 0) {
        struct ink_buf out = INK_BUF_INIT;
        ink_metrics_write(metrics, &out);
        printf("%send\n", out.data);
        ink_buf_release(&out);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct ink_arena arena;
    struct ink_contract *contract;
    struct ink_rpc_client *client;
    struct gateway_edge *edge;
    struct ink_http_server *http;
    char target[32], order[32];
    ink_arena_init(&arena);
    must(ink_contract_load(&shelf_contract, &arena, &contract));
    struct ink_auth *made = make_auth(&arena);
    auth = made;
    struct ink_rpc_server *rpc = serve_rpc(contract, &arena);
    snprintf(target, sizeof(target), "127.0.0.1:%d", ink_rpc_server_port(rpc));
    struct ink_rpc_client_options client_options = {.target = target};
    must(ink_rpc_client_new(contract, &client_options, &arena, &client));
    struct ink_mesh_health *health = ink_mesh_health_new();
    ink_mesh_health_add(health, "shelf", true, ask, client);
    (void)ink_mesh_health_round(health);
    struct ink_metrics *metrics = ink_metrics_new();
    struct gateway_backend backend = {"shelf.v1.Shelf", client};
    struct gateway_edge_options options = {.contract = contract,
                                           .backends = &backend,
                                           .n_backends = argc > 1 ? 0 : 1,
                                           .auth = auth,
                                           .health = health,
                                           .metrics = metrics,
                                           .version = "1.0.0",
                                           .hsts_max_age = 60};
    (void)argv;
    must(gateway_cors_parse(&arena, "https://a.example, http://b.example:8080", &options.cors));
    must(gateway_edge_new(&options, &arena, &edge));
    struct ink_http_options http_options = {.address = "127.0.0.1:0",
                                            .threads = 32,
                                            .keep_alive_ms = 300,
                                            .header_timeout_ms = 1000,
                                            .request_timeout_ms = 1500,
                                            .max_body_bytes = 1000,
                                            .cooperative = true,
                                            .handler = gateway_edge_handle,
                                            .refuse = gateway_edge_refuse,
                                            .give_up = gateway_edge_give_up,
                                            .self = edge};
    must(ink_http_server_new(&http_options, &arena, &http));
    printf("%d\n", ink_http_server_port(http));
    print_tokens(&arena);
    while (fgets(order, sizeof(order), stdin) != NULL)
        obey(order, rpc, health, metrics);
    ink_http_server_stop(http, 3000);
    ink_http_server_free(http);
    gateway_edge_free(edge);
    ink_mesh_health_free(health);
    ink_rpc_client_free(client);
    ink_rpc_server_free(rpc);
    ink_metrics_free(metrics);
    ink_auth_free(made);
    ink_contract_free(contract);
    ink_arena_release(&arena);
    return 0;
}
