/*
 * What the gateway answers by itself: is it there, is it alive, can it work, what can it do.
 */
#include <string.h>

#include "gateway/exchange.h"
#include "gateway/explorer/explorer.h"
#include "lib/etag/etag.h"

#define NOT_KEPT "Cache-Control: no-store\r\n"
#define ASKED_AGAIN "Cache-Control: no-cache\r\n"
#define ALLOWED "GET, HEAD, OPTIONS"
/* A new key must be known for that long before it signs (docs/operations.md, Keys and tokens). */
#define FIVE_MINUTES "Cache-Control: public, max-age=300\r\n"

static void health(struct gateway_exchange *x)
{
    ink_buf_puts(ink_http_body(x->http), "{\"status\":\"API Gateway is running...\"}");
    (void)ink_http_reply(x->http, 200, "application/json");
}

static void livez(struct gateway_exchange *x)
{
    ink_buf_puts(ink_http_body(x->http), "{\"status\":\"alive\"}");
    (void)ink_http_reply(x->http, 200, "application/json");
}

static void readyz(struct gateway_exchange *x)
{
    bool ready = ink_mesh_health_write(x->edge->options.health, ink_http_body(x->http));
    (void)ink_http_reply(x->http, ready ? 200 : 503, "application/json");
}

/* What stays the same as long as the program runs: clients may keep it, and ask whether it does. */
static void serve(struct gateway_exchange *x, const char *etag, const char *data, size_t size,
                  const char *media_type)
{
    const char *known = gateway_header_list(x, "If-None-Match");
    ink_http_set(x->http, "ETag", etag);
    if (known != NULL && ink_etag_list_has(known, etag)) {
        (void)ink_http_reply(x->http, 304, NULL);
        return;
    }
    ink_buf_append(ink_http_body(x->http), data, size);
    (void)ink_http_reply(x->http, 200, media_type);
}

static void openapi(struct gateway_exchange *x)
{
    size_t size;
    const char *json = gateway_openapi_json(x->edge->openapi, &size);
    serve(x, gateway_openapi_etag(x->edge->openapi), json, size, "application/json");
}

/* RFC 7517, section 8.5.2 */
static void jwks(struct gateway_exchange *x)
{
    const char *json = ink_auth_jwks(x->edge->options.auth);
    serve(x, ink_auth_jwks_etag(x->edge->options.auth), json, strlen(json),
          "application/jwk-set+json");
}

static void explorer(struct gateway_exchange *x)
{
    const struct gateway_file *file = gateway_explorer_file(ink_http_path(x->http));
    serve(x, file->etag, file->data, file->size, file->media_type);
}

struct own_path {
    const char *path;
    const char *caching;
    void (*answer)(struct gateway_exchange *x);
};

static const struct own_path own_paths[] = {
    {"/health", NOT_KEPT, health},
    {"/livez", NOT_KEPT, livez},
    {"/readyz", NOT_KEPT, readyz},
    {"/openapi.json", ASKED_AGAIN, openapi},
    {"/.well-known/jwks.json", FIVE_MINUTES, jwks},
};
static const struct own_path explorer_paths = {"/docs", ASKED_AGAIN, explorer};

static const struct own_path *find(const char *path)
{
    for (size_t i = 0; i < INK_COUNT(own_paths); i++)
        if (strcmp(path, own_paths[i].path) == 0)
            return &own_paths[i];
    return gateway_explorer_file(path) == NULL ? NULL : &explorer_paths;
}

/* The server as a whole (RFC 9110, section 9.3.7). */
static void answer_asterisk(struct gateway_exchange *x, const char *method)
{
    x->route_label = "*";
    if (strcmp(method, "OPTIONS") != 0) {
        gateway_answer_problem(x, 400, "Only OPTIONS can be asked of \"*\".");
        return;
    }
    ink_http_set_lines(x->http, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
    (void)ink_http_reply(x->http, 204, NULL);
}

bool gateway_answer_own(struct gateway_exchange *x)
{
    const char *path = ink_http_path(x->http);
    const char *method = ink_http_method(x->http);
    if (strcmp(path, "*") == 0) {
        answer_asterisk(x, method);
        return true;
    }
    const struct own_path *own = find(path);
    if (own == NULL)
        return false;
    x->route_label = own->path;
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
        ink_http_set_lines(x->http, own->caching);
        own->answer(x);
        return true;
    }
    if (strcmp(method, "OPTIONS") == 0) {
        gateway_answer_options(x, ALLOWED, gateway_preflight_own(x));
        return true;
    }
    ink_http_set(x->http, "Allow", ALLOWED);
    gateway_answer_problem(x, 405, "This path does not take this method.");
    return true;
}
