#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/alloc.h"
#include "lib/base/http_status.h"
#include "lib/http/internal.h"

struct ink_http_request *request_new(struct ink_http_server *server)
{
    struct ink_http_request *request = ink_calloc(1, sizeof(*request));
    request->server = server;
    ink_arena_init(&request->arena);
    return request;
}

void request_free(struct ink_http_request *request)
{
    if (request == NULL)
        return;
    ink_arena_release(&request->arena);
    ink_buf_release(&request->body);
    ink_buf_release(&request->out);
    ink_buf_release(&request->lines);
    ink_buf_release(&request->head);
    free(request);
}

struct ink_http_request *request_take(struct ink_http_server *server)
{
    pthread_mutex_lock(&server->spare_lock);
    struct ink_http_request *request = server->spare;
    if (request != NULL) {
        server->spare = request->next;
        server->n_spare--;
    }
    pthread_mutex_unlock(&server->spare_lock);
    return request != NULL ? request : request_new(server);
}

void request_give_back(struct ink_http_request *request)
{
    struct ink_http_server *server = request->server;
    pthread_mutex_lock(&server->spare_lock);
    bool keep = server->n_spare < KEPT_REQUESTS;
    if (keep) {
        request->next = server->spare;
        server->spare = request;
        server->n_spare++;
    }
    pthread_mutex_unlock(&server->spare_lock);
    if (!keep)
        request_free(request);
}

void request_free_spares(struct ink_http_server *server)
{
    for (struct ink_http_request *next, *each = server->spare; each != NULL; each = next) {
        next = each->next;
        request_free(each);
    }
}

void request_begin(struct ink_http_request *request, struct mg_connection *conn)
{
    request->conn = conn;
    request->info = mg_get_request_info(conn);
    ink_mg_peer(conn, &request->peer);
    strcpy(request->remote, request->info->remote_addr);
    request->tls = request->info->is_ssl != 0;
    request->method = "";
    request->path = "";
    request->query = "";
    request->n_fields = 0;
    request->framing = (struct ink_http_framing){0};
    request->start = ink_now();
    request->waited = ink_mg_waited(conn);
    request->deadline = request->start - request->waited +
                        request->server->options.request_timeout_ms * INK_MILLISECOND;
    request->http11 = true;
    request->close = atomic_load(&request->server->draining);
    request->detached = false;
    request->body_read = false;
    request->body_status = 0;
    reply_begin(request);
}

static void keep_or_release(struct ink_buf *buf)
{
    if (buf->cap > KEPT_BUFFER)
        ink_buf_release(buf);
    else
        ink_buf_clear(buf);
}

void request_end(struct ink_http_request *request)
{
    ink_arena_release(&request->arena);
    keep_or_release(&request->body);
    body_release(request);
    keep_or_release(&request->out);
    reply_release(request);
    request->conn = NULL;
}

void request_refuse_plainly(struct ink_http_request *request, int status, const char *detail)
{
    struct ink_buf *body = ink_http_body(request);
    const char *title = ink_http_status_text(status);
    ink_buf_printf(body,
                   "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":", title,
                   status);
    ink_buf_json_string(body, detail, strlen(detail));
    ink_buf_puts(body, ",\"error\":");
    ink_buf_json_string(body, detail, strlen(detail));
    ink_buf_puts(body, "}\n");
    ink_http_reply(request, status, "application/problem+json");
}

void request_refuse(struct ink_http_request *request, int status, const char *detail)
{
    const struct ink_http_options *options = &request->server->options;
    request->close = true;
    if (options->refuse != NULL)
        options->refuse(options->self, request, status, detail);
    else
        request_refuse_plainly(request, status, detail);
}

const char *ink_http_method(const struct ink_http_request *request)
{
    return request->method;
}

const char *ink_http_path(const struct ink_http_request *request)
{
    return request->path;
}

const char *ink_http_query(const struct ink_http_request *request)
{
    return request->query;
}

const char *ink_http_header(const struct ink_http_request *request, const char *name)
{
    for (size_t i = 0; i < request->n_fields; i++)
        if (strcasecmp(request->fields[i].name, name) == 0)
            return request->fields[i].value;
    return NULL;
}

bool ink_http_header_at(const struct ink_http_request *request, size_t n, const char **ret_name,
                        const char **ret_value)
{
    if (n >= request->n_fields)
        return false;
    *ret_name = request->fields[n].name;
    *ret_value = request->fields[n].value;
    return true;
}

const char *ink_http_remote(const struct ink_http_request *request)
{
    return request->remote;
}

bool ink_http_is_tls(const struct ink_http_request *request)
{
    return request->tls;
}

int64_t ink_http_deadline(const struct ink_http_request *request)
{
    return request->deadline;
}

int64_t ink_http_start(const struct ink_http_request *request)
{
    return request->start;
}

struct ink_arena *ink_http_arena(struct ink_http_request *request)
{
    return &request->arena;
}

struct ink_http_server *ink_http_request_server(const struct ink_http_request *request)
{
    return request->server;
}

bool ink_http_client_gone(const struct ink_http_request *request)
{
    return request->state == REPLY_BROKEN || (request->conn != NULL && ink_mg_gone(request->conn));
}

const atomic_bool *ink_http_left(const struct ink_http_request *request)
{
    return &(request->conn != NULL ? ink_mg_guest(request->conn) : request->guest)->left;
}
