#include "lib/mesh/admin.h"
#include "lib/base/http_status.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/http/http.h"

/* A scraper, two probes and a curious person. */
#define CONNECTIONS 16

struct ink_mesh_admin {
    struct ink_metrics *metrics;
    struct ink_mesh_health *health;
    struct ink_http_server *server;
};

static void get_metrics(struct ink_mesh_admin *admin, struct ink_http_request *request)
{
    ink_metrics_write(admin->metrics, ink_http_body(request));
    ink_http_reply(request, 200, INK_METRICS_CONTENT_TYPE);
}

static void get_livez(struct ink_mesh_admin *admin, struct ink_http_request *request)
{
    (void)admin;
    ink_buf_puts(ink_http_body(request), "{\"status\":\"alive\"}\n");
    ink_http_reply(request, 200, "application/json");
}

static void get_readyz(struct ink_mesh_admin *admin, struct ink_http_request *request)
{
    bool ready = ink_mesh_health_write(admin->health, ink_http_body(request));
    ink_http_reply(request, ready ? 200 : 503, "application/json");
}

static const struct page {
    const char *path;
    void (*get)(struct ink_mesh_admin *admin, struct ink_http_request *request);
} pages[] = {
    {"/metrics", get_metrics},
    {"/livez", get_livez},
    {"/readyz", get_readyz},
};

static const struct page *find(const char *path)
{
    for (size_t i = 0; i < INK_COUNT(pages); i++)
        if (strcmp(pages[i].path, path) == 0)
            return &pages[i];
    return NULL;
}

static void refuse(struct ink_http_request *request, int status)
{
    ink_buf_printf(ink_http_body(request), "%s\n", ink_http_status_text(status));
    ink_http_reply(request, status, "text/plain; charset=utf-8");
}

static void handle(void *self, struct ink_http_request *request)
{
    const struct page *page = find(ink_http_path(request));
    const char *method = ink_http_method(request);
    ink_http_set(request, "Cache-Control", "no-store");
    if (page == NULL) {
        refuse(request, 404);
    } else if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        ink_http_set(request, "Allow", "GET, HEAD");
        refuse(request, 405);
    } else {
        page->get(self, request);
    }
}

struct ink_status ink_mesh_admin_new(const char *address, struct ink_metrics *metrics,
                                     struct ink_mesh_health *health, struct ink_arena *arena,
                                     struct ink_mesh_admin **ret_admin)
{
    struct ink_mesh_admin *admin = ink_calloc(1, sizeof(*admin));
    admin->metrics = metrics;
    admin->health = health;
    struct ink_http_options options = {
        .address = address, .threads = CONNECTIONS, .handler = handle, .self = admin};
    struct ink_status status = ink_http_server_new(&options, arena, &admin->server);
    if (!ink_is_ok(status)) {
        free(admin);
        return status;
    }
    *ret_admin = admin;
    return ink_ok();
}

int ink_mesh_admin_port(const struct ink_mesh_admin *admin)
{
    return ink_http_server_port(admin->server);
}

void ink_mesh_admin_free(struct ink_mesh_admin *admin)
{
    if (admin == NULL)
        return;
    ink_http_server_free(admin->server);
    free(admin);
}
