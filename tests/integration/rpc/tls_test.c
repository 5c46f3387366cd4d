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

/* For a name, good for `days`, which may be negative: it expired then. */
static void make_named(const char *name, const char *ca, const char *identity, int days)
{
    shell(ink_arena_printf(
        &arena,
        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=%s "
        "-keyout %s.key -out %s.csr 2>/dev/null && "
        "echo subjectAltName=%s,IP:127.0.0.1 >%s.ext && "
        "openssl x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -CAcreateserial -days %d "
        "-extfile %s.ext -out %s.pem 2>/dev/null",
        name, path(name), path(name), identity, path(name), path(name), path(ca), path(ca), days,
        path(name), path(name)));
}

static void make_certificate(const char *name, const char *ca)
{
    make_named(name, ca, "DNS:greeter.test", 2);
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

static char refused[100];

static void note_refused(void *self, const char *names)
{
    (void)self;
    snprintf(refused, sizeof(refused), "%s", names);
}

static struct ink_rpc_server *serve(const struct ink_rpc_tls *server_tls)
{
    struct ink_rpc_server *server;
    struct ink_rpc_server_options options = {
        .address = "127.0.0.1:0", .tls = server_tls, .refused = note_refused};
    assert_true(ink_is_ok(ink_rpc_server_new(contract, &options, &arena, &server)));
    assert_true(ink_is_ok(
        ink_rpc_server_add(server, "greet.v1.Greeter", greeter_handlers, &greeter, &arena)));
    assert_true(ink_is_ok(ink_rpc_server_start(server, &arena)));
    ink_rpc_server_set_ready(server, true);
    return server;
}

static enum ink_code hello(struct ink_rpc_client *client)
{
    Greet__V1__HelloRequest request = GREET__V1__HELLO_REQUEST__INIT;
    request.name = (char *)"Ada";
    struct ink_ctx ctx = ink_ctx_background(&arena);
    ProtobufCMessage *reply;
    struct ink_status status =
        ink_rpc_client_call(client, &ctx, ink_contract_method(contract, "/greet.v1.Greeter/Hello"),
                            &request.base, &reply);
    if (ink_is_ok(status))
        assert_string_equal(((Greet__V1__HelloReply *)reply)->text, "Hello, Ada!");
    return status.code;
}

static struct ink_rpc_client_stream *open_stream(struct ink_rpc_client *client)
{
    Greet__V1__HelloRequest request = GREET__V1__HELLO_REQUEST__INIT;
    struct ink_ctx ctx = ink_ctx_background(&arena);
    struct ink_rpc_client_stream *stream;
    ProtobufCMessage *first;
    request.name = (char *)"Ada";
    request.times = 4;
    request.take_ms = 1000;
    assert_true(ink_is_ok(ink_rpc_client_stream_open(
        client, &ctx, ink_contract_method(contract, "/greet.v1.Greeter/Many"), &request.base,
        &stream)));
    assert_true(ink_is_ok(ink_rpc_client_stream_recv(stream, 20000, &arena, &first)));
    return stream;
}

/* How many messages are left in it; it must end well. */
static int read_stream(struct ink_rpc_client_stream *stream)
{
    ProtobufCMessage *message;
    int count = 0;
    for (;; count++) {
        assert_true(ink_is_ok(ink_rpc_client_stream_recv(stream, 20000, &arena, &message)));
        if (message == NULL)
            break;
    }
    ink_rpc_client_stream_free(stream);
    return count;
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
    enum ink_code code = hello(client);
    ink_rpc_client_free(client);
    return code;
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

/* Our clients watch a server's health before they call it, and that is refused already: to them it
 * is not there, rather than forbidden for whoever asked them. */
static void clients_need_an_allowed_name(void **state)
{
    (void)state;
    static const struct {
        const char *clients;
        const char *identity;
        enum ink_code code;
    } cases[] = {
        {"gateway", "DNS:gateway", INK_OK},
        {"gateway", "DNS:GateWay", INK_OK},
        {"reader, gateway", "DNS:other,DNS:gateway", INK_OK},
        {"spiffe://inkmesh/gateway", "URI:spiffe://inkmesh/gateway", INK_OK},
        {"gateway", "DNS:blog", INK_UNAVAILABLE},
        {"gateway", "DNS:gateway.example", INK_UNAVAILABLE},
        {"gateway", "DNS:gate", INK_UNAVAILABLE},
        {"gateway", "email:gateway", INK_UNAVAILABLE},
        {"127.0.0.1", "DNS:blog", INK_UNAVAILABLE},
        {",", "DNS:gateway", INK_UNAVAILABLE},
        {"*", "DNS:anybody", INK_OK},
        {NULL, "DNS:anybody", INK_OK},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_rpc_tls server_tls = tls("ca", "server"), client_tls = tls("ca", "named");
        server_tls.clients = cases[i].clients;
        make_named("named", "ca", cases[i].identity, 2);
        struct ink_rpc_server *server = serve(&server_tls);
        refused[0] = '\0';
        assert_int_equal(call(server, &client_tls), cases[i].code);
        if (cases[i].code == INK_OK)
            assert_string_equal(refused, "");
        else
            assert_non_null(strstr(cases[i].identity, strtok(refused, ",")));
        ink_rpc_server_free(server);
    }
}

static void expired_certificates_are_refused_on_both_sides(void **state)
{
    (void)state;
    make_named("late", "ca", "DNS:greeter.test", -1);
    struct ink_rpc_tls late = tls("ca", "late");
    struct ink_rpc_client *client;
    struct ink_rpc_client_options options = {.target = "127.0.0.1:1", .tls = &late};
    struct ink_status status = ink_rpc_client_new(contract, &options, &arena, &client);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_non_null(strstr(status.message, "late.pem expired on"));
}

static void put(const char *from, const char *to)
{
    shell(ink_arena_printf(&arena, "cp %s.pem %s.pem && cp %s.key %s.key", path(from), path(to),
                           path(from), path(to)));
}

/* A client whose server got the certificate of another authority, and then trusts that. */
static void both_sides_take_over_new_files(void **state)
{
    (void)state;
    make_certificate("other", "other-ca");
    make_ca("trust");
    put("server", "used");
    put("client", "own");
    put("ca", "trust");
    struct ink_rpc_tls server_tls = tls("trust", "used"), client_tls = tls("trust", "own");
    struct ink_tls_state news;
    struct ink_rpc_server *server = serve(&server_tls);
    struct ink_rpc_client *client;
    struct ink_rpc_client_options options = {
        .target = ink_arena_printf(&arena, "127.0.0.1:%d", ink_rpc_server_port(server)),
        .tls = &client_tls,
    };
    assert_true(ink_is_ok(ink_rpc_client_new(contract, &options, &arena, &client)));
    struct ink_rpc_client_stream *stream = open_stream(client);
    assert_true(ink_is_ok(ink_rpc_server_reload(server, &arena, &news)));
    assert_true(news.used && !news.changed && news.expires > 0);
    assert_int_equal(call(server, &client_tls), INK_OK);

    put("other", "used");
    put("stranger", "own");
    put("other-ca", "trust");
    assert_true(ink_is_ok(ink_rpc_server_reload(server, &arena, &news)));
    assert_true(news.changed);
    struct ink_rpc_tls old = tls("ca", "client"), new = tls("other-ca", "stranger");
    assert_int_equal(call(server, &old), INK_UNAVAILABLE);
    assert_int_equal(call(server, &new), INK_OK);
    assert_int_equal(hello(client), INK_OK); /* on its old connection */
    assert_true(ink_is_ok(ink_rpc_client_reload(client, &arena, &news)));
    assert_true(news.changed);
    assert_int_equal(hello(client), INK_OK); /* on a new one */
    assert_true(read_stream(stream) >= 3);   /* that one never noticed */

    shell(ink_arena_printf(&arena, "echo nonsense >%s.key", path("used")));
    struct ink_status status = ink_rpc_server_reload(server, &arena, &news);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_non_null(strstr(status.message, "used.key"));
    shell(ink_arena_printf(&arena, "echo nonsense >%s.pem", path("trust")));
    status = ink_rpc_client_reload(client, &arena, &news);
    assert_non_null(strstr(status.message, "trust.pem holds no certificate"));
    assert_int_equal(hello(client), INK_OK);
    assert_int_equal(call(server, &new), INK_OK);
    ink_rpc_client_free(client);
    ink_rpc_server_free(server);
}

static void plain_text_has_nothing_to_reload(void **state)
{
    (void)state;
    struct ink_rpc_server *server = serve(NULL);
    struct ink_tls_state news = {.used = true};
    assert_true(ink_is_ok(ink_rpc_server_reload(server, &arena, &news)));
    assert_false(news.used);
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
        cmocka_unit_test(clients_need_an_allowed_name),
        cmocka_unit_test(expired_certificates_are_refused_on_both_sides),
        cmocka_unit_test(both_sides_take_over_new_files),
        cmocka_unit_test(plain_text_has_nothing_to_reload),
        cmocka_unit_test(wrong_files_are_named),
    };
    return cmocka_run_group_tests(tests, make_all, release_all);
}
