/*
 * What the gateway answers by itself: is it there, is it alive, can it work.
 */
#include <string.h>

#include "gateway/exchange.h"

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

static const struct {
    const char *path;
    void (*answer)(struct gateway_exchange *x);
} own_paths[] = {
    {"/health", health},
    {"/livez", livez},
    {"/readyz", readyz},
};

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
    for (size_t i = 0; i < INK_COUNT(own_paths); i++) {
        if (strcmp(path, own_paths[i].path) != 0)
            continue;
        x->route_label = own_paths[i].path;
        if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
            ink_http_set_lines(x->http, "Cache-Control: no-store\r\n");
            own_paths[i].answer(x);
            return true;
        }
        ink_http_set_lines(x->http, "Allow: GET, HEAD, OPTIONS\r\n");
        if (strcmp(method, "OPTIONS") == 0)
            (void)ink_http_reply(x->http, 204, NULL);
        else
            gateway_answer_problem(x, 405, "This path does not take this method.");
        return true;
    }
    return false;
}
