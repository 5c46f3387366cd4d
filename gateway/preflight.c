/*
 * OPTIONS: what a path takes; and for a browser's preflight (Fetch Standard), whether a page of
 * that origin may send what it wants to. A page that may not gets the same answer without a word
 * about it.
 */
#include <string.h>

#include "gateway/exchange.h"

/* How long a browser need not ask again. What was taken out of the list may send that much longer,
 * but read nothing. */
#define MAX_AGE "600"

/* The names that every route knows, also one that needs no token: clients send theirs anyway. */
#define COMMON "Authorization, X-Request-Id, traceparent"

static bool has_field(const struct ink_message *type, const char *name)
{
    return ink_message_field(type, name, strlen(name)) != NULL;
}

/* For what is only read. */
static bool has_etag(const struct ink_message *type)
{
    for (size_t i = 0; i < type->n_fields; i++)
        if (type->fields[i].header != NULL && strcmp(type->fields[i].header, "ETag") == 0)
            return true;
    return false;
}

static const char *with(struct ink_arena *arena, const char *names, const char *name)
{
    return ink_arena_printf(arena, "%s, %s", names, name);
}

const char *gateway_preflight_names(struct ink_arena *arena, const struct ink_route *route)
{
    const struct ink_message *input = route->rpc->input;
    const char *names = COMMON;
    if (ink_binding_takes_body(route->binding))
        names = with(arena, names, "Content-Type");
    for (size_t i = 0; i < input->n_fields; i++)
        if (input->fields[i].header != NULL)
            names = with(arena, names, input->fields[i].header);
    if (strcmp(route->method, "GET") == 0 && has_etag(route->rpc->output))
        names = with(arena, names, "If-None-Match");
    if (route->rpc->server_streaming && has_field(input, "last_event_id"))
        names = with(arena, names, "Last-Event-ID");
    return names;
}

const char *gateway_preflight_own(struct gateway_exchange *x)
{
    const char *wanted = ink_http_header(x->http, "Access-Control-Request-Method");
    bool reads = wanted != NULL && (strcmp(wanted, "GET") == 0 || strcmp(wanted, "HEAD") == 0);
    return reads ? COMMON ", If-None-Match" : NULL;
}

const char *gateway_preflight_route(struct gateway_exchange *x)
{
    const char *wanted = ink_http_header(x->http, "Access-Control-Request-Method");
    const char *path = ink_http_path(x->http);
    if (wanted == NULL)
        return NULL;
    struct ink_route_match match =
        ink_router_match(x->edge->router, wanted, path, strlen(path), x->ctx.arena);
    return match.result == INK_PATH_FOUND ? x->edge->routes[match.route->index].preflight_names
                                          : NULL;
}

void gateway_answer_options(struct gateway_exchange *x, const char *allow, const char *names)
{
    const struct gateway_cors *cors = &x->edge->options.cors;
    ink_http_set(x->http, "Allow", allow);
    if (names != NULL && gateway_cors_lines(cors, ink_http_header(x->http, "Origin")) != NULL) {
        ink_http_set(x->http, "Access-Control-Allow-Methods", allow);
        ink_http_set(x->http, "Access-Control-Allow-Headers", names);
        ink_http_set_lines(x->http, "Access-Control-Max-Age: " MAX_AGE "\r\n");
    }
    if (cors->n_origins > 0)
        ink_http_set_lines(x->http, "Vary: Access-Control-Request-Method\r\n");
    (void)ink_http_reply(x->http, 204, NULL);
}
