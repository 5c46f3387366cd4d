/* lib/rpc's server and client against each other, over loopback. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "greet.pb-c.h"
#include "greet_contract.h"
#include "grpc/health/v1/health.pb-c.h"
#include "lib/rpc/client.h"
#include "tests/integration/rpc/greeter.h"

#define HEALTH(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

#define SERVICE "greet.v1.Greeter"

struct fixture {
    struct ink_arena arena;
    struct ink_contract *contract;
    struct greeter greeter;
    struct ink_rpc_server *server;
    struct ink_rpc_client *client;
    char address[32];
};

static void must(struct ink_status status)
{
    if (!ink_is_ok(status))
        fail_msg("%s: %s (%s)", ink_code_name(status.code), status.message,
                 status.cause != NULL ? status.cause : "");
}

static void start_server(struct fixture *f, const char *address,
                         ink_rpc_interceptor_fn *interceptor)
{
    struct ink_rpc_server_options options = {
        .address = address, .workers = 2, .max_streams = 3, .max_message_bytes = 100000};
    must(ink_rpc_server_new(f->contract, &options, &f->arena, &f->server));
    must(ink_rpc_server_add(f->server, SERVICE, greeter_handlers, &f->greeter, &f->arena));
    if (interceptor != NULL)
        ink_rpc_server_intercept(f->server, interceptor, f);
    must(ink_rpc_server_start(f->server, &f->arena));
    ink_rpc_server_set_ready(f->server, true);
    snprintf(f->address, sizeof(f->address), "127.0.0.1:%d", ink_rpc_server_port(f->server));
}

static void start_client(struct fixture *f)
{
    struct ink_rpc_client_options options = {.target = f->address, .default_timeout_ms = 5000};
    must(ink_rpc_client_new(f->contract, &options, &f->arena, &f->client));
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    ink_arena_init(&f->arena);
    must(ink_contract_load(&greet_contract, &f->arena, &f->contract));
    start_server(f, "127.0.0.1:0", NULL);
    start_client(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ink_rpc_client_free(f->client);
    ink_rpc_server_free(f->server);
    ink_contract_free(f->contract);
    ink_arena_release(&f->arena);
    free(f);
    return 0;
}

static const struct ink_method *method(const struct fixture *f, const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "/" SERVICE "/%s", name);
    const struct ink_method *m = ink_contract_method(f->contract, path);
    assert_non_null(m);
    return m;
}

static struct ink_status call(struct fixture *f, const struct ink_ctx *ctx, const char *name,
                              const Greet__V1__HelloRequest *request, Greet__V1__HelloReply **reply)
{
    ProtobufCMessage *message = NULL;
    struct ink_status status =
        ink_rpc_client_call(f->client, ctx, method(f, name), &request->base, &message);
    *reply = (Greet__V1__HelloReply *)message;
    return status;
}

static Greet__V1__HelloRequest request_for(const char *name)
{
    Greet__V1__HelloRequest request = GREET__V1__HELLO_REQUEST__INIT;
    request.name = (char *)name;
    return request;
}

static void answers_a_call(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = request_for("Ada");
    Greet__V1__HelloReply *reply;
    must(call(f, &ctx, "Hello", &request, &reply));
    assert_string_equal(reply->text, "Hello, Ada!");
}

static void carries_status_details(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = request_for("Ada");
    Greet__V1__HelloReply *reply;
    request.fail_with = INK_INVALID_ARGUMENT;
    struct ink_status status = call(f, &ctx, "Hello", &request, &reply);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_string_equal(status.message, "as you wished");
    assert_string_equal(status.reason, "WISHED_FOR");
    assert_int_equal(status.retry_after_ms, 1500);
    assert_string_equal(status.violations->field, "name");
    assert_string_equal(status.violations->next->field, "inner.name");
    assert_string_equal(status.violations->next->message, "must be nicer");
    assert_null(status.violations->next->next);
    request.fail_with = INK_NOT_FOUND;
    assert_int_equal(call(f, &ctx, "Hello", &request, &reply).code, INK_NOT_FOUND);
}

static void details_fit_into_a_trailer(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = request_for("Ada");
    Greet__V1__HelloReply *reply;
    request.fail_with = INK_INVALID_ARGUMENT;
    request.times = 1000;
    struct ink_status status = call(f, &ctx, "Hello", &request, &reply);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_string_equal(status.violations->next->message, "must be nicer");
    assert_string_equal(status.violations->next->next->field, "and.so.on");
}

static void refuses_text_that_c_would_cut(void **state)
{
    struct fixture *f = *state;
    const uint8_t nul[] = {0x0A, 3, 'a', 0, 'b'}, not_utf8[] = {0x0A, 2, 0xC3, 0x28};
    const uint8_t inner[] = {0x2A, 5, 0x0A, 3, 'a', 0, 'b'};
    const struct {
        const uint8_t *data;
        size_t size;
        const char *field, *problem;
    } cases[] = {{nul, sizeof(nul), "name", "must not contain NUL"},
                 {not_utf8, sizeof(not_utf8), "name", "must be valid UTF-8"},
                 {inner, sizeof(inner), "inner.name", "must not contain NUL"}};
    /* A message of another type whose bytes are a HelloRequest with bad text. */
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_ctx ctx = ink_ctx_background(&f->arena);
        Greet__V1__HelloRequest request = GREET__V1__HELLO_REQUEST__INIT;
        ProtobufCMessageUnknownField raw = {
            .tag = cases[i].data[0] >> 3,
            .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
            .len = cases[i].size - 1,
            .data = (uint8_t *)cases[i].data + 1,
        };
        request.base.unknown_fields = &raw;
        request.base.n_unknown_fields = 1;
        Greet__V1__HelloReply *reply;
        struct ink_status status = call(f, &ctx, "Hello", &request, &reply);
        assert_int_equal(status.code, INK_INVALID_ARGUMENT);
        assert_string_equal(status.violations->field, cases[i].field);
        assert_string_equal(status.violations->message, cases[i].problem);
    }
}

static void bounds_nesting(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest requests[80];
    for (int i = 0; i < 80; i++) {
        requests[i] = request_for("deep");
        requests[i].inner = i == 0 ? NULL : &requests[i - 1];
    }
    Greet__V1__HelloReply *reply;
    must(call(f, &ctx, "Hello", &requests[50], &reply));
    struct ink_status status = call(f, &ctx, "Hello", &requests[79], &reply);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_non_null(strstr(status.message, "nested"));
}

static void bounds_messages(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    char *name = ink_arena_alloc(&f->arena, 200000);
    memset(name, 'x', 199999);
    name[199999] = '\0';
    Greet__V1__HelloRequest request = request_for(name);
    Greet__V1__HelloReply *reply;
    assert_int_equal(call(f, &ctx, "Hello", &request, &reply).code, INK_RESOURCE_EXHAUSTED);
}

static void bounds_replies(void **state)
{
    struct fixture *f = *state;
    struct ink_rpc_client_options options = {.target = f->address, .max_message_bytes = 1000};
    ink_rpc_client_free(f->client);
    must(ink_rpc_client_new(f->contract, &options, &f->arena, &f->client));
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    char name[1000];
    memset(name, 'x', sizeof(name));
    name[999] = '\0'; /* too much together with "Hello, !" */
    Greet__V1__HelloRequest request = request_for(name);
    Greet__V1__HelloReply *reply;
    assert_int_equal(call(f, &ctx, "Hello", &request, &reply).code, INK_RESOURCE_EXHAUSTED);
    name[900] = '\0';
    must(call(f, &ctx, "Hello", &request, &reply));
    assert_int_equal(strlen(reply->text), 900 + strlen("Hello, !"));
}

static void keeps_deadlines(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = request_for("slow");
    request.take_ms = 60000;
    Greet__V1__HelloReply *reply;
    /* The handler notices as well, and lets go; on a busy machine the first call may not even have
     * a connection in time. */
    do {
        ctx.deadline = ink_now() + 50 * INK_MILLISECOND;
        assert_int_equal(call(f, &ctx, "Hello", &request, &reply).code, INK_DEADLINE_EXCEEDED);
    } while (atomic_load(&f->greeter.cancelled) == 0);
    ctx.deadline = ink_now() - 1;
    assert_int_equal(call(f, &ctx, "Hello", &request, &reply).code, INK_DEADLINE_EXCEEDED);
}

static void retries_what_may_be_repeated(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = request_for("Ada");
    Greet__V1__HelloReply *reply;
    atomic_store(&f->greeter.failures_left, 2);
    must(call(f, &ctx, "Hello", &request, &reply));
    assert_int_equal(reply->number, 3);
    atomic_store(&f->greeter.failures_left, 1);
    assert_int_equal(call(f, &ctx, "HelloOnce", &request, &reply).code, INK_UNAVAILABLE);
    assert_int_equal(atomic_load(&f->greeter.started), 4);
}

/* Retries have a budget: what always fails is not asked three times as often for it. */
static void retries_are_few_where_all_fails(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = request_for("Ada");
    Greet__V1__HelloReply *reply;
    const int calls = 200;
    request.fail_with = INK_UNAVAILABLE;
    for (int i = 0; i < calls; i++)
        assert_int_equal(call(f, &ctx, "Hello", &request, &reply).code, INK_UNAVAILABLE);
    assert_in_range(atomic_load(&f->greeter.started), calls + 1, calls + 20);
    /* The server has answered each time, so it is there. */
    assert_int_equal(ink_rpc_client_stats(f->client).breaker, INK_BREAKER_CLOSED);
}

static void asks_nobody_who_is_away(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = request_for("Ada");
    Greet__V1__HelloReply *reply;
    struct ink_rpc_client_stream *stream;
    atomic_store(&f->greeter.failures_left, INT32_MAX); /* as a proxy without a backend says */
    (void)ink_rpc_client_healthy(f->client, 5000);
    for (int i = 0; i < 50; i++)
        assert_int_equal(call(f, &ctx, "HelloOnce", &request, &reply).code, INK_UNAVAILABLE);
    assert_int_equal(atomic_load(&f->greeter.started), 5);
    assert_int_equal(
        ink_rpc_client_stream_open(f->client, &ctx, method(f, "Many"), &request.base, &stream).code,
        INK_UNAVAILABLE);
    struct ink_rpc_client_stats stats = ink_rpc_client_stats(f->client);
    assert_int_equal(stats.breaker, INK_BREAKER_OPEN);
    assert_int_equal(stats.entered[INK_BREAKER_OPEN], 1);
    assert_int_equal(stats.refused, 46);
    atomic_store(&f->greeter.failures_left, 0);
    int64_t until = ink_now() + 20 * INK_SECOND;
    do
        (void)ink_rpc_client_healthy(f->client, 5000);
    while (call(f, &ctx, "HelloOnce", &request, &reply).code != INK_OK && ink_now() < until);
    must(call(f, &ctx, "HelloOnce", &request, &reply));
}

static void streams_to_the_client(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = request_for("again");
    request.times = 100;
    request.fail_with = INK_ABORTED;
    struct ink_rpc_client_stream *stream;
    must(ink_rpc_client_stream_open(f->client, &ctx, method(f, "Many"), &request.base, &stream));
    ProtobufCMessage *message;
    for (int i = 1; i <= 100; i++) {
        must(ink_rpc_client_stream_recv(stream, 5000, &f->arena, &message));
        assert_int_equal(((Greet__V1__HelloReply *)message)->number, i);
    }
    struct ink_status status = ink_rpc_client_stream_recv(stream, 5000, &f->arena, &message);
    assert_int_equal(status.code, INK_ABORTED);
    assert_string_equal(status.reason, "WISHED_FOR");
    ink_rpc_client_stream_free(stream);
}

static void waits_for_a_stream_only_so_long(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = request_for("slow");
    request.times = 2;
    request.take_ms = 100;
    struct ink_rpc_client_stream *stream;
    must(ink_rpc_client_stream_open(f->client, &ctx, method(f, "Many"), &request.base, &stream));
    ProtobufCMessage *message;
    must(ink_rpc_client_stream_recv(stream, 5000, &f->arena, &message));
    struct ink_status status = ink_rpc_client_stream_recv(stream, 1, &f->arena, &message);
    assert_int_equal(status.code, INK_DEADLINE_EXCEEDED);
    assert_string_equal(status.reason, "NO_MESSAGE_YET");
    must(ink_rpc_client_stream_recv(stream, 5000, &f->arena, &message));
    assert_int_equal(((Greet__V1__HelloReply *)message)->number, 2);
    must(ink_rpc_client_stream_recv(stream, 5000, &f->arena, &message));
    assert_null(message);
    ink_rpc_client_stream_free(stream);
}

static void notices_a_client_that_leaves(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = request_for("endless");
    request.times = 1000000;
    request.take_ms = 5;
    struct ink_rpc_client_stream *streams[4];
    ProtobufCMessage *message;
    for (int i = 0; i < 3; i++) {
        must(ink_rpc_client_stream_open(f->client, &ctx, method(f, "Many"), &request.base,
                                        &streams[i]));
        must(ink_rpc_client_stream_recv(streams[i], 5000, &f->arena, &message));
    }
    /* As many as there may be: the fourth is refused, and gets in when one has left. */
    must(
        ink_rpc_client_stream_open(f->client, &ctx, method(f, "Many"), &request.base, &streams[3]));
    assert_int_equal(ink_rpc_client_stream_recv(streams[3], 5000, &f->arena, &message).code,
                     INK_RESOURCE_EXHAUSTED);
    for (int i = 0; i < 4; i++)
        ink_rpc_client_stream_free(streams[i]);
    struct ink_status status;
    do {
        must(ink_rpc_client_stream_open(f->client, &ctx, method(f, "Many"), &request.base,
                                        &streams[0]));
        status = ink_rpc_client_stream_recv(streams[0], 5000, &f->arena, &message);
        ink_rpc_client_stream_free(streams[0]);
    } while (status.code == INK_RESOURCE_EXHAUSTED);
    must(status);
}

static struct ink_status only_bob(void *self, struct ink_rpc_call *call, struct ink_rpc_next *next)
{
    struct fixture *f = self;
    const Greet__V1__HelloRequest *request = (const Greet__V1__HelloRequest *)call->request;
    assert_string_equal(call->method->service->full_name, SERVICE);
    assert_string_equal(ink_rpc_metadata(call, "x-request-id"), call->ctx->request_id);
    assert_null(ink_rpc_metadata(call, "not-there"));
    if (strcmp(request->name, "Bob") != 0)
        return ink_error(INK_PERMISSION_DENIED, "only Bob");
    struct ink_status status = ink_rpc_proceed(next, call);
    f->greeter.failures_left += 100; /* seen by the test: this ran after the handler */
    return status;
}

static void runs_interceptors_around_handlers(void **state)
{
    struct fixture *f = *state;
    ink_rpc_client_free(f->client);
    ink_rpc_server_free(f->server);
    start_server(f, "127.0.0.1:0", only_bob);
    start_client(f);
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    ctx.request_id = "the-request";
    Greet__V1__HelloRequest request = request_for("Ada");
    Greet__V1__HelloReply *reply;
    assert_int_equal(call(f, &ctx, "Hello", &request, &reply).code, INK_PERMISSION_DENIED);
    assert_int_equal(atomic_load(&f->greeter.started), 0);
    request.name = (char *)"Bob";
    must(call(f, &ctx, "Hello", &request, &reply));
    assert_int_equal(atomic_load(&f->greeter.failures_left), 100);
    assert_true(ink_rpc_client_healthy(f->client, 1000)); /* no interceptor is asked about that */
}

static void tells_its_health(void **state)
{
    struct fixture *f = *state;
    assert_true(ink_rpc_client_healthy(f->client, 1000));
    ink_rpc_server_set_ready(f->server, false);
    assert_false(ink_rpc_client_healthy(f->client, 1000));
}

static int health_of(struct fixture *f, const char *service)
{
    const struct ink_method *method =
        ink_contract_method(f->contract, "/grpc.health.v1.Health/Check");
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    ProtobufCMessage *reply;
    request.service = (char *)(uintptr_t)service;
    must(ink_rpc_client_call(f->client, &ctx, method, &request.base, &reply));
    return ((Grpc__Health__V1__HealthCheckResponse *)reply)->status;
}

/* What clients with several replicas go by says nothing about databases: a service that lacks one
 * still answers what it can, and when all replicas lack it, there is nowhere else to go. */
static void the_health_of_health_is_the_servers_own(void **state)
{
    struct fixture *f = *state;
    ink_rpc_server_set_ready(f->server, false);
    assert_int_equal(health_of(f, ""), HEALTH(NOT_SERVING));
    assert_int_equal(health_of(f, "greet.v1.Greeter"), HEALTH(NOT_SERVING));
    assert_int_equal(health_of(f, "grpc.health.v1.Health"), HEALTH(SERVING));
}

static void reconnects_when_the_server_is_back(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = request_for("Ada");
    Greet__V1__HelloReply *reply;
    must(call(f, &ctx, "Hello", &request, &reply));
    ink_rpc_server_free(f->server);
    struct ink_status status = call(f, &ctx, "Hello", &request, &reply);
    assert_int_equal(status.code, INK_UNAVAILABLE);
    assert_string_equal(status.message, "the service is not available"); /* no addresses */
    assert_true(status.retry_after_ms > 0);
    start_server(f, f->address, NULL);
    int64_t until = ink_now() + 20 * INK_SECOND;
    do {
        status = call(f, &ctx, "Hello", &request, &reply);
    } while (!ink_is_ok(status) && ink_now() < until);
    must(status);
}

static void spreads_calls_over_all_addresses(void **state)
{
    struct fixture *f = *state;
    struct fixture other = {.contract = f->contract};
    ink_arena_init(&other.arena);
    start_server(&other, "127.0.0.1:0", NULL);
    struct ink_rpc_client_options options = {
        .target = ink_arena_printf(&f->arena, "ipv4:%s,%s", f->address, other.address)};
    ink_rpc_client_free(f->client);
    must(ink_rpc_client_new(f->contract, &options, &f->arena, &f->client));
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = request_for("Ada");
    Greet__V1__HelloReply *reply;
    int64_t until = ink_now() + 20 * INK_SECOND;
    while ((atomic_load(&f->greeter.started) < 10 || atomic_load(&other.greeter.started) < 10) &&
           ink_now() < until)
        must(call(f, &ctx, "HelloOnce", &request, &reply));
    int first = atomic_load(&f->greeter.started), second = atomic_load(&other.greeter.started);
    for (int i = 0; i < 10; i++)
        must(call(f, &ctx, "HelloOnce", &request, &reply));
    assert_int_equal(atomic_load(&f->greeter.started) - first, 5);
    assert_int_equal(atomic_load(&other.greeter.started) - second, 5);
    /* One leaves in order, and nobody notices. */
    ink_rpc_server_free(other.server);
    for (int i = 0; i < 10; i++)
        must(call(f, &ctx, "Hello", &request, &reply));
    ink_arena_release(&other.arena);
}

struct one_call {
    struct fixture *f;
    struct ink_status status;
    struct ink_arena arena;
    int take_ms;
};

static void *call_slowly(void *data)
{
    struct one_call *one = data;
    struct ink_ctx ctx = ink_ctx_background(&one->arena);
    Greet__V1__HelloRequest request = request_for("slow");
    request.take_ms = one->take_ms;
    Greet__V1__HelloReply *reply;
    one->status = call(one->f, &ctx, "HelloOnce", &request, &reply);
    return NULL;
}

/* Both workers are at it when this returns. */
static void begin_slowly(struct fixture *f, struct one_call calls[2], pthread_t threads[2],
                         int take_ms)
{
    for (int i = 0; i < 2; i++) {
        calls[i].f = f;
        calls[i].take_ms = take_ms;
        ink_arena_init(&calls[i].arena);
        pthread_create(&threads[i], NULL, call_slowly, &calls[i]);
    }
    while (atomic_load(&f->greeter.started) < 2)
        nanosleep(&(struct timespec){.tv_nsec = INK_MILLISECOND}, NULL);
}

static void end_slowly(struct one_call calls[2], pthread_t threads[2])
{
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        must(calls[i].status);
        ink_arena_release(&calls[i].arena);
    }
}

static void finishes_what_is_in_flight(void **state)
{
    struct fixture *f = *state;
    struct one_call calls[2];
    pthread_t threads[2];
    begin_slowly(f, calls, threads, 200);
    ink_rpc_server_stop(f->server, 10000);
    end_slowly(calls, threads);
    assert_int_equal(atomic_load(&f->greeter.cancelled), 0);
}

static void what_is_late_in_line_is_not_begun(void **state)
{
    struct fixture *f = *state;
    struct one_call calls[2];
    pthread_t threads[2];
    Greet__V1__HelloRequest request = request_for("late");
    Greet__V1__HelloReply *reply;
    begin_slowly(f, calls, threads, 1500);
    for (int i = 0; i < 5; i++) {
        struct ink_ctx ctx = ink_ctx_background(&f->arena);
        ctx.deadline = ink_now() + 50 * INK_MILLISECOND;
        assert_int_equal(call(f, &ctx, "HelloOnce", &request, &reply).code, INK_DEADLINE_EXCEEDED);
    }
    end_slowly(calls, threads);
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    must(call(f, &ctx, "HelloOnce", &request, &reply));
    assert_int_equal(reply->number, 3); /* the two before, and none of the late ones */
}

static void cuts_off_what_outlasts_the_grace(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = request_for("endless");
    request.times = 1000000;
    request.take_ms = 5;
    struct ink_rpc_client_stream *stream;
    ProtobufCMessage *message;
    must(ink_rpc_client_stream_open(f->client, &ctx, method(f, "Many"), &request.base, &stream));
    must(ink_rpc_client_stream_recv(stream, 5000, &f->arena, &message));
    ink_rpc_server_stop(f->server, 1);
    struct ink_status status;
    do {
        status = ink_rpc_client_stream_recv(stream, 5000, &f->arena, &message);
    } while (ink_is_ok(status));
    assert_int_not_equal(status.code, INK_DEADLINE_EXCEEDED);
    ink_rpc_client_stream_free(stream);
}

/* Stands before the C core's function, which a server calls as soon as it was told of a call: for
 * the next one, a thread that does not get on for a moment. */
static atomic_int held;
int grpc_server_request_registered_call(void *server, void *method, void *call, void *deadline,
                                        void *metadata, void *payload, void *bound, void *queue,
                                        void *tag);
int grpc_server_request_registered_call(void *server, void *method, void *call, void *deadline,
                                        void *metadata, void *payload, void *bound, void *queue,
                                        void *tag)
{
    int (*own)(void *, void *, void *, void *, void *, void *, void *, void *, void *) = NULL;
    *(void **)&own = dlsym(RTLD_NEXT, "grpc_server_request_registered_call");
    int wanted = 1;
    if (atomic_compare_exchange_strong(&held, &wanted, 2))
        nanosleep(&(struct timespec){.tv_nsec = 500 * INK_MILLISECOND}, NULL);
    return own(server, method, call, deadline, metadata, payload, bound, queue, tag);
}

/* The client has gone, and nothing else is left to wait for. */
static void drops_a_call_that_comes_while_all_ends(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = request_for("Ada");
    Greet__V1__HelloReply *reply;
    must(call(f, &ctx, "Hello", &request, &reply));
    atomic_store(&held, 1);
    ctx.deadline = ink_now() + 100 * INK_MILLISECOND;
    assert_int_equal(call(f, &ctx, "HelloOnce", &request, &reply).code, INK_DEADLINE_EXCEEDED);
    assert_int_equal(atomic_load(&held), 2);
    ink_rpc_client_free(f->client);
    f->client = NULL;
    ink_rpc_server_stop(f->server, 1);
    assert_int_equal(atomic_load(&f->greeter.started), 1);
}

static void refuses_what_cannot_be_served(void **state)
{
    struct fixture *f = *state;
    struct ink_rpc_server *server;
    struct ink_rpc_server_options options = {.address = f->address};
    const struct ink_rpc_handler unknown[] = {{.method = "Nothing"}, {0}};
    const struct ink_rpc_handler wrong_kind[] = {
        {.method = "Hello", .stream = greeter_handlers[2].stream}, {0}};
    must(ink_rpc_server_new(f->contract, &options, &f->arena, &server));
    struct ink_status status = ink_rpc_server_add(server, "no.Service", unknown, NULL, &f->arena);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    status = ink_rpc_server_add(server, SERVICE, unknown, NULL, &f->arena);
    assert_string_equal(status.message, SERVICE " has no method Nothing");
    status = ink_rpc_server_add(server, SERVICE, wrong_kind, NULL, &f->arena);
    assert_string_equal(status.message, SERVICE ".Hello needs a unary handler");
    status = ink_rpc_server_start(server, &f->arena); /* the other server has the port */
    assert_int_equal(status.code, INK_UNAVAILABLE);
    assert_non_null(strstr(status.message, f->address));
    ink_rpc_server_free(server);
}

static size_t resident_pages(void)
{
    size_t total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %zu", &total, &resident), 2);
    fclose(file);
    return resident;
}

static void call_often(struct fixture *f, int count)
{
    for (int i = 0; i < count; i++) {
        struct ink_arena arena;
        ink_arena_init(&arena);
        struct ink_ctx ctx = ink_ctx_background(&arena);
        Greet__V1__HelloRequest request = request_for("Ada");
        ProtobufCMessage *reply;
        request.fail_with = i % 4 == 0 ? INK_INVALID_ARGUMENT : 0;
        struct ink_status status =
            ink_rpc_client_call(f->client, &ctx, method(f, "Hello"), &request.base, &reply);
        assert_int_equal(status.code, request.fail_with);
        ink_arena_release(&arena);
    }
}

static void holds_on_to_nothing(void **state)
{
    struct fixture *f = *state;
    call_often(f, 3000);
    size_t before = resident_pages();
    call_often(f, 10000);
    size_t grown = resident_pages() - before;
    /* 10,000 calls that lost 100 bytes each would show as 250 pages; a sanitizer's quarantine
     * grows by itself. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_in_range((int64_t)grown < 0 ? 0 : grown, 0, 150);
#else
    (void)grown;
#endif
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(answers_a_call),
        WITH_SERVER(carries_status_details),
        WITH_SERVER(details_fit_into_a_trailer),
        WITH_SERVER(refuses_text_that_c_would_cut),
        WITH_SERVER(bounds_nesting),
        WITH_SERVER(bounds_messages),
        WITH_SERVER(bounds_replies),
        WITH_SERVER(keeps_deadlines),
        WITH_SERVER(retries_what_may_be_repeated),
        WITH_SERVER(retries_are_few_where_all_fails),
        WITH_SERVER(asks_nobody_who_is_away),
        WITH_SERVER(streams_to_the_client),
        WITH_SERVER(waits_for_a_stream_only_so_long),
        WITH_SERVER(notices_a_client_that_leaves),
        WITH_SERVER(runs_interceptors_around_handlers),
        WITH_SERVER(tells_its_health),
        WITH_SERVER(the_health_of_health_is_the_servers_own),
        WITH_SERVER(reconnects_when_the_server_is_back),
        WITH_SERVER(spreads_calls_over_all_addresses),
        WITH_SERVER(finishes_what_is_in_flight),
        WITH_SERVER(what_is_late_in_line_is_not_begun),
        WITH_SERVER(cuts_off_what_outlasts_the_grace),
        WITH_SERVER(drops_a_call_that_comes_while_all_ends),
        WITH_SERVER(refuses_what_cannot_be_served),
        WITH_SERVER(holds_on_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
