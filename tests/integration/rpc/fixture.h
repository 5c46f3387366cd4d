/*
 * What the tests of lib/rpc's server and client share: a server of the Greeter and a client of it,
 * new for each test, which gets them as its state.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "greet.pb-c.h"
#include "lib/rpc/client.h"
#include "tests/integration/rpc/greeter.h"

#define SERVICE "greet.v1.Greeter"

struct fixture {
    struct ink_arena arena;
    struct ink_contract *contract;
    struct greeter greeter;
    struct ink_rpc_server *server;
    struct ink_rpc_client *client;
    char address[32];
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);
#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

/* Fails the test with what went wrong, if anything did. */
void fixture_must(struct ink_status status);
/* Another server or client in the place of the first, which the caller has freed. */
void fixture_start_server(struct fixture *f, const char *address,
                          ink_rpc_interceptor_fn *interceptor);
void fixture_start_client(struct fixture *f);

const struct ink_method *fixture_method(const struct fixture *f, const char *name);
Greet__V1__HelloRequest fixture_request(const char *name);
struct ink_status fixture_call(struct fixture *f, const struct ink_ctx *ctx, const char *name,
                               const Greet__V1__HelloRequest *request,
                               Greet__V1__HelloReply **reply);
