/*
 * The interceptors on the user contract, with lib/rpc's side of them played by this file:
 * ink_rpc_server_intercept() and ink_rpc_proceed() are defined here.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "inkmesh/user/v1/user.pb-c.h"
#include "inkmesh_contract.h"
#include "lib/log/log.h"
#include "lib/mesh/interceptors.h"

#define USER "inkmesh.user.v1.UserService"
#define STREAM "/inkmesh.notification.v1.NotificationService/StreamNotifications"
#define USER_ID "01939d1c-0000-7000-8000-000000000001"

/* What lib/rpc would have: the chain, and the handler behind it. */
struct ink_rpc_next {
    size_t index;
};
static struct {
    ink_rpc_interceptor_fn *run[16];
    void *self[16];
    size_t count;
} chain;
static struct ink_status answer; /* the handler's */
static int handled;
static bool use_up_the_token; /* while the handler runs */

void ink_rpc_server_intercept(struct ink_rpc_server *server, ink_rpc_interceptor_fn *interceptor,
                              void *self)
{
    (void)server;
    chain.run[chain.count] = interceptor;
    chain.self[chain.count++] = self;
}

struct ink_status ink_rpc_proceed(struct ink_rpc_next *next, struct ink_rpc_call *call)
{
    if (next->index < chain.count) {
        size_t i = next->index++;
        return chain.run[i](chain.self[i], call, next);
    }
    handled++;
    if (use_up_the_token)
        call->ctx->caller.until = ink_now();
    return answer;
}

struct fixture {
    struct ink_arena arena;
    struct ink_contract *contract;
    struct ink_validator *validator;
    struct ink_auth *auth;
    struct ink_metrics *metrics;
    struct ink_mesh_guard guard;
    struct ink_ctx ctx;
    int real_stdout, pipe;
    char log[8192];
};

static void must(struct ink_status status)
{
    if (!ink_is_ok(status))
        fail_msg("%s (%s)", status.message, status.cause != NULL ? status.cause : "");
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct ink_auth_options options = {.secret = "0123456789abcdef0123456789abcdef"};
    int ends[2];
    ink_arena_init(&f->arena);
    must(ink_contract_load(&inkmesh_contract, &f->arena, &f->contract));
    must(ink_validator_new(f->contract, &f->arena, &f->validator));
    must(ink_auth_new(&options, &f->arena, &f->auth));
    f->metrics = ink_metrics_new();
    f->ctx = ink_ctx_background(&f->arena);
    f->ctx.request_id = "req-1";
    chain.count = 0;
    handled = 0;
    use_up_the_token = false;
    answer = ink_ok();
    ink_mesh_guard_init(&f->guard, f->metrics, f->auth, f->validator);
    ink_mesh_guard_add(&f->guard, NULL);
    fflush(stdout);
    f->real_stdout = dup(STDOUT_FILENO);
    assert_return_code(pipe(ends), 0);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    f->pipe = ends[0];
    fcntl(f->pipe, F_SETFL, O_NONBLOCK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    dup2(f->real_stdout, STDOUT_FILENO);
    close(f->real_stdout);
    close(f->pipe);
    ink_metrics_free(f->metrics);
    ink_auth_free(f->auth);
    ink_validator_free(f->validator);
    ink_contract_free(f->contract);
    ink_arena_release(&f->arena);
    free(f);
    return 0;
}

static const char *logged(struct fixture *f)
{
    ssize_t n = read(f->pipe, f->log, sizeof(f->log) - 1);
    f->log[n > 0 ? n : 0] = '\0';
    return f->log;
}

static const char *bearer(struct fixture *f, enum ink_caller_kind kind)
{
    const char *token;
    if (kind == INK_CALLER_USER)
        must(ink_auth_issue_user(f->auth, &f->arena, USER_ID, &token));
    else
        must(ink_auth_issue_service(f->auth, &f->arena, "blog", &token));
    return ink_arena_printf(&f->arena, "Bearer %s", token);
}

static struct ink_status run(struct fixture *f, const char *method, const void *request)
{
    struct ink_rpc_next next = {0};
    struct ink_rpc_call call = {
        .method =
            ink_contract_method(f->contract, ink_arena_printf(&f->arena, "/" USER "/%s", method)),
        .ctx = &f->ctx,
        .request = request,
    };
    assert_non_null(call.method);
    return ink_rpc_proceed(&next, &call);
}

static struct ink_status profile(struct fixture *f)
{
    Inkmesh__User__V1__GetProfileRequest request = INKMESH__USER__V1__GET_PROFILE_REQUEST__INIT;
    return run(f, "GetProfile", &request);
}

static struct ink_status batch(struct fixture *f)
{
    char *ids[] = {USER_ID};
    Inkmesh__User__V1__BatchGetUsersRequest request =
        INKMESH__USER__V1__BATCH_GET_USERS_REQUEST__INIT;
    request.ids = ids;
    request.n_ids = 1;
    return run(f, "BatchGetUsers", &request);
}

static struct ink_status login(struct fixture *f, char *email)
{
    Inkmesh__User__V1__LoginRequest request = INKMESH__USER__V1__LOGIN_REQUEST__INIT;
    request.email = email;
    request.password = "secret password";
    return run(f, "Login", &request);
}

static void adds_them_in_the_designs_order(void **state)
{
    (void)state;
    assert_int_equal(chain.count, 5);
    assert_ptr_equal(chain.run[0], ink_mesh_count);
    assert_ptr_equal(chain.run[1], ink_mesh_log);
    assert_ptr_equal(chain.run[2], ink_mesh_authenticate);
    assert_ptr_equal(chain.run[3], ink_mesh_authorize);
    assert_ptr_equal(chain.run[4], ink_mesh_validate);
}

static void lets_a_user_in(void **state)
{
    struct fixture *f = *state;
    f->ctx.authorization = bearer(f, INK_CALLER_USER);
    assert_int_equal(profile(f).code, INK_OK);
    assert_int_equal(handled, 1);
    assert_int_equal(f->ctx.caller.kind, INK_CALLER_USER);
    assert_string_equal(f->ctx.caller.id, USER_ID);
}

static void refuses_a_caller_without_credentials(void **state)
{
    struct fixture *f = *state;
    struct ink_status status = profile(f);
    assert_int_equal(status.code, INK_UNAUTHENTICATED);
    assert_string_equal(status.reason, INK_AUTH_TOKEN_MISSING);
    assert_int_equal(batch(f).code, INK_UNAUTHENTICATED);
    assert_int_equal(handled, 0);
}

static void refuses_a_bad_token(void **state)
{
    struct fixture *f = *state;
    f->ctx.authorization = "Bearer nonsense";
    struct ink_status status = profile(f);
    assert_int_equal(status.code, INK_UNAUTHENTICATED);
    assert_string_equal(status.reason, INK_AUTH_TOKEN_INVALID);
    assert_int_equal(handled, 0);
    assert_null(strstr(logged(f), "nonsense"));
}

static void refuses_a_caller_of_the_wrong_kind(void **state)
{
    struct fixture *f = *state;
    f->ctx.authorization = bearer(f, INK_CALLER_SERVICE);
    assert_int_equal(profile(f).code, INK_PERMISSION_DENIED);
    f->ctx.authorization = bearer(f, INK_CALLER_USER);
    struct ink_status status = batch(f);
    assert_int_equal(status.code, INK_PERMISSION_DENIED);
    assert_string_equal(status.message, "only a service of the mesh may do this");
    assert_int_equal(handled, 0);
}

static void lets_a_service_in_by_token_or_certificate(void **state)
{
    struct fixture *f = *state;
    f->ctx.authorization = bearer(f, INK_CALLER_SERVICE);
    assert_int_equal(batch(f).code, INK_OK);
    assert_string_equal(f->ctx.caller.id, "blog");
    f->ctx.authorization = NULL;
    f->ctx.caller = (struct ink_caller){.kind = INK_CALLER_SERVICE, .id = "notification"};
    assert_int_equal(batch(f).code, INK_OK);
    assert_string_equal(f->ctx.caller.id, "notification");
    assert_int_equal(handled, 2);
}

static void looks_at_no_credentials_where_anyone_may_call(void **state)
{
    struct fixture *f = *state;
    f->ctx.authorization = "Bearer nonsense";
    assert_int_equal(login(f, "a@example.org").code, INK_OK);
    assert_int_equal(f->ctx.caller.kind, INK_CALLER_ANYONE);
    assert_int_equal(handled, 1);
}

static void accepts_no_token_without_keys(void **state)
{
    struct fixture *f = *state;
    f->guard.auth = NULL;
    f->ctx.authorization = bearer(f, INK_CALLER_USER);
    assert_int_equal(profile(f).code, INK_UNAUTHENTICATED);
    assert_int_equal(handled, 0);
}

static struct ink_status stream(struct fixture *f)
{
    struct ink_rpc_next next = {0};
    struct ink_rpc_call call = {.method = ink_contract_method(f->contract, STREAM), .ctx = &f->ctx};
    assert_non_null(call.method);
    return ink_rpc_proceed(&next, &call);
}

/* The handler of a stream sees the token's end as its deadline, and the client hears why. */
static void ends_a_stream_with_its_token(void **state)
{
    struct fixture *f = *state;
    f->ctx.authorization = bearer(f, INK_CALLER_USER);
    assert_int_equal(stream(f).code, INK_OK);
    assert_in_range(f->ctx.deadline, ink_now() + 3590 * INK_SECOND, ink_now() + 3600 * INK_SECOND);
    f->ctx.deadline = INK_NO_DEADLINE;
    answer = ink_error(INK_DEADLINE_EXCEEDED, "the database is slow");
    assert_int_equal(stream(f).code, INK_DEADLINE_EXCEEDED);
    f->ctx.deadline = INK_NO_DEADLINE;
    use_up_the_token = true;
    struct ink_status status = stream(f);
    assert_int_equal(status.code, INK_UNAUTHENTICATED);
    assert_string_equal(status.reason, INK_AUTH_TOKEN_EXPIRED);
}

static void leaves_other_deadlines_alone(void **state)
{
    struct fixture *f = *state;
    f->ctx.authorization = bearer(f, INK_CALLER_USER);
    assert_int_equal(profile(f).code, INK_OK);
    assert_true(f->ctx.deadline == INK_NO_DEADLINE);
    int64_t soon = ink_now() + INK_SECOND;
    f->ctx.deadline = soon;
    assert_int_equal(stream(f).code, INK_OK);
    assert_true(f->ctx.deadline == soon);
}

/* Both who may call (every declared access, and none) and what a contract can say later. */
static void keeps_each_access_rule(void **state)
{
    struct fixture *f = *state;
    static const struct {
        Inkmesh__Options__V1__Access access;
        enum ink_code anyone, user, service;
    } rules[] = {
        {INKMESH__OPTIONS__V1__ACCESS__ACCESS_UNSPECIFIED, INK_UNAUTHENTICATED,
         INK_PERMISSION_DENIED, INK_PERMISSION_DENIED},
        {INKMESH__OPTIONS__V1__ACCESS__ACCESS_ANYONE, INK_OK, INK_OK, INK_OK},
        {INKMESH__OPTIONS__V1__ACCESS__ACCESS_USER, INK_UNAUTHENTICATED, INK_OK,
         INK_PERMISSION_DENIED},
        {INKMESH__OPTIONS__V1__ACCESS__ACCESS_SERVICE, INK_UNAUTHENTICATED, INK_PERMISSION_DENIED,
         INK_OK},
        {INKMESH__OPTIONS__V1__ACCESS__ACCESS_USER_OR_SERVICE, INK_UNAUTHENTICATED, INK_OK, INK_OK},
        {(Inkmesh__Options__V1__Access)99, INK_UNAUTHENTICATED, INK_PERMISSION_DENIED,
         INK_PERMISSION_DENIED},
    };
    struct ink_method method = *ink_contract_method(f->contract, "/" USER "/GetProfile");
    Inkmesh__Options__V1__MethodOptions options = INKMESH__OPTIONS__V1__METHOD_OPTIONS__INIT;
    struct ink_rpc_call call = {.method = &method, .ctx = &f->ctx};
    chain.count = 0;
    for (size_t i = 0; i < INK_COUNT(rules); i++) {
        const enum ink_code expected[] = {rules[i].anyone, rules[i].user, rules[i].service};
        options.access = rules[i].access;
        method.options = &options;
        for (int kind = INK_CALLER_ANYONE; kind <= INK_CALLER_SERVICE; kind++) {
            struct ink_rpc_next next = {0};
            f->ctx.caller.kind = (enum ink_caller_kind)kind;
            assert_int_equal(ink_mesh_authorize(&f->guard, &call, &next).code, expected[kind]);
        }
    }
    method.options = NULL;
    struct ink_rpc_next next = {0};
    assert_int_equal(ink_mesh_authorize(&f->guard, &call, &next).code, INK_PERMISSION_DENIED);
}

static void validates_requests(void **state)
{
    struct fixture *f = *state;
    struct ink_status status = login(f, "");
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_string_equal(status.violations->field, "email");
    assert_int_equal(handled, 0);
    /* Not before it is known that the caller may ask at all. */
    Inkmesh__User__V1__BatchGetUsersRequest empty =
        INKMESH__USER__V1__BATCH_GET_USERS_REQUEST__INIT;
    assert_int_equal(run(f, "BatchGetUsers", &empty).code, INK_UNAUTHENTICATED);
    /* A client stream's messages come later. */
    assert_int_equal(run(f, "Login", NULL).code, INK_OK);
}

static void counts_calls_by_outcome(void **state)
{
    struct fixture *f = *state;
    struct ink_buf text = INK_BUF_INIT;
    login(f, "a@example.org");
    login(f, "a@example.org");
    login(f, "");
    answer = ink_error(INK_NOT_FOUND, "no such user");
    login(f, "a@example.org");
    ink_metrics_write(f->metrics, &text);
#define LABELS "{grpc_service=\"" USER "\",grpc_method=\"Login\""
    assert_non_null(
        strstr(text.data, "\ngrpc_server_handled_total" LABELS ",grpc_code=\"OK\"} 2\n"));
    assert_non_null(strstr(text.data, "\ngrpc_server_handled_total" LABELS
                                      ",grpc_code=\"INVALID_ARGUMENT\"} 1\n"));
    assert_non_null(
        strstr(text.data, "\ngrpc_server_handled_total" LABELS ",grpc_code=\"NOT_FOUND\"} 1\n"));
    assert_non_null(strstr(text.data, "\ngrpc_server_handling_seconds_count" LABELS "} 4\n"));
    ink_buf_release(&text);
}

static void logs_a_line_a_call(void **state)
{
    struct fixture *f = *state;
    f->ctx.peer = "127.0.0.1:5";
    f->ctx.authorization = bearer(f, INK_CALLER_USER);
    profile(f);
    const char *line = logged(f);
    assert_non_null(strstr(line, "\"level\":\"info\""));
    assert_non_null(strstr(line, "\"msg\":\"call\",\"request_id\":\"req-1\""));
    assert_non_null(strstr(line, "\"method\":\"" USER ".GetProfile\",\"code\":\"OK\",\"ms\":"));
    assert_non_null(strstr(line, "\"caller\":\"user\",\"caller_id\":\"" USER_ID "\","
                                 "\"peer\":\"127.0.0.1:5\"}\n"));
    assert_null(strstr(line, f->ctx.authorization + strlen("Bearer ")));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void logs_failures_with_cause_and_weight(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum ink_code code;
        const char *level;
    } cases[] = {
        {INK_NOT_FOUND, "info"},         {INK_ALREADY_EXISTS, "info"}, {INK_CANCELLED, "info"},
        {INK_UNAVAILABLE, "warn"},       {INK_INTERNAL, "error"},      {INK_UNKNOWN, "error"},
        {INK_DEADLINE_EXCEEDED, "warn"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        answer = ink_error_cause(&f->arena, cases[i].code, "sorry", "disk %d", 7);
        assert_int_equal(login(f, "a@example.org").code, cases[i].code);
        const char *line = logged(f);
        assert_non_null(
            strstr(line, ink_arena_printf(&f->arena, "\"level\":\"%s\"", cases[i].level)));
        assert_non_null(strstr(line, "\"error\":\"sorry\",\"cause\":\"disk 7\""));
        assert_non_null(strstr(line, "\"caller\":\"anyone\"}"));
        assert_null(strstr(line, "secret password"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(adds_them_in_the_designs_order),
        CASE(lets_a_user_in),
        CASE(refuses_a_caller_without_credentials),
        CASE(refuses_a_bad_token),
        CASE(refuses_a_caller_of_the_wrong_kind),
        CASE(lets_a_service_in_by_token_or_certificate),
        CASE(looks_at_no_credentials_where_anyone_may_call),
        CASE(accepts_no_token_without_keys),
        CASE(ends_a_stream_with_its_token),
        CASE(leaves_other_deadlines_alone),
        CASE(keeps_each_access_rule),
        CASE(validates_requests),
        CASE(counts_calls_by_outcome),
        CASE(logs_a_line_a_call),
        CASE(logs_failures_with_cause_and_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
