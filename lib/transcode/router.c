#include "lib/transcode/router.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"

struct ink_router {
    struct ink_arena arena; /* all of the following */
    struct ink_route *routes;
    struct ink_template *templates; /* one for each route */
    struct ink_path_rule *rules;    /* the same for the matcher */
    size_t n_routes;
    struct ink_path_matcher *matcher;
};

/* A method name of HTTP (RFC 9110, section 9.1: a token) or "*". */
static bool is_method(const char *name)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789"
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *name && name[strspn(name, token)] == '\0';
}

/* What is wrong with a rule apart from its template, or NULL. */
static const char *check_rule(const Google__Api__HttpRule *rule, bool additional,
                              const char **ret_method, const char **ret_template)
{
    if (!ink_http_rule_pattern(rule, ret_method, ret_template))
        return "a google.api.http rule has no pattern";
    if (!is_method(*ret_method))
        return "a custom google.api.http pattern has no HTTP method for its kind";
    if (additional && rule->n_additional_bindings > 0)
        return "additional_bindings are nested";
    return NULL;
}

/* Fills in the next route. Messages of errors live in the router's arena. */
static struct ink_status add_route(struct ink_router *router, const struct ink_contract *contract,
                                   const struct ink_method *rpc, const Google__Api__HttpRule *rule,
                                   bool additional)
{
    struct ink_arena *arena = &router->arena;
    const char *method, *text;
    const char *wrong = check_rule(rule, additional, &method, &text);
    if (wrong)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "method %s: %s", rpc->full_name, wrong);
    struct ink_template *template = &router->templates[router->n_routes];
    struct ink_status status = ink_template_parse(arena, text, template);
    if (!ink_is_ok(status))
        return ink_errorf(arena, status.code, "method %s: %s", rpc->full_name, status.message);
    struct ink_binding *binding;
    status = ink_binding_new(arena, contract, rpc, rule, template, &binding);
    if (!ink_is_ok(status))
        return status;
    router->rules[router->n_routes] = (struct ink_path_rule){method, template};
    router->routes[router->n_routes] = (struct ink_route){
        .rpc = rpc,
        .rule = rule,
        .binding = binding,
        .method = method,
        .template_text = template->text,
        .index = router->n_routes,
    };
    router->n_routes++;
    return ink_ok();
}

static struct ink_status add_method(struct ink_router *router, const struct ink_contract *contract,
                                    const struct ink_method *rpc)
{
    const Google__Api__HttpRule *http = rpc->http;
    if (!http)
        return ink_ok();
    struct ink_status status = add_route(router, contract, rpc, http, false);
    for (size_t i = 0; ink_is_ok(status) && i < http->n_additional_bindings; i++)
        status = add_route(router, contract, rpc, http->additional_bindings[i], true);
    return status;
}

static size_t count_rules(const struct ink_service *const *services, size_t n_services)
{
    size_t count = 0;
    for (size_t i = 0; i < n_services; i++)
        for (size_t j = 0; j < services[i]->n_methods; j++)
            if (services[i]->methods[j].http)
                count += 1 + services[i]->methods[j].http->n_additional_bindings;
    return count;
}

static struct ink_status add_all(struct ink_router *router, const struct ink_contract *contract)
{
    size_t n_services;
    const struct ink_service *const *services = ink_contract_services(contract, &n_services);
    size_t count = count_rules(services, n_services) + 1;
    router->routes = ink_arena_calloc(&router->arena, count, sizeof(*router->routes));
    router->templates = ink_arena_calloc(&router->arena, count, sizeof(*router->templates));
    router->rules = ink_arena_calloc(&router->arena, count, sizeof(*router->rules));
    struct ink_status status = ink_ok();
    for (size_t i = 0; i < n_services; i++)
        for (size_t j = 0; ink_is_ok(status) && j < services[i]->n_methods; j++)
            status = add_method(router, contract, &services[i]->methods[j]);
    return status;
}

static struct ink_status build_matcher(struct ink_router *router)
{
    size_t conflict[2];
    router->matcher = ink_path_matcher_new(router->rules, router->n_routes, conflict);
    if (router->matcher)
        return ink_ok();
    const struct ink_route *a = &router->routes[conflict[0]], *b = &router->routes[conflict[1]];
    return ink_errorf(&router->arena, INK_INVALID_ARGUMENT,
                      "methods %s (%s %s) and %s (%s %s) have the same route", a->rpc->full_name,
                      a->method, a->template_text, b->rpc->full_name, b->method, b->template_text);
}

struct ink_status ink_router_new(const struct ink_contract *contract, struct ink_arena *arena,
                                 struct ink_router **ret_router)
{
    struct ink_router *router = ink_calloc(1, sizeof(*router));
    ink_arena_init(&router->arena);
    struct ink_status status = add_all(router, contract);
    if (ink_is_ok(status))
        status = build_matcher(router);
    if (!ink_is_ok(status)) {
        status = ink_status_copy(arena, status);
        ink_router_free(router);
        return status;
    }
    *ret_router = router;
    return ink_ok();
}

void ink_router_free(struct ink_router *router)
{
    if (!router)
        return;
    ink_path_matcher_free(router->matcher);
    ink_arena_release(&router->arena);
    free(router);
}

const struct ink_route *ink_router_routes(const struct ink_router *router, size_t *ret_count)
{
    *ret_count = router->n_routes;
    return router->routes;
}

static struct ink_status status_of(const struct ink_path_match *match, struct ink_arena *arena)
{
    switch (match->result) {
    case INK_PATH_UNKNOWN:
        return ink_error(INK_NOT_FOUND, "no such path");
    case INK_PATH_BAD_METHOD:
        return ink_errorf(arena, INK_UNIMPLEMENTED, "this path takes %s only", match->allow);
    case INK_PATH_MALFORMED:
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "the path %s", match->problem);
    default:
        return ink_ok();
    }
}

struct ink_route_match ink_router_match(const struct ink_router *router, const char *method,
                                        const char *path, size_t size, struct ink_arena *arena)
{
    struct ink_path_match match = ink_path_matcher_find(router->matcher, method, path, size, arena);
    return (struct ink_route_match){
        .result = match.result,
        .route = match.result == INK_PATH_FOUND ? &router->routes[match.rule] : NULL,
        .values = match.values,
        .allow = match.allow,
        .status = status_of(&match, arena),
    };
}
