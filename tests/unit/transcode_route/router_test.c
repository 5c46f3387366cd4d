#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "inkmesh_contract.h"
#include "lib/transcode/router.h"
#include "route_contract.h"

static struct ink_arena arena;
static struct ink_contract *contract;

static int load(void **state)
{
    (void)state;
    ink_arena_init(&arena);
    struct ink_status status = ink_contract_load(&route_contract, &arena, &contract);
    if (!ink_is_ok(status))
        fprintf(stderr, "%s: %s\n", status.message, status.cause);
    return ink_is_ok(status) ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    ink_contract_free(contract);
    ink_arena_release(&arena);
    return 0;
}

static struct ink_method *method_of(const char *name)
{
    const struct ink_service *service =
        ink_contract_service(contract, "inkmesh.test.route.v1.Library");
    assert_non_null(service);
    for (size_t i = 0; i < service->n_methods; i++)
        if (!strcmp(service->methods[i].name, name))
            return &service->methods[i];
    fail_msg("no method %s", name);
    return NULL;
}

static struct ink_router *new_router(void)
{
    struct ink_router *router = NULL;
    struct ink_status status = ink_router_new(contract, &arena, &router);
    if (!ink_is_ok(status))
        fail_msg("%s", status.message);
    return router;
}

static void lists_all_bindings(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "GetPost GET /v1/posts/{id}",
        "GetFeatured GET /v1/posts/featured",
        "CreatePost POST /v1/posts",
        "UpdatePost PATCH /v1/posts/{id}",
        "UpdatePost PUT /v1/posts/{id}",
        "PublishPost POST /v1/posts/{id}:publish",
        "UpdateBook PATCH /v1/{book.name=shelves/*/books/*}",
        "SetTags PUT /v1/books/{book.name}/tags",
        "SetTags PATCH /v1/books/{book.name}/tags",
        "Search GET /v1/search",
        "Kinds GET /v1/kinds/{big}/{yes}/{shade}/{text}/{small}/{raw}/{real}",
        "Kinds GET /v1/choices/{first_choice}",
        "Kinds POST /v1/kinds/{big}/{yes}/{shade}/{text}/{small}/{raw}/{real}",
        "Purge PURGE /v1/cache/{id=**}",
        "Move PUT /v1/moves/{id}/{to}/{plain}",
    };
    struct ink_router *router = new_router();
    size_t count;
    const struct ink_route *routes = ink_router_routes(router, &count);
    assert_int_equal(count, INK_COUNT(expected));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(ink_arena_printf(&arena, "%s %s %s", routes[i].rpc->name,
                                             routes[i].method, routes[i].template_text),
                            expected[i]);
        assert_int_equal(routes[i].index, i);
    }
    assert_ptr_equal(routes[4].rule, routes[4].rpc->http->additional_bindings[0]);
    ink_router_free(router);
}

static void matches_requests(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path;
        enum ink_path_result result;
        enum ink_code code;
        const char *detail; /* the method's name, the Allow list or the message */
    } cases[] = {
        {"GET", "/v1/posts/1", INK_PATH_FOUND, INK_OK, "GetPost"},
        {"HEAD", "/v1/posts/1", INK_PATH_FOUND, INK_OK, "GetPost"},
        {"GET", "/v1/posts/featured", INK_PATH_FOUND, INK_OK, "GetFeatured"},
        {"PUT", "/v1/posts/1", INK_PATH_FOUND, INK_OK, "UpdatePost"},
        {"POST", "/v1/posts/1:publish", INK_PATH_FOUND, INK_OK, "PublishPost"},
        {"PATCH", "/v1/shelves/1/books/2", INK_PATH_FOUND, INK_OK, "UpdateBook"},
        {"PURGE", "/v1/cache/a/b", INK_PATH_FOUND, INK_OK, "Purge"},
        {"GET", "/v1/none", INK_PATH_UNKNOWN, INK_NOT_FOUND, "no such path"},
        {"GET", "/v1/posts/", INK_PATH_UNKNOWN, INK_NOT_FOUND, "no such path"},
        {"GET", "/v1/posts", INK_PATH_BAD_METHOD, INK_UNIMPLEMENTED,
         "this path takes POST, OPTIONS only"},
        {"GET", "/v1/posts/%zz", INK_PATH_MALFORMED, INK_INVALID_ARGUMENT,
         "the path has a \"%\" that no two hexadecimal digits follow"},
        {"OPTIONS", "/v1/posts/1", INK_PATH_OPTIONS, INK_OK, "GET, HEAD, PUT, PATCH, OPTIONS"},
    };
    struct ink_router *router = new_router();
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_route_match match =
            ink_router_match(router, cases[i].method, cases[i].path, strlen(cases[i].path), &arena);
        assert_int_equal(match.result, cases[i].result);
        assert_int_equal(match.status.code, cases[i].code);
        const char *detail = match.route                        ? match.route->rpc->name
                             : match.result == INK_PATH_OPTIONS ? match.allow
                                                                : match.status.message;
        assert_string_equal(detail, cases[i].detail);
        assert_int_equal(match.route != NULL, match.result == INK_PATH_FOUND);
    }
    struct ink_route_match match =
        ink_router_match(router, "PATCH", "/v1/shelves/1/books/2", 21, &arena);
    assert_string_equal(match.values[0], "shelves/1/books/2");
    match = ink_router_match(router, "DELETE", "/v1/posts/1", 11, &arena);
    assert_string_equal(match.allow, "GET, HEAD, PUT, PATCH, OPTIONS");
    ink_router_free(router);
    ink_router_free(NULL);
}

static void knows_the_response_body(void **state)
{
    (void)state;
    struct ink_router *router = new_router();
    size_t count;
    const struct ink_route *routes = ink_router_routes(router, &count);
    assert_null(ink_binding_response_field(routes[0].binding));
    assert_false(ink_binding_takes_body(routes[0].binding));
    assert_string_equal(ink_binding_response_field(routes[6].binding)->name, "book");
    assert_true(ink_binding_takes_body(routes[6].binding));
    assert_string_equal(ink_binding_response_field(routes[7].binding)->name, "tags");
    assert_null(ink_binding_response_field(routes[8].binding));
    ink_router_free(router);
}

#define LIBRARY "inkmesh.test.route.v1.Library."

static Google__Api__HttpRule get_rule(const char *path)
{
    Google__Api__HttpRule rule = GOOGLE__API__HTTP_RULE__INIT;
    rule.pattern_case = GOOGLE__API__HTTP_RULE__PATTERN_GET;
    rule.get = (char *)path;
    return rule;
}

/* Builds a router whose `method` has another rule. Returns the message, or NULL. */
static const char *mistake_of(const char *method, const Google__Api__HttpRule *rule)
{
    struct ink_router *router = NULL;
    struct ink_method *changed = method_of(method);
    const Google__Api__HttpRule *before = changed->http;
    changed->http = rule;
    struct ink_status status = ink_router_new(contract, &arena, &router);
    changed->http = before;
    if (ink_is_ok(status)) {
        ink_router_free(router);
        return NULL;
    }
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_null(router);
    return status.message;
}

static void names_the_method_of_a_bad_rule(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *body, *response, *message;
    } cases[] = {
        {"Internal", "/v1/ok/{id}/{title}/{author.full_name}/{author.editor.age}", NULL, NULL,
         NULL},
        {"Internal", "/v1/{x", NULL, NULL,
         "method " LIBRARY "Internal: path template \"/v1/{x\": expected \"}\" at position 6"},
        {"Internal", "/v1/{nope}", NULL, NULL,
         "method " LIBRARY "Internal, binding \"/v1/{nope}\": the request has no field for the "
         "path variable \"nope\""},
        {"Internal", "/v1/{author.nope}", NULL, NULL,
         "method " LIBRARY "Internal, binding \"/v1/{author.nope}\": the request has no field for "
         "the path variable \"author.nope\""},
        {"Internal", "/v1/{updateMask}", NULL, NULL,
         "method " LIBRARY "Internal, binding \"/v1/{updateMask}\": the request has no field for "
         "the path variable \"updateMask\""},
        {"Internal", "/v1/{tags}", NULL, NULL,
         "method " LIBRARY "Internal, binding \"/v1/{tags}\": neither a list nor a message can be "
         "the path variable \"tags\""},
        {"Internal", "/v1/{labels}", NULL, NULL,
         "method " LIBRARY "Internal, binding \"/v1/{labels}\": neither a list nor a message can "
         "be the path variable \"labels\""},
        {"Internal", "/v1/{author}", NULL, NULL,
         "method " LIBRARY "Internal, binding \"/v1/{author}\": neither a list nor a message can "
         "be the path variable \"author\""},
        {"Internal", "/v1/{update_mask}", NULL, NULL,
         "method " LIBRARY "Internal, binding \"/v1/{update_mask}\": neither a list nor a message "
         "can be the path variable \"update_mask\""},
        {"Internal", "/v1/{id.x}", NULL, NULL,
         "method " LIBRARY "Internal, binding \"/v1/{id.x}\": only plain messages have fields for "
         "the path variable \"id.x\""},
        {"Internal", "/v1/{title.value}", NULL, NULL,
         "method " LIBRARY "Internal, binding \"/v1/{title.value}\": only plain messages have "
         "fields for the path variable \"title.value\""},
        {"Internal", "/v1/{labels.key}", NULL, NULL,
         "method " LIBRARY "Internal, binding \"/v1/{labels.key}\": only plain messages have "
         "fields for the path variable \"labels.key\""},
        {"Internal", "/v1/x", "*", NULL,
         "method " LIBRARY "Internal, binding \"/v1/x\": there can be no body in a \"GET\""},
        {"Internal", "/v1/x", NULL, "nope",
         "method " LIBRARY "Internal, binding \"/v1/x\": the response has no field for the "
         "response body \"nope\""},
        {"Upload", "/v1/x", NULL, NULL,
         "method " LIBRARY "Upload, binding \"/v1/x\": there is no REST form of the client stream "
         "\"Upload\""},
        {"Internal", "/v1/posts/{author.full_name}", NULL, NULL,
         "methods " LIBRARY "GetPost (GET /v1/posts/{id}) and " LIBRARY
         "Internal (GET /v1/posts/{author.full_name}) have the same route"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        Google__Api__HttpRule rule = get_rule(cases[i].path);
        if (cases[i].body)
            rule.body = (char *)cases[i].body;
        if (cases[i].response)
            rule.response_body = (char *)cases[i].response;
        const char *message = mistake_of(cases[i].method, &rule);
        if (!cases[i].message != !message || (message && strcmp(message, cases[i].message)))
            fail_msg("%s: got \"%s\"", cases[i].path, message ? message : "no mistake");
    }
}

static void checks_bodies_and_patterns(void **state)
{
    (void)state;
    Google__Api__CustomHttpPattern custom = GOOGLE__API__CUSTOM_HTTP_PATTERN__INIT;
    Google__Api__HttpRule rule = GOOGLE__API__HTTP_RULE__INIT;
    assert_string_equal(mistake_of("Internal", &rule),
                        "method " LIBRARY "Internal: a google.api.http rule has no pattern");
    rule.pattern_case = GOOGLE__API__HTTP_RULE__PATTERN_POST;
    rule.post = "/v1/x/{author.age}/{id}";
    rule.body = "nope";
    assert_string_equal(mistake_of("Internal", &rule),
                        "method " LIBRARY "Internal, binding \"/v1/x/{author.age}/{id}\": the "
                        "request has no field for the body \"nope\"");
    rule.body = "author.editor";
    assert_non_null(mistake_of("Internal", &rule));
    rule.body = "id";
    assert_string_equal(mistake_of("Internal", &rule),
                        "method " LIBRARY "Internal, binding \"/v1/x/{author.age}/{id}\": the "
                        "path and the body both stand for \"id\"");
    rule.body = "author";
    assert_null(mistake_of("Internal", &rule));

    rule.pattern_case = GOOGLE__API__HTTP_RULE__PATTERN_CUSTOM;
    rule.custom = &custom;
    custom.path = "/v1/x";
    assert_string_equal(mistake_of("Internal", &rule),
                        "method " LIBRARY "Internal: a custom google.api.http pattern has no HTTP "
                        "method for its kind");
    custom.kind = "A B";
    assert_non_null(mistake_of("Internal", &rule));
    custom.kind = "*";
    assert_null(mistake_of("Internal", &rule));
    custom.kind = "HEAD";
    assert_non_null(strstr(mistake_of("Internal", &rule), "no body in a \"HEAD\""));
}

static void checks_additional_bindings(void **state)
{
    (void)state;
    Google__Api__HttpRule inner = get_rule("/v1/inner"), middle = get_rule("/v1/middle"),
                          outer = get_rule("/v1/outer");
    Google__Api__HttpRule *of_outer[] = {&middle}, *of_middle[] = {&inner};
    outer.additional_bindings = of_outer;
    outer.n_additional_bindings = 1;
    assert_null(mistake_of("Internal", &outer));
    middle.additional_bindings = of_middle;
    middle.n_additional_bindings = 1;
    assert_string_equal(mistake_of("Internal", &outer),
                        "method " LIBRARY "Internal: additional_bindings are nested");
    middle = get_rule("/v1/outer");
    assert_string_equal(mistake_of("Internal", &outer),
                        "methods " LIBRARY "Internal (GET /v1/outer) and " LIBRARY
                        "Internal (GET /v1/outer) have the same route");
    middle = get_rule("/v1/{nope}");
    assert_non_null(strstr(mistake_of("Internal", &outer), "\"nope\""));
}

/* The real contract: a mistake in its rules would stop the gateway's start. */
static void routes_the_contract_of_inkmesh(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *rpc;
    } cases[] = {
        {"POST", "/api/v1/auth/register", "inkmesh.user.v1.UserService.Register"},
        {"POST", "/api/v1/users/register", "inkmesh.user.v1.UserService.Register"},
        {"POST", "/api/v1/auth/login", "inkmesh.user.v1.UserService.Login"},
        {"POST", "/api/v1/users/login", "inkmesh.user.v1.UserService.Login"},
        {"POST", "/api/v1/auth/refresh", "inkmesh.user.v1.UserService.RefreshToken"},
        {"POST", "/api/v1/auth/logout", "inkmesh.user.v1.UserService.Logout"},
        {"GET", "/api/v1/users/profile", "inkmesh.user.v1.UserService.GetProfile"},
        {"HEAD", "/api/v1/auth/profile", "inkmesh.user.v1.UserService.GetProfile"},
    };
    struct ink_contract *real = NULL;
    struct ink_router *router = NULL;
    assert_true(ink_is_ok(ink_contract_load(&inkmesh_contract, &arena, &real)));
    struct ink_status status = ink_router_new(real, &arena, &router);
    if (!ink_is_ok(status))
        fail_msg("%s", status.message);
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_route_match match =
            ink_router_match(router, cases[i].method, cases[i].path, strlen(cases[i].path), &arena);
        assert_int_equal(match.result, INK_PATH_FOUND);
        assert_string_equal(match.route->rpc->full_name, cases[i].rpc);
    }
    struct ink_route_match match =
        ink_router_match(router, "GET", "/inkmesh.user.v1.UserService/BatchGetUsers", 42, &arena);
    assert_int_equal(match.result, INK_PATH_UNKNOWN);
    ink_router_free(router);
    ink_contract_free(real);
}

#define N_THREADS 4

/* What one thread finds; all threads share one router. */
static void *match_many(void *argument)
{
    const struct ink_router *shared = argument;
    uintptr_t found = 0;
    for (int i = 0; i < 2000; i++) {
        struct ink_arena own;
        char path[64];
        ink_arena_init(&own);
        int size = snprintf(path, sizeof(path), "/v1/posts/%d%%2F", i);
        struct ink_route_match match =
            ink_router_match(shared, i % 2 ? "GET" : "DELETE", path, (size_t)size, &own);
        if (i % 2)
            found += match.result == INK_PATH_FOUND && atoi(match.values[0]) == i;
        else
            found += match.result == INK_PATH_BAD_METHOD &&
                     !strcmp(match.allow, "GET, HEAD, PUT, PATCH, OPTIONS");
        ink_arena_release(&own);
    }
    return (void *)found;
}

static void threads_share_a_router(void **state)
{
    (void)state;
    pthread_t threads[N_THREADS];
    struct ink_router *router = new_router();
    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_many, router), 0);
    for (size_t i = 0; i < N_THREADS; i++) {
        void *found = NULL;
        assert_int_equal(pthread_join(threads[i], &found), 0);
        assert_int_equal((uintptr_t)found, 2000);
    }
    ink_router_free(router);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_all_bindings),
        cmocka_unit_test(matches_requests),
        cmocka_unit_test(knows_the_response_body),
        cmocka_unit_test(names_the_method_of_a_bad_rule),
        cmocka_unit_test(checks_bodies_and_patterns),
        cmocka_unit_test(checks_additional_bindings),
        cmocka_unit_test(routes_the_contract_of_inkmesh),
        cmocka_unit_test(threads_share_a_router),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
