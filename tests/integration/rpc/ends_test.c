/* Servers of lib/rpc that come, go, are several, or have too much to do. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "tests/integration/rpc/fixture.h"

static void reconnects_when_the_server_is_back(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = fixture_request("Ada");
    Greet__V1__HelloReply *reply;
    fixture_must(fixture_call(f, &ctx, "Hello", &request, &reply));
    ink_rpc_server_free(f->server);
    struct ink_status status = fixture_call(f, &ctx, "Hello", &request, &reply);
    assert_int_equal(status.code, INK_UNAVAILABLE);
    assert_string_equal(status.message, "the service is not available"); /* no addresses */
    assert_true(status.retry_after_ms > 0);
    fixture_start_server(f, f->address, NULL);
    int64_t until = ink_now() + 20 * INK_SECOND;
    do {
        status = fixture_call(f, &ctx, "Hello", &request, &reply);
    } while (!ink_is_ok(status) && ink_now() < until);
    fixture_must(status);
}

static void spreads_calls_over_all_addresses(void **state)
{
    struct fixture *f = *state;
    struct fixture other = {.contract = f->contract};
    ink_arena_init(&other.arena);
    fixture_start_server(&other, "127.0.0.1:0", NULL);
    struct ink_rpc_client_options options = {
        .target = ink_arena_printf(&f->arena, "ipv4:%s,%s", f->address, other.address)};
    ink_rpc_client_free(f->client);
    fixture_must(ink_rpc_client_new(f->contract, &options, &f->arena, &f->client));
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = fixture_request("Ada");
    Greet__V1__HelloReply *reply;
    int64_t until = ink_now() + 20 * INK_SECOND;
    while ((atomic_load(&f->greeter.started) < 10 || atomic_load(&other.greeter.started) < 10) &&
           ink_now() < until)
        fixture_must(fixture_call(f, &ctx, "HelloOnce", &request, &reply));
    int first = atomic_load(&f->greeter.started), second = atomic_load(&other.greeter.started);
    for (int i = 0; i < 10; i++)
        fixture_must(fixture_call(f, &ctx, "HelloOnce", &request, &reply));
    assert_int_equal(atomic_load(&f->greeter.started) - first, 5);
    assert_int_equal(atomic_load(&other.greeter.started) - second, 5);
    /* One leaves in order, and nobody notices. */
    ink_rpc_server_free(other.server);
    for (int i = 0; i < 10; i++)
        fixture_must(fixture_call(f, &ctx, "Hello", &request, &reply));
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
    Greet__V1__HelloRequest request = fixture_request("slow");
    request.take_ms = one->take_ms;
    Greet__V1__HelloReply *reply;
    one->status = fixture_call(one->f, &ctx, "HelloOnce", &request, &reply);
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
        fixture_must(calls[i].status);
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
    Greet__V1__HelloRequest request = fixture_request("late");
    Greet__V1__HelloReply *reply;
    begin_slowly(f, calls, threads, 1500);
    for (int i = 0; i < 5; i++) {
        struct ink_ctx ctx = ink_ctx_background(&f->arena);
        ctx.deadline = ink_now() + 50 * INK_MILLISECOND;
        assert_int_equal(fixture_call(f, &ctx, "HelloOnce", &request, &reply).code,
                         INK_DEADLINE_EXCEEDED);
    }
    end_slowly(calls, threads);
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    fixture_must(fixture_call(f, &ctx, "HelloOnce", &request, &reply));
    assert_int_equal(reply->number, 3); /* the two before, and none of the late ones */
}

static void cuts_off_what_outlasts_the_grace(void **state)
{
    struct fixture *f = *state;
    struct ink_ctx ctx = ink_ctx_background(&f->arena);
    Greet__V1__HelloRequest request = fixture_request("endless");
    request.times = 1000000;
    request.take_ms = 5;
    struct ink_rpc_client_stream *stream;
    ProtobufCMessage *message;
    fixture_must(ink_rpc_client_stream_open(f->client, &ctx, fixture_method(f, "Many"),
                                            &request.base, &stream));
    fixture_must(ink_rpc_client_stream_recv(stream, 5000, &f->arena, &message));
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
    Greet__V1__HelloRequest request = fixture_request("Ada");
    Greet__V1__HelloReply *reply;
    fixture_must(fixture_call(f, &ctx, "Hello", &request, &reply));
    atomic_store(&held, 1);
    ctx.deadline = ink_now() + 100 * INK_MILLISECOND;
    assert_int_equal(fixture_call(f, &ctx, "HelloOnce", &request, &reply).code,
                     INK_DEADLINE_EXCEEDED);
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
    fixture_must(ink_rpc_server_new(f->contract, &options, &f->arena, &server));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(reconnects_when_the_server_is_back),
        FIXTURE_TEST(spreads_calls_over_all_addresses),
        FIXTURE_TEST(finishes_what_is_in_flight),
        FIXTURE_TEST(what_is_late_in_line_is_not_begun),
        FIXTURE_TEST(cuts_off_what_outlasts_the_grace),
        FIXTURE_TEST(drops_a_call_that_comes_while_all_ends),
        FIXTURE_TEST(refuses_what_cannot_be_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
