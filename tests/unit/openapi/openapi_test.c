/* A contract as an OpenAPI document, one sentence of openapi.h after the other. What one cannot see
 * from a part of it (that it is valid, and true) tests/e2e/openapi_test.py looks at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/openapi/openapi.h"
#include "lib/base/buf.h"
#include "lib/contract/contract.h"
#include "openapi_contract.h"

static struct ink_arena arena;
static struct ink_contract *contract;
static struct ink_router *router;
static struct gateway_openapi *document;

static int load(void **state)
{
    (void)state;
    ink_arena_init(&arena);
    struct ink_status status = ink_contract_load(&openapi_contract, &arena, &contract);
    if (ink_is_ok(status))
        status = ink_router_new(contract, &arena, &router);
    if (ink_is_ok(status))
        status = gateway_openapi_new(contract, router, "7.8.9", &arena, &document);
    if (!ink_is_ok(status))
        fprintf(stderr, "%s\n", status.message);
    return ink_is_ok(status) ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    gateway_openapi_free(document);
    ink_router_free(router);
    ink_contract_free(contract);
    ink_arena_release(&arena);
    return 0;
}

/* Behind the JSON value at `json`. */
static const char *value_end(const char *json)
{
    int depth = 0;
    bool text = false;
    for (;; json++) {
        if (*json == '\0')
            return json;
        if (text) {
            json += *json == '\\';
            text = *json != '"';
        } else if (*json == '"') {
            text = true;
        } else if (strchr("{[", *json) != NULL) {
            depth++;
        } else if (strchr("}]", *json) != NULL && depth-- == 0) {
            return json;
        } else if (*json == ',' && depth == 0) {
            return json;
        }
    }
}

/* The member of an object, or the n-th element of an array; NULL when there is none. */
static const char *member(const char *json, const char *name)
{
    size_t size = strlen(name);
    for (const char *c = json + 1; *c != '\0' && strchr("}]", *c) == NULL;) {
        if (*json == '{') {
            bool found = strncmp(c + 1, name, size) == 0 && c[1 + size] == '"';
            c = strchr(value_end(c) > strstr(c, "\":") ? strstr(c, "\":") : c, ':') + 1;
            if (found)
                return c;
        } else if (strcmp(name, "0") == 0) {
            return c;
        }
        c = value_end(c);
        c += *c == ',';
    }
    return NULL;
}

/* The JSON at the end of a way of names ("paths", "/v1/books", "get"), as it stands there; "" when
 * there is none. */
static const char *at(const char *const *way)
{
    size_t size;
    const char *json = gateway_openapi_json(document, &size);
    for (; *way != NULL; way++)
        if (json = member(json, *way), json == NULL)
            return "";
    return ink_arena_strndup(&arena, json, (size_t)(value_end(json) - json));
}

#define AT(...) at((const char *const[]){__VA_ARGS__, NULL})
#define SCHEMA(type, ...) AT("components", "schemas", type, __VA_ARGS__)
#define RULE(name) SCHEMA("RulesInput", "properties", name)

static void assert_has(const char *json, const char *part)
{
    if (strstr(json, part) == NULL)
        fail_msg("%s has no %s", json, part);
}

static void assert_lacks(const char *json, const char *part)
{
    if (strstr(json, part) != NULL)
        fail_msg("%s has %s", json, part);
}

/* The statuses of an operation, in order: "201 400 401". */
static const char *statuses(const char *path, const char *verb)
{
    const char *json = AT("paths", path, verb, "responses");
    char *all = ink_arena_strdup(&arena, "");
    for (const char *c = json + 1; *c == '"'; c += *c == ',') {
        all = ink_arena_printf(&arena, "%s%s%.3s", all, *all == '\0' ? "" : " ", c + 1);
        c = value_end(c);
    }
    return all;
}

static void head(void **state)
{
    (void)state;
    assert_string_equal(AT("openapi"), "\"3.1.0\"");
    assert_string_equal(AT("info", "version"), "\"7.8.9\"");
    assert_string_equal(AT("tags", "0"), "{\"name\":\"Library\",\"description\":\"Lends books.\"}");
    assert_has(AT("components", "securitySchemes"), "\"scheme\":\"bearer\"");
    assert_has(AT("paths", "/readyz", "get", "responses"), "\"503\":");
    assert_string_equal(statuses("/openapi.json", "get"), "200 304 429");
    assert_string_equal(statuses("/livez", "get"), "200");
    assert_has(AT("paths", "/docs", "get", "responses", "200", "content"), "\"text/html\":");
}

static void comments(void **state)
{
    (void)state;
    assert_string_equal(AT("paths", "/v1/books", "post", "summary"), "\"Add a book to a shelf\"");
    assert_string_equal(AT("paths", "/v1/books", "post", "description"),
                        "\"It gets the next pageToken that is free,\\nwhatever no_field_at_all "
                        "says.\\n\\nFor signed-in users.\\n\\nAnother way to ask for `POST "
                        "/v1/shelves/{shelfId}/books`.\"");
    assert_string_equal(SCHEMA("Book", "description"), "\"A book.\"");
    assert_string_equal(SCHEMA("CreateBookRequest", "properties", "title", "description"),
                        "\"What is on the cover.\"");
}

static void aliases(void **state)
{
    (void)state;
    const char *first = AT("paths", "/v1/shelves/{shelfId}/books", "post");
    assert_has(first, "\"operationId\":\"Library_CreateBook\"");
    assert_lacks(first, "x-alias-of");
    const char *second = AT("paths", "/v1/books", "post");
    assert_has(second, "\"operationId\":\"Library_CreateBook_2\"");
    assert_has(second, "\"x-alias-of\":\"Library_CreateBook\"");
    assert_has(second, "\"x-rpc\":\"inkmesh.test.openapi.v1.Library/CreateBook\"");
}

static void paths(void **state)
{
    (void)state;
    size_t size;
    const char *json = gateway_openapi_json(document, &size);
    assert_int_equal(strlen(json), size);
    assert_has(AT("paths", "/v1/{book.id}:rename", "patch", "parameters"),
               "[{\"name\":\"book.id\",\"in\":\"path\",\"required\":true,\"schema\":{"
               "\"type\":\"string\",\"format\":\"uuid\"");
    assert_has(AT("paths", "/v1/books/{id}", "get", "parameters"),
               "{\"name\":\"id\",\"in\":\"path\",\"description\":\"Which one.\",");
    /* One path item has all methods of its path. */
    assert_string_not_equal(AT("paths", "/v1/books", "get"), "");
    assert_string_not_equal(AT("paths", "/v1/books", "post"), "");
    assert_lacks(json, "Purge");
    assert_lacks(json, "Unserved");
}

static void queries(void **state)
{
    (void)state;
    const char *list = AT("paths", "/v1/books", "get", "parameters");
    assert_has(list, "{\"name\":\"q\",\"in\":\"query\",\"description\":\"In words.\","
                     "\"required\":true,\"schema\":{\"type\":\"string\",\"minLength\":1}}");
    assert_has(list, "{\"name\":\"pageSize\",\"in\":\"query\",\"schema\":{\"type\":\"integer\","
                     "\"format\":\"int32\",\"minimum\":0,\"maximum\":100}}");
    assert_has(list, "{\"name\":\"tags\",\"in\":\"query\",\"schema\":{\"type\":\"array\","
                     "\"items\":{\"type\":\"string\",\"minLength\":2},\"maxItems\":3,"
                     "\"uniqueItems\":true}}");
    assert_has(list, "{\"name\":\"filter.authorName\",\"in\":\"query\"");
    assert_has(list, "{\"name\":\"lent\",\"in\":\"query\",\"schema\":{\"type\":\"boolean\"}}");
    assert_has(list, "\"enum\":[\"SHADE_UNSPECIFIED\",\"SHADE_DARK\"]");
    /* What no parameter can give, and the way round that leads nowhere new. */
    static const char *const none[] = {"\"filter\"", "\"filters", "labels", "extra", "other"};
    for (size_t i = 0; i < INK_COUNT(none); i++)
        assert_lacks(list, none[i]);
    assert_string_equal(AT("paths", "/v1/books", "post", "parameters"), "[]");
    assert_has(AT("paths", "/v1/{book.id}:rename", "patch", "parameters"),
               "{\"name\":\"updateMask\",\"in\":\"query\",\"schema\":{\"type\":\"string\"}}");
}

static void headers(void **state)
{
    (void)state;
    const char *read = AT("paths", "/v1/books/{id}", "get");
    assert_has(read, "{\"name\":\"If-Match\",\"in\":\"header\",\"schema\":{\"type\":\"string\","
                     "\"pattern\":\"^[^\\\\u0000-\\\\u001f\\\\u007f]+$\"}}");
    assert_has(read, "{\"name\":\"If-None-Match\",\"in\":\"header\"");
    assert_has(AT("paths", "/v1/books/{id}", "get", "responses", "200", "headers"), "\"ETag\":");
    assert_has(AT("paths", "/v1/books/{id}", "get", "responses", "304", "headers"), "\"ETag\":");
    assert_lacks(AT("paths", "/v1/books/{id}", "delete"), "If-None-Match");
    assert_has(AT("paths", "/v1/watch", "get", "parameters"), "\"Last-Event-ID\"");
    assert_has(AT("paths", "/v1/books", "post", "responses", "201", "headers"),
               "\"Location\":{\"$ref\":\"#/components/headers/Location\"}");
}

static void bodies(void **state)
{
    (void)state;
    /* The alias takes all in its body, the first path has one in itself. */
    assert_string_equal(AT("paths", "/v1/books", "post", "requestBody"),
                        "{\"required\":true,\"content\":{\"application/json\":{\"schema\":{"
                        "\"$ref\":\"#/components/schemas/CreateBookRequest\"}}}}");
    const char *schema = AT("paths", "/v1/shelves/{shelfId}/books", "post", "requestBody");
    assert_lacks(schema, "shelfId");
    assert_has(schema, "\"required\":[\"title\",\"sequel\"]");
    assert_has(schema, "\"additionalProperties\":false");
    assert_string_equal(SCHEMA("CreateBookRequest", "required"),
                        "[\"shelfId\",\"title\",\"sequel\"]");
    /* A body that is a field, and what the path takes from it. */
    schema = AT("paths", "/v1/{book.id}:rename", "patch", "requestBody");
    assert_lacks(schema, "\"required\":true");
    assert_lacks(schema, "\"id\":");
    assert_has(schema, "\"title\":{\"type\":\"string\",\"minLength\":1,\"examples\":[\"Emma\"]}");
    assert_string_equal(AT("paths", "/v1/books", "get", "requestBody"), "");
}

static void presence(void **state)
{
    (void)state;
    /* null is absence, for what need not be there. */
    assert_string_equal(SCHEMA("CreateBookRequest", "properties", "title", "type"), "\"string\"");
    assert_string_equal(SCHEMA("CreateBookRequest", "properties", "subtitle"),
                        "{\"type\":[\"string\",\"null\"],\"minLength\":2}");
    assert_has(SCHEMA("CreateBookRequest", "properties", "ownerId"),
               "\"anyOf\":[{\"format\":\"uuid\"},{\"const\":\"\"}]");
    assert_string_equal(SCHEMA("CreateBookRequest", "properties", "sequel"),
                        "{\"$ref\":\"#/components/schemas/BookInput\"}");
    assert_has(SCHEMA("BookInput", "properties", "sequel"),
               "\"anyOf\":[{\"$ref\":\"#/components/schemas/BookInput\"},{\"type\":\"null\"}]");
    /* An answer has what can be zero, and no nulls. */
    assert_string_equal(SCHEMA("Book", "required"), "[\"id\",\"title\"]");
    assert_string_equal(SCHEMA("Book", "properties", "sequel"),
                        "{\"$ref\":\"#/components/schemas/Book\"}");
    assert_string_equal(SCHEMA("Book", "properties", "etag"), "");
    assert_string_equal(SCHEMA("Book", "additionalProperties"), "");
    assert_has(SCHEMA("BookInput", "properties", "volume"),
               "\"At most one of these: novel, volume.\"");
}

static void answers(void **state)
{
    (void)state;
    assert_string_equal(AT("paths", "/v1/books", "get", "responses", "200", "content"),
                        "{\"application/json\":{\"schema\":{"
                        "\"$ref\":\"#/components/schemas/SearchResponse\"}}}");
    assert_string_equal(AT("paths", "/v1/hits", "get", "responses", "200", "content"),
                        "{\"application/json\":{\"schema\":{\"type\":\"array\",\"items\":{"
                        "\"$ref\":\"#/components/schemas/Book\"}}}}");
    assert_has(AT("paths", "/v1/hits", "get", "description"), "Answers with `books` alone.");
    assert_string_equal(AT("paths", "/v1/books/{id}", "delete", "responses", "204", "content"), "");
    assert_has(AT("paths", "/v1/books/{id}", "delete", "responses"), "\"204\":");
    assert_string_equal(SCHEMA("SearchResponse", "properties", "total", "type"), "\"string\"");
    assert_has(SCHEMA("Book", "properties", "createdAt"), "\"format\":\"date-time\"");
}

static void streams(void **state)
{
    (void)state;
    const char *content = AT("paths", "/v1/watch", "get", "responses", "200", "content");
    assert_has(content, "{\"text/event-stream\":{\"schema\":{\"type\":\"string\"");
    assert_has(content, "\"application/x-ndjson\":{\"schema\":{\"type\":\"string\"");
    assert_has(content, "\"x-item-schema\":{\"$ref\":\"#/components/schemas/Book\"}");
    assert_lacks(content, "application/json");
}

static void problems(void **state)
{
    (void)state;
    assert_string_equal(statuses("/v1/shelves/{shelfId}/books", "post"),
                        "201 400 401 403 404 408 409 413 414 415 429 431 500 503 504");
    assert_string_equal(statuses("/v1/books", "post"),
                        "201 400 401 403 408 409 413 414 415 429 431 500 503 504");
    assert_string_equal(statuses("/v1/books/{id}", "get"),
                        "200 304 400 404 412 414 429 431 500 503 504");
    assert_string_equal(statuses("/v1/books/{id}", "delete"),
                        "204 400 401 403 404 409 412 414 429 431 500 503 504");
    /* The contract itself names two more. */
    assert_string_equal(statuses("/v1/books", "get"), "200 400 401 409 414 429 431 500 503 504");
    assert_string_equal(AT("paths", "/v1/books", "get", "responses", "409"),
                        "{\"$ref\":\"#/components/responses/Conflict\"}");
    const char *busy = AT("components", "responses", "ServiceUnavailable");
    assert_has(busy, "\"Retry-After\":");
    assert_has(busy, "\"application/problem+json\":{\"schema\":{"
                     "\"$ref\":\"#/components/schemas/Problem\"}");
    assert_has(AT("components", "responses", "Unauthorized"), "\"WWW-Authenticate\":");
    assert_has(SCHEMA("Problem", "required"), "\"requestId\"");
}

static void limits(void **state)
{
    (void)state;
    const char *sentence = "only so often";
    assert_has(AT("paths", "/v1/books", "get", "description"), sentence);
    assert_lacks(AT("paths", "/v1/books/{id}", "get", "description"), sentence);
    assert_has(AT("paths", "/v1/books", "get", "responses", "200", "headers"), "\"RateLimit\":");
    assert_has(AT("components", "responses", "TooManyRequests", "headers"), "\"RateLimit\":");
    assert_has(AT("components", "headers", "RateLimit-Policy"), "q=3000;w=60");
}

static void access(void **state)
{
    (void)state;
    assert_string_equal(AT("paths", "/v1/books/{id}", "get", "security"), "[]");
    assert_string_equal(AT("paths", "/v1/books/{id}", "delete", "security"), "[{\"bearer\":[]}]");
    assert_string_equal(AT("paths", "/v1/watch", "get", "security"), "[{\"bearer\":[]}]");
    assert_has(AT("paths", "/v1/{book.id}:rename", "patch", "description"), "other services");
}

static void text_rules(void **state)
{
    (void)state;
    assert_string_equal(RULE("bytesLimit"), "{\"type\":\"string\",\"minLength\":2,\"maxLength\":9,"
                                            "\"x-min-bytes\":5,\"x-max-bytes\":9}");
    assert_has(RULE("bothLimits"), "\"maxLength\":4,");
    assert_has(RULE("exact"), "\"minLength\":3,\"maxLength\":3");
    assert_has(RULE("parts"), "\"allOf\":[{\"pattern\":\"^a\\\\.\"},{\"pattern\":\"z$\"},"
                              "{\"not\":{\"pattern\":\"\\\\*\"}},{\"not\":{\"enum\":[\"a.z\"]}}]");
    assert_has(RULE("re2Only"), "\"x-pattern\":\"(?i)^a$\"");
    assert_lacks(RULE("re2Only"), "\"pattern\"");
    assert_string_equal(RULE("oneOf"), "{\"type\":\"string\",\"enum\":[\"a\",\"b\"]}");
    assert_has(RULE("link"), "\"format\":\"uri-reference\"");
    assert_has(RULE("shortId"), "\"format\":\"tuuid\"");
    assert_string_equal(RULE("ignored"), "{\"type\":[\"string\",\"null\"]}");
    assert_has(RULE("raw"), "\"contentEncoding\":\"base64\",\"minLength\":3,\"maxLength\":8");
    assert_has(RULE("raw"), "\"x-prefix\":\"YQ==\"");
}

static void number_rules(void **state)
{
    (void)state;
    assert_has(RULE("between"), "\"exclusiveMinimum\":-3,\"exclusiveMaximum\":7");
    assert_has(RULE("outside"),
               "\"not\":{\"type\":\"number\",\"maximum\":7,\"exclusiveMinimum\":-3}");
    assert_has(RULE("wide"), "\"enum\":[\"4\",4,\"9007199254740993\",9007199254740993]");
    assert_has(RULE("wide"), "\"x-gte\":\"3\"");
    assert_has(RULE("unsigned"), "\"format\":\"uint32\",\"const\":4000000000");
    assert_has(RULE("real"), "\"minimum\":0.5");
    assert_has(RULE("real"), "\"examples\":[0.75]");
    assert_has(RULE("yes"), "\"const\":true");
    assert_has(RULE("shade"), "\"enum\":[\"SHADE_DARK\"]");
    assert_has(RULE("wide"), "{\"type\":[\"string\",\"integer\"],\"format\":\"int64\",");
    assert_has(RULE("counted"), "{\"type\":[\"string\",\"integer\",\"null\"],\"format\":\"int64\"");
    assert_has(RULE("counted"), "\"x-gt\":\"5\"");
}

static void other_rules(void **state)
{
    (void)state;
    assert_has(RULE("names"), "\"additionalProperties\":{\"type\":\"string\",\"maxLength\":5},"
                              "\"minProperties\":1,\"maxProperties\":2");
    assert_has(RULE("filters"), "\"propertyNames\":{\"minLength\":2},\"additionalProperties\":{"
                                "\"$ref\":\"#/components/schemas/FilterInput\"}");
    assert_has(RULE("pause"), "\"x-lte\":\"3s\"");
    assert_string_equal(RULE("anything"), "{}");
    assert_string_equal(RULE("list"), "{\"type\":[\"array\",\"null\"]}");
    assert_has(RULE("shades"), "\"items\":{\"type\":\"string\",\"enum\":[");
}

static void tags_of_the_text(void **state)
{
    struct gateway_openapi *other, *same;
    (void)state;
    assert_true(ink_is_ok(gateway_openapi_new(contract, router, "7.8.9", &arena, &same)));
    assert_true(ink_is_ok(gateway_openapi_new(contract, router, "7.9.0", &arena, &other)));
    assert_string_equal(gateway_openapi_etag(same), gateway_openapi_etag(document));
    assert_string_not_equal(gateway_openapi_etag(other), gateway_openapi_etag(document));
    gateway_openapi_free(same);
    gateway_openapi_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head),
        cmocka_unit_test(comments),
        cmocka_unit_test(aliases),
        cmocka_unit_test(paths),
        cmocka_unit_test(queries),
        cmocka_unit_test(headers),
        cmocka_unit_test(bodies),
        cmocka_unit_test(presence),
        cmocka_unit_test(answers),
        cmocka_unit_test(streams),
        cmocka_unit_test(problems),
        cmocka_unit_test(access),
        cmocka_unit_test(limits),
        cmocka_unit_test(text_rules),
        cmocka_unit_test(number_rules),
        cmocka_unit_test(other_rules),
        cmocka_unit_test(tags_of_the_text),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
