/* A server that is frozen: its kernel keeps the connection, so only keepalive can tell. The server
 * is the example of lib/rpc/server.h, as a process of its own. */
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

static void a_frozen_server_is_given_up(void **state)
{
    (void)state;
    int port, exit_status;
    char target[32];
    struct ink_arena arena;
    struct ink_contract *contract;
    struct ink_rpc_client *client;
    ink_arena_init(&arena);
    assert_true(ink_is_ok(ink_contract_load(&greet_contract, &arena, &contract)));
    pid_t server = start_server(&port);
    snprintf(target, sizeof(target), "127.0.0.1:%d", port);
    struct ink_rpc_client_options options = {
        .target = target, .default_timeout_ms = 30000, .keepalive_ms = 800};
    assert_true(ink_is_ok(ink_rpc_client_new(contract, &options, &arena, &client)));
    assert_int_equal(hello(client, contract, 10000).code, INK_OK);

    kill(server, SIGSTOP);
    assert_int_equal(waitpid(server, &exit_status, WUNTRACED), server); /* it takes a moment */
    assert_true(WIFSTOPPED(exit_status));
    int64_t start = ink_now();
    assert_int_equal(hello(client, contract, 30000).code, INK_UNAVAILABLE);
    assert_in_range((ink_now() - start) / INK_MILLISECOND, 800, 10000);
    kill(server, SIGCONT);
    int64_t until = ink_now() + 20 * INK_SECOND;
    enum ink_code code;
    do
        code = hello(client, contract, 10000).code;
    while (code != INK_OK && ink_now() < until);
    assert_int_equal(code, INK_OK);

    ink_rpc_client_free(client);
    kill(server, SIGTERM);
    assert_int_equal(waitpid(server, &exit_status, 0), server);
    assert_int_equal(exit_status, 0);
    ink_contract_free(contract);
    ink_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_frozen_server_is_given_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
