#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/openapi/internal.h"
#include "lib/base/alloc.h"

struct gateway_openapi {
    struct ink_buf json;
    char etag[24];
};

static const char about[] =
    "Requests and answers are JSON in the mapping of Protocol Buffers: names in lowerCamelCase, "
    "64-bit integers as strings, times by RFC 3339. An answer has every field, also those that are "
    "empty or 0. A request may leave out what is not required, or give `null`; names that are "
    "unknown, parameters that are unknown, and the character NUL in any text are refused.\n\n"
    "Every path that takes GET takes HEAD, and every path takes OPTIONS. Any other method that a "
    "path does not take is answered with 405 and `Allow`, a path that does not exist with 404.\n\n"
    "Errors are problems (RFC 9457). Each answer has an `X-Request-Id`: that of the request, or a "
    "new one.";

static void put_info(struct openapi *o)
{
    openapi_put_text(o, "openapi", "3.1.0");
    openapi_open_member(o, "info", '{');
    openapi_put_text(o, "title", "inkmesh");
    openapi_put_text(o, "version", o->version);
    openapi_put_text(o, "summary", "A blogging platform: accounts, blogs and notifications.");
    openapi_put_text(o, "description", about);
    openapi_close(o, '}');
    openapi_put_raw(o, "servers", "[{\"url\":\"/\"}]");
}

static bool has_route(const struct openapi *o, const struct ink_service *service)
{
    for (size_t i = 0; i < o->n_operations; i++)
        if (o->operations[i].route->rpc->service == service)
            return true;
    return false;
}

static void put_tags(struct openapi *o)
{
    size_t count;
    const struct ink_service *const *services = ink_contract_services(o->contract, &count);
    openapi_open_member(o, "tags", '[');
    for (size_t i = 0; i < count; i++)
        if (has_route(o, services[i]))
            openapi_put_tag(o, services[i]);
    openapi_own_tag(o);
    openapi_close(o, ']');
}

/* The operations of a path stand together, where its first one is. */
static bool is_first_of_path(const struct openapi *o, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(o->operations[i].path, o->operations[n].path) == 0)
            return false;
    return true;
}

static void put_paths(struct openapi *o)
{
    openapi_open_member(o, "paths", '{');
    for (size_t i = 0; i < o->n_operations; i++) {
        const char *path = o->operations[i].path;
        if (!is_first_of_path(o, i))
            continue;
        openapi_open_member(o, path, '{');
        for (size_t k = i; k < o->n_operations; k++) {
            if (strcmp(o->operations[k].path, path) != 0)
                continue;
            openapi_name(o, openapi_verb(o->operations[k].route));
            openapi_operation(o, &o->operations[k]);
        }
        openapi_close(o, '}');
    }
    openapi_own_paths(o);
    openapi_close(o, '}');
}

static void put_components(struct openapi *o)
{
    openapi_open_member(o, "components", '{');
    openapi_open_member(o, "schemas", '{');
    openapi_schema_components(o);
    openapi_problem_schema(o);
    openapi_close(o, '}');
    openapi_response_components(o);
    openapi_put_raw(o, "securitySchemes",
                    "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\","
                    "\"description\":\"The `token` of a session.\"}}");
    openapi_close(o, '}');
}

static struct ink_status gather(struct openapi *o, const struct ink_router *router,
                                struct ink_arena *arena)
{
    size_t count;
    const struct ink_route *routes = ink_router_routes(router, &count);
    o->operations = ink_arena_calloc(o->arena, count + 1, sizeof(*o->operations));
    for (size_t i = 0; i < count; i++) {
        if (openapi_verb(&routes[i]) == NULL)
            continue;
        struct openapi_operation *operation = &o->operations[o->n_operations];
        struct ink_status status =
            ink_template_parse(o->arena, routes[i].template_text, &operation->template);
        if (!ink_is_ok(status))
            return ink_status_copy(arena, status);
        openapi_operation_init(o, operation, &routes[i]);
        openapi_types_reach(&o->inputs, routes[i].rpc->input);
        openapi_types_reach(&o->outputs, routes[i].rpc->output);
        o->n_operations++;
    }
    return ink_validator_new_for(o->contract, o->inputs.list, o->inputs.count, arena,
                                 &o->validator);
}

static void write_document(struct openapi *o)
{
    o->fresh = true;
    openapi_open(o, '{');
    put_info(o);
    put_tags(o);
    put_paths(o);
    put_components(o);
    openapi_close(o, '}');
}

/* FNV-1a: another text has another tag, as far as nobody makes texts for that. */
static void tag(struct gateway_openapi *document)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < document->json.len; i++)
        hash = (hash ^ (unsigned char)document->json.data[i]) * 0x100000001b3;
    snprintf(document->etag, sizeof(document->etag), "\"%016llx\"", (unsigned long long)hash);
}

static void release(struct openapi *o)
{
    ink_validator_free(o->validator);
    free(o->outputs.list);
    free(o->inputs.list);
    free(o->bodies.list);
}

struct ink_status gateway_openapi_new(const struct ink_contract *contract,
                                      const struct ink_router *router, const char *version,
                                      struct ink_arena *arena,
                                      struct gateway_openapi **ret_document)
{
    struct ink_arena own;
    struct gateway_openapi *document = ink_calloc(1, sizeof(*document));
    struct openapi o = {
        .contract = contract, .version = version, .arena = &own, .out = &document->json};
    ink_arena_init(&own);
    struct ink_status status = gather(&o, router, arena);
    if (ink_is_ok(status)) {
        write_document(&o);
        tag(document);
        *ret_document = document;
    } else {
        gateway_openapi_free(document);
    }
    release(&o);
    ink_arena_release(&own);
    return status;
}

void gateway_openapi_free(struct gateway_openapi *document)
{
    if (document == NULL)
        return;
    ink_buf_release(&document->json);
    free(document);
}

const char *gateway_openapi_json(const struct gateway_openapi *document, size_t *ret_size)
{
    *ret_size = document->json.len;
    return document->json.data;
}

const char *gateway_openapi_etag(const struct gateway_openapi *document)
{
    return document->etag;
}
