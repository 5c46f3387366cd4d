#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/transcode/router.h"
#include "lib/transcode/to_json.h"
#include "route_contract.h"
#include "route_test.pb-c.h"

static struct ink_arena start_arena;
static struct ink_contract *contract;
static struct ink_router *router;

static int load(void **state)
{
    (void)state;
    ink_arena_init(&start_arena);
    struct ink_status status = ink_contract_load(&route_contract, &start_arena, &contract);
    if (ink_is_ok(status))
        status = ink_router_new(contract, &start_arena, &router);
    if (!ink_is_ok(status))
        fprintf(stderr, "%s\n", status.message);
    return ink_is_ok(status) ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    ink_router_free(router);
    ink_contract_free(contract);
    ink_arena_release(&start_arena);
    return 0;
}

#define LOWER "01890a5d-ac96-774b-bcce-b302099a8057"
#define UPPER "01890A5D-AC96-774B-BCCE-B302099A8057"
#define OTHER "01890A5D-AC96-774B-BCCE-B302099A8058"
#define MOVE "/v1/moves/" LOWER "/" LOWER

/* Routes and weaves "/path?query" with a body. */
static struct ink_status weave(struct ink_arena *arena, const char *method, const char *target,
                               const char *body, const struct ink_route **ret_route,
                               ProtobufCMessage **ret_message)
{
    const char *query = strchr(target, '?');
    size_t path_size = query ? (size_t)(query - target) : strlen(target);
    struct ink_route_match match = ink_router_match(router, method, target, path_size, arena);
    if (match.result != INK_PATH_FOUND)
        fail_msg("no route for %s %s", method, target);
    *ret_route = match.route;
    struct ink_http_parts parts = {
        .method = method,
        .values = match.values,
        .query = query ? query + 1 : NULL,
        .query_size = query ? strlen(query + 1) : 0,
        .body = body,
        .body_size = body ? strlen(body) : 0,
    };
    return ink_weave_request(match.route->binding, &parts, arena, ret_message);
}

/* What came out as one line: the message as JSON without zero values, "! FIELD: MESSAGE" for a
 * violation, "! MESSAGE" for any other error. */
static void line_of(struct ink_arena *arena, const char *method, const char *target,
                    const char *body, struct ink_buf *out)
{
    const struct ink_route *route;
    ProtobufCMessage *message = NULL;
    struct ink_status status = weave(arena, method, target, body, &route, &message);
    if (ink_is_ok(status)) {
        status =
            ink_to_json(contract, arena, route->rpc->input, message, INK_TO_JSON_OMIT_ZERO, out);
        assert_true(ink_is_ok(status));
        return;
    }
    assert_null(message);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    if (status.violations)
        ink_buf_printf(out, "! %s: %s", status.violations->field, status.violations->message);
    else
        ink_buf_printf(out, "! %s", status.message);
}

struct expectation {
    const char *method, *target, *body, *line;
};

static void check(const struct expectation *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ink_arena arena;
        struct ink_buf line = INK_BUF_INIT;
        ink_arena_init(&arena);
        line_of(&arena, cases[i].method, cases[i].target, cases[i].body, &line);
        if (strcmp(line.data, cases[i].line))
            fail_msg("%s %s %s\n   got: %s\nwanted: %s", cases[i].method, cases[i].target,
                     cases[i].body ? cases[i].body : "", line.data, cases[i].line);
        ink_buf_release(&line);
        ink_arena_release(&arena);
    }
}

static void path_variables_of_each_kind(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"GET", "/v1/posts/42", NULL, "{\"id\":\"42\"}"},
        {"GET", "/v1/posts/a%2Fb%20c", NULL, "{\"id\":\"a/b c\"}"},
        {"PURGE", "/v1/cache", NULL, "{}"},
        {"PURGE", "/v1/cache/a%2Fb/c%20d", NULL, "{\"id\":\"a%2Fb/c d\"}"},
        {"GET", "/v1/kinds/-9223372036854775808/true/SHADE_DARK/hi/7/AQI%3D/1.5", NULL,
         "{\"small\":7,\"big\":\"-9223372036854775808\",\"yes\":true,\"real\":1.5,"
         "\"raw\":\"AQI=\",\"shade\":\"SHADE_DARK\",\"text\":\"hi\"}"},
        {"GET", "/v1/kinds/1/false/2/%20/0/AQ/1e3", NULL,
         "{\"big\":\"1\",\"real\":1000,\"raw\":\"AQ==\",\"shade\":\"SHADE_LIGHT\",\"text\":\" \"}"},
        {"GET", "/v1/choices/x", NULL, "{\"firstChoice\":\"x\"}"},
        {"GET", "/v1/choices/x?secondChoice=1", NULL,
         "! first_choice: another member of \"choice\" is set already"},
    };
    static const struct {
        const char *target, *field;
    } refused[] = {
        {"/v1/kinds/one/true/1/x/1/AQ/1", "big"},
        {"/v1/kinds/9223372036854775808/true/1/x/1/AQ/1", "big"},
        {"/v1/kinds/1/yes/1/x/1/AQ/1", "yes"},
        {"/v1/kinds/1/true/SHADE_NONE/x/1/AQ/1", "shade"},
        {"/v1/kinds/1/true/1/x/1.5/AQ/1", "small"},
        {"/v1/kinds/1/true/1/x/1/A/1", "raw"},
        {"/v1/kinds/1/true/1/x/1/AQ/x", "real"},
    };
    check(cases, INK_COUNT(cases));
    for (size_t i = 0; i < INK_COUNT(refused); i++) {
        struct ink_arena arena;
        const struct ink_route *route;
        ProtobufCMessage *message = NULL;
        ink_arena_init(&arena);
        struct ink_status status = weave(&arena, "GET", refused[i].target, NULL, &route, &message);
        assert_int_equal(status.code, INK_INVALID_ARGUMENT);
        assert_string_equal(status.violations->field, refused[i].field);
        assert_null(message);
        ink_arena_release(&arena);
    }
}

static void query_parameters_of_each_kind(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"GET", "/v1/search", NULL, "{}"},
        {"GET", "/v1/search?", NULL, "{}"},
        {"GET", "/v1/search?q=c+in+a+mesh%2B%26%3D", NULL, "{\"q\":\"c in a mesh+&=\"}"},
        {"GET", "/v1/search?q", NULL, "{}"},
        {"GET", "/v1/search?small=-5&big=-6&usmall=5&ubig=18446744073709551615", NULL,
         "{\"small\":-5,\"big\":\"-6\",\"usmall\":5,\"ubig\":\"18446744073709551615\"}"},
        {"GET", "/v1/search?yes=true&real=0.25&single=NaN&raw=_-8", NULL,
         "{\"yes\":true,\"real\":0.25,\"single\":\"NaN\",\"raw\":\"/+8=\"}"},
        {"GET", "/v1/search?shade=SHADE_LIGHT", NULL, "{\"shade\":\"SHADE_LIGHT\"}"},
        {"GET", "/v1/search?shade=1", NULL, "{\"shade\":\"SHADE_DARK\"}"},
        {"GET", "/v1/search?numbers=1&words=a&numbers=2&words=b&numbers=1", NULL,
         "{\"numbers\":[1,2,1],\"words\":[\"a\",\"b\"]}"},
        {"GET", "/v1/search?shades=1&shades=SHADE_LIGHT", NULL,
         "{\"shades\":[\"SHADE_DARK\",\"SHADE_LIGHT\"]}"},
        {"GET", "/v1/search?text=&wrapped=0&maybe=false", NULL,
         "{\"text\":\"\",\"wrapped\":\"0\",\"maybe\":false}"},
        {"GET", "/v1/search?createdAt=2024-02-29T12:00:00%2B01:00&maxAge=1.5s", NULL,
         "{\"createdAt\":\"2024-02-29T11:00:00Z\",\"maxAge\":\"1.500s\"}"},
        {"GET", "/v1/search?created_at=1970-01-01T00:00:00Z", NULL,
         "{\"createdAt\":\"1970-01-01T00:00:00Z\"}"},
        {"GET", "/v1/search?fields=createdAt,author.fullName", NULL,
         "{\"fields\":\"createdAt,author.fullName\"}"},
        {"GET", "/v1/search?author.fullName=Ada&author.age=36&author.editor.full_name=B", NULL,
         "{\"author\":{\"fullName\":\"Ada\",\"age\":36,\"editor\":{\"fullName\":\"B\"}}}"},
        {"GET", "/v1/search?firstChoice=a", NULL, "{\"firstChoice\":\"a\"}"},
        {"GET", "/v1/search?thirdChoice.age=3&thirdChoice.fullName=x", NULL,
         "{\"thirdChoice\":{\"fullName\":\"x\",\"age\":3}}"},
        {"GET", "/v1/search?cursor=abc", NULL, "{\"cursor\":\"abc\"}"},
        {"GET", "/v1/search?page_token=abc", NULL, "{\"cursor\":\"abc\"}"},
        {"GET", "/v1/posts/1?author.age=3&tags=x&title=", NULL,
         "{\"id\":\"1\",\"title\":\"\",\"author\":{\"age\":3},\"tags\":[\"x\"]}"},
    };
    check(cases, INK_COUNT(cases));
}

static void bad_query_parameters(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"GET", "/v1/search?nope=1", NULL, "! nope: unknown query parameter"},
        {"GET", "/v1/search?q=1&author.nope=1", NULL, "! author.nope: unknown query parameter"},
        {"GET", "/v1/search?Q=1", NULL, "! Q: unknown query parameter"},
        {"GET", "/v1/search?pageToken=1", NULL, "! pageToken: unknown query parameter"},
        {"GET", "/v1/search?q.x=1", NULL, "! q.x: unknown query parameter"},
        {"GET", "/v1/search?text.value=1", NULL, "! text.value: unknown query parameter"},
        {"GET", "/v1/search?createdAt.seconds=1", NULL,
         "! createdAt.seconds: unknown query parameter"},
        {"GET", "/v1/search?author.=1", NULL, "! author.: unknown query parameter"},
        {"GET", "/v1/search?.q=1", NULL, "! .q: unknown query parameter"},
        {"GET", "/v1/search?author..age=1", NULL, "! author..age: unknown query parameter"},
        {"GET", "/v1/search?authors.age=1", NULL, "! authors.age: unknown query parameter"},
        {"GET", "/v1/search?labels.x=1", NULL, "! labels.x: unknown query parameter"},
        {"GET", "/v1/search?labels=1", NULL,
         "! labels: is a map, which no query parameter can give"},
        {"GET", "/v1/search?labels%5Bx%5D=1", NULL, "! labels[x]: unknown query parameter"},
        {"GET", "/v1/search?authors=1", NULL,
         "! authors: is a list of messages, which no query parameter can give"},
        {"GET", "/v1/search?times=1970-01-01T00:00:00Z", NULL,
         "! times: is a list of messages, which no query parameter can give"},
        {"GET", "/v1/search?author=1", NULL,
         "! author: is a message: give its fields, as in \"name.field\""},
        {"GET", "/v1/search?q=1&q=1", NULL, "! q: is given more than once"},
        {"GET", "/v1/search?createdAt=1970-01-01T00:00:00Z&created_at=1970-01-01T00:00:00Z", NULL,
         "! created_at: is given more than once"},
        {"GET", "/v1/search?author.age=1&q=2&author.age=0", NULL,
         "! author.age: is given more than once"},
        {"GET", "/v1/search?text=&text=", NULL, "! text: is given more than once"},
        {"GET", "/v1/search?firstChoice=a&secondChoice=1", NULL,
         "! second_choice: another member of \"choice\" is set already"},
        {"GET", "/v1/search?firstChoice=&thirdChoice.age=1", NULL,
         "! third_choice.age: another member of \"choice\" is set already"},
        {"GET", "/v1/posts/1?id=1", NULL, "! id: is given by the path already"},
        {"GET", "/v1/posts/1?id=2", NULL, "! id: is given by the path already"},
        {"GET", "/v1/search?q=%zz", NULL, "! q: has a \"%\" that no two hexadecimal digits follow"},
        {"GET", "/v1/search?q=%00", NULL, "! q: has a NUL character"},
        {"GET", "/v1/search?q=%ff", NULL, "! q: is not valid UTF-8"},
        {"GET", "/v1/search?=x", NULL, "! a query parameter has no name"},
        {"POST", "/v1/posts?id=1", "{}", "! id: belongs into the body, not into the query"},
        {"POST", "/v1/posts?nope=1", "{}", "! nope: unknown query parameter"},
        {"POST", "/v1/posts?tags=1", NULL, "! tags: belongs into the body, not into the query"},
        {"PATCH", "/v1/shelves/1/books/2?book.title=x", "{}",
         "! book.title: belongs into the body, not into the query"},
    };
    check(cases, INK_COUNT(cases));
}

/* Found by a fuzzer. */
static void nul_behind_an_empty_object(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    const struct ink_route_match match =
        ink_router_match(router, "GET", "/v1/search", strlen("/v1/search"), &arena);
    assert_int_equal(match.result, INK_PATH_FOUND);
    ProtobufCMessage *message = NULL;
    struct ink_http_parts parts = {
        .method = "GET", .values = match.values, .body = "{}\0\0\0", .body_size = 5};
    assert_int_equal(ink_weave_request(match.route->binding, &parts, &arena, &message).code,
                     INK_INVALID_ARGUMENT);
    ink_arena_release(&arena);
}

static void values_that_do_not_fit(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "small=x",
        "small=",
        "small=2147483648",
        "small=1.5",
        "usmall=-1",
        "big=1x",
        "yes=1",
        "yes=",
        "yes=TRUE",
        "real=x",
        "raw=*",
        "shade=NOPE",
        "shade=shade_dark",
        "createdAt=today",
        "maxAge=1",
        "wrapped=x",
        "maybe=2",
        "fields=a_b",
        "numbers=1&numbers=x",
        "numbers=1,2",
        "extra=x",
        "extra.a=x",
        "author.age=x",
    };
    for (size_t i = 0; i < INK_COUNT(queries); i++) {
        struct ink_arena arena;
        const struct ink_route *route;
        ProtobufCMessage *message = NULL;
        ink_arena_init(&arena);
        const char *target = ink_arena_printf(&arena, "/v1/search?%s", queries[i]);
        struct ink_status status = weave(&arena, "GET", target, NULL, &route, &message);
        if (ink_is_ok(status))
            fail_msg("%s was accepted", queries[i]);
        assert_int_equal(status.code, INK_INVALID_ARGUMENT);
        assert_non_null(status.violations);
        assert_null(message);
        ink_arena_release(&arena);
    }
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    struct ink_arena arena;
    const struct ink_route *route;
    ProtobufCMessage *message = NULL;
    struct ink_buf target = INK_BUF_INIT;
    ink_arena_init(&arena);
    ink_buf_puts(&target, "/v1/search?author");
    for (int i = 2; i < INK_QUERY_MAX_DEPTH; i++)
        ink_buf_puts(&target, ".editor");
    size_t deepest = target.len;
    ink_buf_puts(&target, ".age=1");
    assert_true(ink_is_ok(weave(&arena, "GET", target.data, NULL, &route, &message)));
    const Inkmesh__Test__Route__V1__Author *author =
        ((Inkmesh__Test__Route__V1__SearchRequest *)message)->author;
    for (int i = 2; i < INK_QUERY_MAX_DEPTH; i++)
        author = author->editor;
    assert_int_equal(author->age, 1);
    target.len = deepest;
    ink_buf_puts(&target, ".editor.age=1");
    struct ink_status status = weave(&arena, "GET", target.data, NULL, &route, &message);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_string_equal(status.violations->message, "is nested too deeply");
    ink_buf_release(&target);
    ink_arena_release(&arena);
}

static void bodies(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"POST", "/v1/posts", "{\"id\":\"a\",\"title\":\"\",\"tags\":[\"x\",\"y\"]}",
         "{\"id\":\"a\",\"title\":\"\",\"tags\":[\"x\",\"y\"]}"},
        {"POST", "/v1/posts", NULL, "{}"},
        {"POST", "/v1/posts", "", "{}"},
        {"POST", "/v1/posts", "{\"title\":null}", "{}"},
        {"POST", "/v1/posts", "{\"nope\":1}", "! nope: unknown field"},
        {"PUT", "/v1/posts/7", "{\"title\":\"t\"}", "{\"id\":\"7\",\"title\":\"t\"}"},
        {"PUT", "/v1/posts/7", NULL, "{\"id\":\"7\"}"},
        /* A body may repeat what the path says. */
        {"PUT", "/v1/posts/7", "{\"id\":\"7\"}", "{\"id\":\"7\"}"},
        {"PUT", "/v1/posts/7", "{\"id\":\"\"}", "{\"id\":\"7\"}"},
        {"PUT", "/v1/posts/7", "{\"id\":null}", "{\"id\":\"7\"}"},
        {"PUT", "/v1/posts/7", "{\"id\":\"8\"}", "! id: differs from the value in the path"},
        /* The case of a UUID has no meaning; that of other texts has. */
        {"PUT", MOVE "/a", "{\"id\":\"" UPPER "\",\"to\":\"" UPPER "\"}",
         "{\"id\":\"" UPPER "\",\"to\":\"" UPPER "\",\"plain\":\"a\"}"},
        {"PUT", MOVE "/a", "{\"id\":\"" OTHER "\"}", "! id: differs from the value in the path"},
        {"PUT", MOVE "/a", "{\"to\":\"" OTHER "\"}", "! to: differs from the value in the path"},
        {"PUT", MOVE "/a", "{\"plain\":\"A\"}", "! plain: differs from the value in the path"},
        /* One field as the body. */
        {"PUT", "/v1/books/b/tags", "[\"x\",\"y\"]",
         "{\"book\":{\"name\":\"b\"},\"tags\":[\"x\",\"y\"]}"},
        {"PUT", "/v1/books/b/tags?allowMissing=true&book.title=t", "[]",
         "{\"book\":{\"name\":\"b\",\"title\":\"t\"},\"allowMissing\":true}"},
        {"PUT", "/v1/books/b/tags", NULL, "{\"book\":{\"name\":\"b\"}}"},
        {"PUT", "/v1/books/b/tags?book.name=b", "[]", "! book.name: is given by the path already"},
        {"PUT", "/v1/books/b/tags?tags=x", "[]",
         "! tags: belongs into the body, not into the query"},
        /* No body. */
        {"GET", "/v1/posts/1", "{\"a\":1}", "! this request takes no body"},
        {"POST", "/v1/posts/1:publish", "{}}", "! this request takes no body"},
        {"POST", "/v1/posts/1:publish", "{", "! this request takes no body"},
        {"POST", "/v1/posts/1:publish", "null", "! this request takes no body"},
        {"POST", "/v1/posts/1:publish", "", "{\"id\":\"1\"}"},
        /* Or one that says nothing. */
        {"POST", "/v1/posts/1:publish", "{}", "{\"id\":\"1\"}"},
        {"POST", "/v1/posts/1:publish", " {\r\n}", "{\"id\":\"1\"}"},
    };
    check(cases, INK_COUNT(cases));
}

/* The body of the second binding of Kinds is the whole message, its path binds seven kinds. */
static void a_body_agrees_with_the_path_in_each_kind(void **state)
{
    (void)state;
#define KINDS "/v1/kinds/5/true/SHADE_DARK/hi/7/AQI/1.5"
#define WOVEN                                                                                      \
    "{\"small\":7,\"big\":\"5\",\"yes\":true,\"real\":1.5,\"raw\":\"AQI=\","                       \
    "\"shade\":\"SHADE_DARK\",\"text\":\"hi\"}"
    static const struct expectation cases[] = {
        {"POST", KINDS, "{}", WOVEN},
        {"POST", KINDS,
         "{\"big\":5,\"yes\":true,\"shade\":1,\"text\":\"hi\",\"small\":7,\"raw\":\"AQI=\","
         "\"real\":15e-1}",
         WOVEN},
        {"POST", KINDS, "{\"big\":\"6\"}", "! big: differs from the value in the path"},
        {"POST", KINDS, "{\"shade\":2}", "! shade: differs from the value in the path"},
        {"POST", KINDS, "{\"text\":\"ho\"}", "! text: differs from the value in the path"},
        {"POST", KINDS, "{\"text\":\"\"}", "! text: differs from the value in the path"},
        {"POST", KINDS, "{\"text\":null}", WOVEN},
        {"POST", KINDS, "{\"small\":8}", "! small: differs from the value in the path"},
        {"POST", KINDS, "{\"raw\":\"AQM=\"}", "! raw: differs from the value in the path"},
        {"POST", KINDS, "{\"raw\":\"AQID\"}", "! raw: differs from the value in the path"},
        {"POST", KINDS, "{\"real\":1.25}", "! real: differs from the value in the path"},
        {"POST", "/v1/kinds/5/false/0/hi/7/AQI/1.5", "{\"yes\":true}",
         "! yes: differs from the value in the path"},
    };
    check(cases, INK_COUNT(cases));
}

static void patch_sets_the_update_mask(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"PATCH", "/v1/posts/7", "{\"content\":\"c\",\"title\":\"\"}",
         "{\"id\":\"7\",\"title\":\"\",\"content\":\"c\",\"updateMask\":\"content,title\"}"},
        {"PATCH", "/v1/posts/7", "{\"title\":null}", "{\"id\":\"7\",\"updateMask\":\"title\"}"},
        {"PATCH", "/v1/posts/7", "{\"id\":\"7\",\"tags\":[]}",
         "{\"id\":\"7\",\"updateMask\":\"tags\"}"},
        {"PATCH", "/v1/posts/7", "{\"author\":{\"fullName\":\"A\",\"editor\":{\"age\":0}}}",
         "{\"id\":\"7\",\"author\":{\"fullName\":\"A\",\"editor\":{}},"
         "\"updateMask\":\"author.fullName,author.editor.age\"}"},
        {"PATCH", "/v1/posts/7", "{\"labels\":{\"a\":\"b\"}}",
         "{\"id\":\"7\",\"labels\":{\"a\":\"b\"},\"updateMask\":\"labels\"}"},
        {"PATCH", "/v1/posts/7", "{}", "{\"id\":\"7\",\"updateMask\":\"\"}"},
        {"PATCH", "/v1/posts/7", NULL, "{\"id\":\"7\",\"updateMask\":\"\"}"},
        {"PATCH", "/v1/posts/7", "{\"title\":\"t\",\"updateMask\":null}",
         "{\"id\":\"7\",\"title\":\"t\",\"updateMask\":\"title\"}"},
        /* The client's own mask is left alone. */
        {"PATCH", "/v1/posts/7", "{\"title\":\"t\",\"updateMask\":\"content\"}",
         "{\"id\":\"7\",\"title\":\"t\",\"updateMask\":\"content\"}"},
        {"PATCH", "/v1/posts/7", "{\"title\":\"t\",\"updateMask\":\"\"}",
         "{\"id\":\"7\",\"title\":\"t\",\"updateMask\":\"\"}"},
        {"PATCH", "/v1/shelves/1/books/2?updateMask=title", "{\"author\":{\"age\":3}}",
         "{\"book\":{\"name\":\"shelves/1/books/2\",\"author\":{\"age\":3}},"
         "\"updateMask\":\"title\"}"},
        /* Relative to the field that is the body, without what the path binds in it. */
        {"PATCH", "/v1/shelves/1/books/2",
         "{\"name\":\"shelves/1/books/2\",\"title\":\"t\",\"author\":{\"age\":3}}",
         "{\"book\":{\"name\":\"shelves/1/books/2\",\"title\":\"t\",\"author\":{\"age\":3}},"
         "\"updateMask\":\"title,author.age\"}"},
        {"PATCH", "/v1/shelves/1/books/2", "{\"name\":\"shelves/1/books/3\"}",
         "! book.name: differs from the value in the path"},
        {"PATCH", "/v1/shelves/1/books/2?allowMissing=true", "null",
         "{\"book\":{\"name\":\"shelves/1/books/2\"},\"updateMask\":\"\",\"allowMissing\":true}"},
        {"PATCH", "/v1/books/b/tags", "[\"x\"]",
         "{\"book\":{\"name\":\"b\"},\"updateMask\":\"tags\",\"tags\":[\"x\"]}"},
        /* Only PATCH does. */
        {"PUT", "/v1/posts/7", "{\"title\":\"t\"}", "{\"id\":\"7\",\"title\":\"t\"}"},
    };
    check(cases, INK_COUNT(cases));
}

static void presence_survives(void **state)
{
    (void)state;
    struct ink_arena arena;
    const struct ink_route *route;
    ProtobufCMessage *message = NULL;
    ink_arena_init(&arena);
    assert_true(
        ink_is_ok(weave(&arena, "PUT", "/v1/posts/7", "{\"title\":\"\"}", &route, &message)));
    const Inkmesh__Test__Route__V1__PostRequest *post = (void *)message;
    assert_non_null(post->title);
    assert_string_equal(post->title->value, "");
    assert_null(post->content);
    assert_null(post->update_mask);
    assert_true(ink_is_ok(weave(&arena, "PATCH", "/v1/posts/7", "{}", &route, &message)));
    post = (void *)message;
    assert_non_null(post->update_mask);
    assert_int_equal(post->update_mask->n_paths, 0);
    ink_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_variables_of_each_kind),
        cmocka_unit_test(query_parameters_of_each_kind),
        cmocka_unit_test(bad_query_parameters),
        cmocka_unit_test(nul_behind_an_empty_object),
        cmocka_unit_test(values_that_do_not_fit),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(bodies),
        cmocka_unit_test(a_body_agrees_with_the_path_in_each_kind),
        cmocka_unit_test(patch_sets_the_update_mask),
        cmocka_unit_test(presence_survives),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
