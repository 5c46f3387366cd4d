/* A server that is frozen: its kernel keeps the connection, so only keepalive can tell. The server
 * is the example of lib/rpc/server.h, as a process of its own. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "greet.pb-c.h"
#include "greet_contract.h"
#include "lib/rpc/client.h"

extern char **environ;

/* Starts the example and returns its pid, once it has said its port. */
static pid_t start_server(int *ret_port)
{
    int ends[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    char *arguments[] = {(char *)"tests/integration/rpc/example", NULL};
    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    assert_int_equal(posix_spawn(&pid, arguments[0], &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *said = fdopen(ends[0], "r");
    assert_non_null(said);
    assert_int_equal(fscanf(said, "port %d", ret_port), 1);
    fclose(said);
    return pid;
}

static struct ink_status hello(struct ink_rpc_client *client, const struct ink_contract *contract,
                               int64_t timeout_ms)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx ctx = ink_ctx_background(&arena);
    Greet__V1__HelloRequest request = GREET__V1__HELLO_REQUEST__INIT;
    ProtobufCMessage *reply;
    request.name = (char *)"Ada";
    ctx.deadline = ink_now() + timeout_ms * INK_MILLISECOND;
    struct ink_status status =
        ink_rpc_client_call(client, &ctx, ink_contract_method(contract, "/greet.v1.Greeter/Hello"),
                            &request.base, &reply);
    status.message = status.cause = NULL; /* they were in the arena */
    ink_arena_release(&arena);
    return status;
}

struct fixture {
    struct ink_arena arena;
    struct ink_contract *contract;
    struct ink_rpc_client *client;
    pid_t server;
};

static void set_up(struct fixture *f, int64_t keepalive_ms)
{
    int port;
    char target[32];
    ink_arena_init(&f->arena);
    assert_true(ink_is_ok(ink_contract_load(&greet_contract, &f->arena, &f->contract)));
    f->server = start_server(&port);
    snprintf(target, sizeof(target), "127.0.0.1:%d", port);
    struct ink_rpc_client_options options = {
        .target = target, .default_timeout_ms = 30000, .keepalive_ms = keepalive_ms};
    assert_true(ink_is_ok(ink_rpc_client_new(f->contract, &options, &f->arena, &f->client)));
    assert_int_equal(hello(f->client, f->contract, 10000).code, INK_OK);
}

static void tear_down(struct fixture *f)
{
    int exit_status;
    ink_rpc_client_free(f->client);
    kill(f->server, SIGTERM);
    assert_int_equal(waitpid(f->server, &exit_status, 0), f->server);
    assert_int_equal(exit_status, 0);
    ink_contract_free(f->contract);
    ink_arena_release(&f->arena);
}

static void freeze(const struct fixture *f)
{
    int exit_status;
    kill(f->server, SIGSTOP);
    assert_int_equal(waitpid(f->server, &exit_status, WUNTRACED), f->server); /* takes a moment */
    assert_true(WIFSTOPPED(exit_status));
}

static void a_frozen_server_is_given_up(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, 800);
    freeze(&f);
    int64_t start = ink_now();
    assert_int_equal(hello(f.client, f.contract, 30000).code, INK_UNAVAILABLE);
    assert_in_range((ink_now() - start) / INK_MILLISECOND, 800, 10000);
    kill(f.server, SIGCONT);
    int64_t until = ink_now() + 20 * INK_SECOND;
    enum ink_code code;
    do
        code = hello(f.client, f.contract, 10000).code;
    while (code != INK_OK && ink_now() < until);
    assert_int_equal(code, INK_OK);
    tear_down(&f);
}

static void *call_for_long(void *arg)
{
    static enum ink_code code;
    struct fixture *f = arg;
    code = hello(f->client, f->contract, 30000).code;
    return &code;
}

/* Long before keepalive would find out. */
static void nobody_waits_for_a_server_that_does_not_say_how_it_is(void **state)
{
    (void)state;
    struct fixture f;
    pthread_t caller;
    void *code;
    set_up(&f, 60000);
    assert_true(ink_rpc_client_healthy(f.client, 10000));
    freeze(&f);
    int64_t start = ink_now();
    assert_int_equal(pthread_create(&caller, NULL, call_for_long, &f), 0);
    for (int i = 0; i < 2; i++)
        assert_false(ink_rpc_client_healthy(f.client, 200));
    assert_int_equal(ink_rpc_client_stats(f.client).breaker, INK_BREAKER_OPEN);
    assert_int_equal(pthread_join(caller, &code), 0);
    assert_int_equal(*(enum ink_code *)code, INK_UNAVAILABLE);
    assert_in_range((ink_now() - start) / INK_MILLISECOND, 400, 20000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(hello(f.client, f.contract, 30000).code, INK_UNAVAILABLE);
    assert_in_range(ink_rpc_client_stats(f.client).refused, 1000, 1000);

    kill(f.server, SIGCONT);
    int64_t until = ink_now() + 20 * INK_SECOND;
    while (!ink_rpc_client_healthy(f.client, 1000) && ink_now() < until)
        ;
    until = ink_now() + 20 * INK_SECOND;
    while (hello(f.client, f.contract, 10000).code != INK_OK && ink_now() < until)
        (void)ink_rpc_client_healthy(f.client, 1000);
    assert_int_equal(ink_rpc_client_stats(f.client).breaker, INK_BREAKER_CLOSED);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frozen_server_is_given_up),
        cmocka_unit_test(nobody_waits_for_a_server_that_does_not_say_how_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
