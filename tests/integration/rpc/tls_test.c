/* TLS and mutual TLS of lib/rpc, with certificates made by openssl for the occasion. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "greet.pb-c.h"
#include "greet_contract.h"
#include "lib/rpc/client.h"
#include "tests/integration/rpc/greeter.h"

static struct ink_arena arena;
static struct ink_contract *contract;
static struct greeter greeter;

static void shell(const char *command)
{
    int status = system(command);
    if (status != 0)
        fail_msg("%s: status %d", command, status);
}

/* A file in the test's own folder. */
static const char *path(const char *name)
{
    const char *folder = getenv("TEST_TMPDIR");
    return ink_arena_printf(&arena, "%s/%s", folder != NULL ? folder : "/tmp", name);
}

static void make_ca(const char *name)
{
    shell(ink_arena_printf(&arena,
                           "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                           "-days 2 -subj /CN=%s -keyout %s.key -out %s.pem 2>/dev/null",
                           name, path(name), path(name)));
}

static void make_certificate(const char *name, const char *ca)
{
    shell(ink_arena_printf(
        &arena,
        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=%s "
        "-keyout %s.key -out %s.csr 2>/dev/null && "
        "echo subjectAltName=DNS:greeter.test,IP:127.0.0.1 >%s.ext && "
        "openssl x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -CAcreateserial -days 2 "
        "-extfile %s.ext -out %s.pem 2>/dev/null",
        name, path(name), path(name), path(name), path(name), path(ca), path(ca), path(name),
        path(name)));
}

static const char *file(const char *name, const char *ending)
{
    return name == NULL ? NULL : ink_arena_printf(&arena, "%s.%s", path(name), ending);
}

/* Certificates by name; NULL for none. */
static struct ink_rpc_tls tls(const char *ca, const char *certificate)
{
    return (struct ink_rpc_tls){
        .ca_file = file(ca, "pem"),
        .cert_file = file(certificate, "pem"),
        .key_file = file(certificate, "key"),
    };
}

static int make_all(void **state)
{
    (void)state;
    ink_arena_init(&arena);
    make_ca("ca");
    make_ca("other-ca");
    make_certificate("server", "ca");
    make_certificate("client", "ca");
    make_certificate("stranger", "other-ca");
    return ink_is_ok(ink_contract_load(&greet_contract, &arena, &contract)) ? 0 : -1;
}

static int release_all(void **state)
{
    (void)state;
    ink_contract_free(contract);
    ink_arena_release(&arena);
    return 0;
}

static struct ink_rpc_server *serve(const struct ink_rpc_tls *server_tls)
{
    struct ink_rpc_server *server;
    struct ink_rpc_server_options options = {.address = "127.0.0.1:0", .tls = server_tls};
    assert_true(ink_is_ok(ink_rpc_server_new(contract, &options, &arena, &server)));
    assert_true(ink_is_ok(
        ink_rpc_server_add(server, "greet.v1.Greeter", greeter_handlers, &greeter, &arena)));
    assert_true(ink_is_ok(ink_rpc_server_start(server, &arena)));
    ink_rpc_server_set_ready(server, true);
    return server;
}

/* How a call by a client with `client_tls` ends. */
static enum ink_code call(const struct ink_rpc_server *server, const struct ink_rpc_tls *client_tls)
{
    struct ink_rpc_client *client;
    struct ink_rpc_client_options options = {
        .target = ink_arena_printf(&arena, "127.0.0.1:%d", ink_rpc_server_port(server)),
        .tls = client_tls,
    };
    assert_true(ink_is_ok(ink_rpc_client_new(contract, &options, &arena, &client)));
    Greet__V1__HelloRequest request = GREET__V1__HELLO_REQUEST__INIT;
    request.name = (char *)"Ada";
    struct ink_ctx ctx = ink_ctx_background(&arena);
    ProtobufCMessage *reply;
    struct ink_status status =
        ink_rpc_client_call(client, &ctx, ink_contract_method(contract, "/greet.v1.Greeter/Hello"),
                            &request.base, &reply);
    if (ink_is_ok(status))
        assert_string_equal(((Greet__V1__HelloReply *)reply)->text, "Hello, Ada!");
    ink_rpc_client_free(client);
    return status.code;
}

static void server_tls_is_checked_by_clients(void **state)
{
    (void)state;
    struct ink_rpc_tls server_tls = tls(NULL, "server");
    struct ink_rpc_server *server = serve(&server_tls);
    struct ink_rpc_tls trusting = tls("ca", NULL), mistaken = tls("other-ca", NULL);
    struct ink_rpc_tls named = trusting, misnamed = trusting;
    named.server_name = "greeter.test";
    misnamed.server_name = "somebody.else";
    assert_int_equal(call(server, &trusting), INK_OK);
    assert_int_equal(call(server, &named), INK_OK);
    assert_int_equal(call(server, &mistaken), INK_UNAVAILABLE);
    assert_int_equal(call(server, &misnamed), INK_UNAVAILABLE);
    assert_int_equal(call(server, NULL), INK_UNAVAILABLE);
    ink_rpc_server_free(server);
}

static void mutual_tls_is_demanded_of_clients(void **state)
{
    (void)state;
    struct ink_rpc_tls server_tls = tls("ca", "server");
    struct ink_rpc_server *server = serve(&server_tls);
    struct ink_rpc_tls known = tls("ca", "client"), stranger = tls("ca", "stranger"),
                       nobody = tls("ca", NULL);
    assert_int_equal(call(server, &known), INK_OK);
    assert_int_equal(call(server, &stranger), INK_UNAVAILABLE);
    assert_int_equal(call(server, &nobody), INK_UNAVAILABLE);
    ink_rpc_server_free(server);
}

static void wrong_files_are_named(void **state)
{
    (void)state;
    struct ink_rpc_server *server;
    struct ink_rpc_client *client;
    struct ink_rpc_tls missing = tls("ca", "missing"), half = tls("ca", "server"),
                       no_ca = tls(NULL, NULL);
    half.key_file = NULL;
    struct ink_rpc_server_options server_options = {.address = "127.0.0.1:0", .tls = &missing};
    assert_true(ink_is_ok(ink_rpc_server_new(contract, &server_options, &arena, &server)));
    struct ink_status status = ink_rpc_server_start(server, &arena);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_non_null(strstr(status.message, "missing.pem"));
    ink_rpc_server_free(server);

    struct ink_rpc_client_options client_options = {.target = "127.0.0.1:1", .tls = &half};
    status = ink_rpc_client_new(contract, &client_options, &arena, &client);
    assert_string_equal(status.message, "a TLS certificate and its key go together");
    client_options.tls = &no_ca;
    status = ink_rpc_client_new(contract, &client_options, &arena, &client);
    assert_string_equal(status.message, "a TLS client needs a CA file to trust");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_tls_is_checked_by_clients),
        cmocka_unit_test(mutual_tls_is_demanded_of_clients),
        cmocka_unit_test(wrong_files_are_named),
    };
    return cmocka_run_group_tests(tests, make_all, release_all);
}
