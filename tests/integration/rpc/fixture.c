#include "tests/integration/rpc/fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "greet_contract.h"

void fixture_must(struct ink_status status)
{
    if (!ink_is_ok(status))
        fail_msg("%s: %s (%s)", ink_code_name(status.code), status.message,
                 status.cause != NULL ? status.cause : "");
}

void fixture_start_server(struct fixture *f, const char *address,
                          ink_rpc_interceptor_fn *interceptor)
{
    struct ink_rpc_server_options options = {
        .address = address, .workers = 2, .max_streams = 3, .max_message_bytes = 100000};
    fixture_must(ink_rpc_server_new(f->contract, &options, &f->arena, &f->server));
    fixture_must(ink_rpc_server_add(f->server, SERVICE, greeter_handlers, &f->greeter, &f->arena));
    if (interceptor != NULL)
        ink_rpc_server_intercept(f->server, interceptor, f);
    fixture_must(ink_rpc_server_start(f->server, &f->arena));
    ink_rpc_server_set_ready(f->server, true);
    snprintf(f->address, sizeof(f->address), "127.0.0.1:%d", ink_rpc_server_port(f->server));
}

void fixture_start_client(struct fixture *f)
{
    struct ink_rpc_client_options options = {.target = f->address, .default_timeout_ms = 60000};
    fixture_must(ink_rpc_client_new(f->contract, &options, &f->arena, &f->client));
}

int fixture_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    ink_arena_init(&f->arena);
    fixture_must(ink_contract_load(&greet_contract, &f->arena, &f->contract));
    fixture_start_server(f, "127.0.0.1:0", NULL);
    fixture_start_client(f);
    *state = f;
    return 0;
}

int fixture_tear_down(void **state)
{
    struct fixture *f = *state;
    ink_rpc_client_free(f->client);
    ink_rpc_server_free(f->server);
    ink_contract_free(f->contract);
    ink_arena_release(&f->arena);
    free(f);
    return 0;
}

const struct ink_method *fixture_method(const struct fixture *f, const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "/" SERVICE "/%s", name);
    const struct ink_method *m = ink_contract_method(f->contract, path);
    assert_non_null(m);
    return m;
}

struct ink_status fixture_call(struct fixture *f, const struct ink_ctx *ctx, const char *name,
                               const Greet__V1__HelloRequest *request,
                               Greet__V1__HelloReply **reply)
{
    ProtobufCMessage *message = NULL;
    struct ink_status status =
        ink_rpc_client_call(f->client, ctx, fixture_method(f, name), &request->base, &message);
    *reply = (Greet__V1__HelloReply *)message;
    return status;
}

Greet__V1__HelloRequest fixture_request(const char *name)
{
    Greet__V1__HelloRequest request = GREET__V1__HELLO_REQUEST__INIT;
    request.name = (char *)name;
    return request;
}
