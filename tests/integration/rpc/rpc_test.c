/* lib/rpc's server and client against each other, over loopback: what a call and a stream are. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "grpc/health/v1/health.pb-c.h"
#include "tests/integration/rpc/fixture.h"

#define HEALTH(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

static void answers_a_call(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = fixture_request("Ada");
    Greet__V1__HelloReply *reply;
    fixture_must(fixture_call(f, &ctx, "Hello", &request, &reply));
    assert_string_equal(reply->text, "Hello, Ada!");
}

static void carries_status_details(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = fixture_request("Ada");
    Greet__V1__HelloReply *reply;
    request.fail_with = INK_INVALID_ARGUMENT;
    struct ink_status status = fixture_call(f, &ctx, "Hello", &request, &reply);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_string_equal(status.message, "as you wished");
    assert_string_equal(status.reason, "WISHED_FOR");
    assert_int_equal(status.retry_after_ms, 1500);
    assert_string_equal(status.violations->field, "name");
    assert_string_equal(status.violations->next->field, "inner.name");
    assert_string_equal(status.violations->next->message, "must be nicer");
    assert_null(status.violations->next->next);
    request.fail_with = INK_NOT_FOUND;
    assert_int_equal(fixture_call(f, &ctx, "Hello", &request, &reply).code, INK_NOT_FOUND);
}

static void details_fit_into_a_trailer(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = fixture_request("Ada");
    Greet__V1__HelloReply *reply;
    request.fail_with = INK_INVALID_ARGUMENT;
    request.times = 1000;
    struct ink_status status = fixture_call(f, &ctx, "Hello", &request, &reply);
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
        struct ink_status status = fixture_call(f, &ctx, "Hello", &request, &reply);
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
        requests[i] = fixture_request("deep");
        requests[i].inner = i == 0 ? NULL : &requests[i - 1];
    }
    Greet__V1__HelloReply *reply;
    fixture_must(fixture_call(f, &ctx, "Hello", &requests[50], &reply));
    struct ink_status status = fixture_call(f, &ctx, "Hello", &requests[79], &reply);
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
    Greet__V1__HelloRequest request = fixture_request(name);
    Greet__V1__HelloReply *reply;
    assert_int_equal(fixture_call(f, &ctx, "Hello", &request, &reply).code, INK_RESOURCE_EXHAUSTED);
}

static void bounds_replies(void **state)
{
    struct fixture *f = *state;
    struct ink_rpc_client_options options = {.target = f->address, .max_message_bytes = 1000};
    ink_rpc_client_free(f->client);
    fixture_must(ink_rpc_client_new(f->contract, &options, &f->arena, &f->client));
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    char name[1000];
    memset(name, 'x', sizeof(name));
    name[999] = '\0'; /* too much together with "Hello, !" */
    Greet__V1__HelloRequest request = fixture_request(name);
    Greet__V1__HelloReply *reply;
    assert_int_equal(fixture_call(f, &ctx, "Hello", &request, &reply).code, INK_RESOURCE_EXHAUSTED);
    name[900] = '\0';
    fixture_must(fixture_call(f, &ctx, "Hello", &request, &reply));
    assert_int_equal(strlen(reply->text), 900 + strlen("Hello, !"));
}

static void keeps_deadlines(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = fixture_request("slow");
    request.take_ms = 60000;
    Greet__V1__HelloReply *reply;
    /* The handler notices as well, and lets go; on a busy machine the first call may not even have
     * a connection in time. */
    do {
        ctx.deadline = ink_now() + 50 * INK_MILLISECOND;
        assert_int_equal(fixture_call(f, &ctx, "Hello", &request, &reply).code,
                         INK_DEADLINE_EXCEEDED);
    } while (atomic_load(&f->greeter.cancelled) == 0);
    ctx.deadline = ink_now() - 1;
    assert_int_equal(fixture_call(f, &ctx, "Hello", &request, &reply).code, INK_DEADLINE_EXCEEDED);
}

/* A call of Hello by a thread of its own, for ever. */
struct caller {
    struct fixture *f;
    pthread_t thread;
    struct ink_arena arena;
    const atomic_bool *cancelled;
    struct ink_status status;
};

static void *call_for_ever(void *self)
{
    struct caller *caller = self;
    struct ink_ctx ctx = ink_ctx_background(&caller->arena);
    Greet__V1__HelloRequest request = fixture_request("slow");
    Greet__V1__HelloReply *reply;
    request.take_ms = 60000;
    ctx.cancelled = caller->cancelled;
    caller->status = fixture_call(caller->f, &ctx, "Hello", &request, &reply);
    return NULL;
}

static void await(const atomic_int *number, int least)
{
    int64_t until = ink_now() + 20 * INK_SECOND;
    while (atomic_load(number) < least && ink_now() < until)
        nanosleep(&(struct timespec){.tv_nsec = INK_MILLISECOND}, NULL);
    assert_true(atomic_load(number) >= least);
}

static void begin_calls(struct fixture *f, struct caller *callers, int count)
{
    for (int i = 0; i < count; i++) {
        callers[i].f = f;
        ink_arena_init(&callers[i].arena);
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_for_ever, &callers[i]), 0);
    }
    await(&f->greeter.started, count);
}

static enum ink_code end_of(struct caller *caller)
{
    assert_int_equal(pthread_join(caller->thread, NULL), 0);
    ink_arena_release(&caller->arena);
    return caller->status.code;
}

static void ends_its_calls_when_it_stops(void **state)
{
    struct fixture *f = *state;
    struct caller caller = {0};
    begin_calls(f, &caller, 1);
    ink_rpc_client_stop(f->client);
    assert_int_equal(end_of(&caller), INK_UNAVAILABLE); /* and not DEADLINE_EXCEEDED */
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = fixture_request("Ada");
    Greet__V1__HelloReply *reply;
    assert_int_equal(fixture_call(f, &ctx, "Hello", &request, &reply).code, INK_UNAVAILABLE);
    assert_int_equal(atomic_load(&f->greeter.started), 1);
}

static void takes_back_what_nobody_waits_for(void **state)
{
    struct fixture *f = *state;
    static atomic_bool left, stays;
    struct caller callers[2] = {{.cancelled = &left}, {.cancelled = &stays}};
    begin_calls(f, callers, 2);
    atomic_store(&left, true);
    assert_true(ink_rpc_client_healthy(f->client, 5000));
    assert_int_equal(end_of(&callers[0]), INK_CANCELLED);
    await(&f->greeter.cancelled, 1); /* its handler is told */
    ink_rpc_client_stop(f->client);
    assert_int_equal(end_of(&callers[1]), INK_UNAVAILABLE);
}

static void count_cancelled(void *count, struct ink_rpc_flight *flight)
{
    ProtobufCMessage *reply = NULL;
    if (ink_rpc_flight_end(flight, &reply).code == INK_CANCELLED)
        atomic_fetch_add((atomic_int *)count, 1);
}

/* Not so many at once that the server takes its client for a hostile one. */
static void takes_back_some_at_a_time(void **state)
{
    struct fixture *f = *state;
    static atomic_bool left;
    static atomic_int cancelled;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = fixture_request("slow");
    request.take_ms = 60000;
    ctx.cancelled = &left;
    for (int i = 0; i < 300; i++)
        ink_rpc_client_start(f->client, &ctx, fixture_method(f, "Hello"), &request.base,
                             count_cancelled, &cancelled);
    atomic_store(&left, true);
    (void)ink_rpc_client_healthy(f->client, 5000);
    await(&cancelled, 256);
    nanosleep(&(struct timespec){.tv_nsec = 100 * INK_MILLISECOND}, NULL);
    assert_int_equal(atomic_load(&cancelled), 256);
    (void)ink_rpc_client_healthy(f->client, 5000);
    await(&cancelled, 300);
}

static void retries_what_may_be_repeated(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = fixture_request("Ada");
    Greet__V1__HelloReply *reply;
    atomic_store(&f->greeter.failures_left, 2);
    fixture_must(fixture_call(f, &ctx, "Hello", &request, &reply));
    assert_int_equal(reply->number, 3);
    atomic_store(&f->greeter.failures_left, 1);
    assert_int_equal(fixture_call(f, &ctx, "HelloOnce", &request, &reply).code, INK_UNAVAILABLE);
    assert_int_equal(atomic_load(&f->greeter.started), 4);
}

/* Retries have a budget: what always fails is not asked three times as often for it. */
static void retries_are_few_where_all_fails(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = fixture_request("Ada");
    Greet__V1__HelloReply *reply;
    const int calls = 200;
    request.fail_with = INK_UNAVAILABLE;
    for (int i = 0; i < calls; i++)
        assert_int_equal(fixture_call(f, &ctx, "Hello", &request, &reply).code, INK_UNAVAILABLE);
    assert_in_range(atomic_load(&f->greeter.started), calls + 1, calls + 20);
    /* The server has answered each time, so it is there. */
    assert_int_equal(ink_rpc_client_stats(f->client).breaker, INK_BREAKER_CLOSED);
}

static void asks_nobody_who_is_away(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = fixture_request("Ada");
    Greet__V1__HelloReply *reply;
    struct ink_rpc_client_stream *stream;
    atomic_store(&f->greeter.failures_left, INT32_MAX); /* as a proxy without a backend says */
    (void)ink_rpc_client_healthy(f->client, 5000);
    for (int i = 0; i < 50; i++)
        assert_int_equal(fixture_call(f, &ctx, "HelloOnce", &request, &reply).code,
                         INK_UNAVAILABLE);
    assert_int_equal(atomic_load(&f->greeter.started), 5);
    assert_int_equal(ink_rpc_client_stream_open(f->client, &ctx, fixture_method(f, "Many"),
                                                &request.base, &stream)
                         .code,
                     INK_UNAVAILABLE);
    struct ink_rpc_client_stats stats = ink_rpc_client_stats(f->client);
    assert_int_equal(stats.breaker, INK_BREAKER_OPEN);
    assert_int_equal(stats.entered[INK_BREAKER_OPEN], 1);
    assert_int_equal(stats.refused, 46);
    atomic_store(&f->greeter.failures_left, 0);
    int64_t until = ink_now() + 20 * INK_SECOND;
    do
        (void)ink_rpc_client_healthy(f->client, 5000);
    while (fixture_call(f, &ctx, "HelloOnce", &request, &reply).code != INK_OK &&
           ink_now() < until);
    fixture_must(fixture_call(f, &ctx, "HelloOnce", &request, &reply));
}

static void streams_to_the_client(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = fixture_request("again");
    request.times = 100;
    request.fail_with = INK_ABORTED;
    struct ink_rpc_client_stream *stream;
    fixture_must(ink_rpc_client_stream_open(f->client, &ctx, fixture_method(f, "Many"),
                                            &request.base, &stream));
    ProtobufCMessage *message;
    for (int i = 1; i <= 100; i++) {
        fixture_must(ink_rpc_client_stream_recv(stream, 5000, &f->arena, &message));
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
    Greet__V1__HelloRequest request = fixture_request("slow");
    request.times = 2;
    request.take_ms = 100;
    struct ink_rpc_client_stream *stream;
    fixture_must(ink_rpc_client_stream_open(f->client, &ctx, fixture_method(f, "Many"),
                                            &request.base, &stream));
    ProtobufCMessage *message;
    fixture_must(ink_rpc_client_stream_recv(stream, 5000, &f->arena, &message));
    struct ink_status status = ink_rpc_client_stream_recv(stream, 1, &f->arena, &message);
    assert_int_equal(status.code, INK_DEADLINE_EXCEEDED);
    assert_string_equal(status.reason, "NO_MESSAGE_YET");
    fixture_must(ink_rpc_client_stream_recv(stream, 5000, &f->arena, &message));
    assert_int_equal(((Greet__V1__HelloReply *)message)->number, 2);
    fixture_must(ink_rpc_client_stream_recv(stream, 5000, &f->arena, &message));
    assert_null(message);
    ink_rpc_client_stream_free(stream);
}

static void notices_a_client_that_leaves(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = fixture_request("endless");
    request.times = 1000000;
    request.take_ms = 5;
    struct ink_rpc_client_stream *streams[4];
    ProtobufCMessage *message;
    for (int i = 0; i < 3; i++) {
        fixture_must(ink_rpc_client_stream_open(f->client, &ctx, fixture_method(f, "Many"),
                                                &request.base, &streams[i]));
        fixture_must(ink_rpc_client_stream_recv(streams[i], 5000, &f->arena, &message));
    }
    /* As many as there may be: the fourth is refused, and gets in when one has left. */
    fixture_must(ink_rpc_client_stream_open(f->client, &ctx, fixture_method(f, "Many"),
                                            &request.base, &streams[3]));
    assert_int_equal(ink_rpc_client_stream_recv(streams[3], 5000, &f->arena, &message).code,
                     INK_RESOURCE_EXHAUSTED);
    for (int i = 0; i < 4; i++)
        ink_rpc_client_stream_free(streams[i]);
    struct ink_status status;
    do {
        fixture_must(ink_rpc_client_stream_open(f->client, &ctx, fixture_method(f, "Many"),
                                                &request.base, &streams[0]));
        status = ink_rpc_client_stream_recv(streams[0], 5000, &f->arena, &message);
        ink_rpc_client_stream_free(streams[0]);
    } while (status.code == INK_RESOURCE_EXHAUSTED);
    fixture_must(status);
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
    fixture_start_server(f, "127.0.0.1:0", only_bob);
    fixture_start_client(f);
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    ctx.request_id = "the-request";
    Greet__V1__HelloRequest request = fixture_request("Ada");
    Greet__V1__HelloReply *reply;
    assert_int_equal(fixture_call(f, &ctx, "Hello", &request, &reply).code, INK_PERMISSION_DENIED);
    assert_int_equal(atomic_load(&f->greeter.started), 0);
    request.name = (char *)"Bob";
    fixture_must(fixture_call(f, &ctx, "Hello", &request, &reply));
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
    fixture_must(ink_rpc_client_call(f->client, &ctx, method, &request.base, &reply));
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
        Greet__V1__HelloRequest request = fixture_request("Ada");
        ProtobufCMessage *reply;
        request.fail_with = i % 4 == 0 ? INK_INVALID_ARGUMENT : 0;
        struct ink_status status =
            ink_rpc_client_call(f->client, &ctx, fixture_method(f, "Hello"), &request.base, &reply);
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
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(answers_a_call),
        FIXTURE_TEST(carries_status_details),
        FIXTURE_TEST(details_fit_into_a_trailer),
        FIXTURE_TEST(refuses_text_that_c_would_cut),
        FIXTURE_TEST(bounds_nesting),
        FIXTURE_TEST(bounds_messages),
        FIXTURE_TEST(bounds_replies),
        FIXTURE_TEST(keeps_deadlines),
        FIXTURE_TEST(ends_its_calls_when_it_stops),
        FIXTURE_TEST(takes_back_what_nobody_waits_for),
        FIXTURE_TEST(takes_back_some_at_a_time),
        FIXTURE_TEST(retries_what_may_be_repeated),
        FIXTURE_TEST(retries_are_few_where_all_fails),
        FIXTURE_TEST(asks_nobody_who_is_away),
        FIXTURE_TEST(streams_to_the_client),
        FIXTURE_TEST(waits_for_a_stream_only_so_long),
        FIXTURE_TEST(notices_a_client_that_leaves),
        FIXTURE_TEST(runs_interceptors_around_handlers),
        FIXTURE_TEST(tells_its_health),
        FIXTURE_TEST(the_health_of_health_is_the_servers_own),
        FIXTURE_TEST(holds_on_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
