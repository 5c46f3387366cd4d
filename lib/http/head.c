/* The head of a request, taken over from civetweb: its method, its target, its header fields. */
#include <string.h>

#include "lib/http/internal.h"

/* Of a request target (RFC 9112, section 3, asks for 8,000 octets). */
#define MAX_TARGET (8 * 1024)

/* Blanks behind a value do not belong to it (RFC 9112, section 5.1). */
static void trim_end(const char *value)
{
    size_t size = strlen(value);
    while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t'))
        ((char *)value)[--size] = '\0';
}

/* The path and the query of the request target (RFC 9112, section 3.2). What civetweb does not know
 * (see connection_ends) has neither cut out of it yet: `*`, or a URI with whatever server's name.
 */
static void set_target(struct ink_http_request *request)
{
    const struct mg_request_info *info = request->info;
    if (info->local_uri_raw != NULL) {
        request->path = info->local_uri_raw;
        request->query = info->query_string == NULL ? "" : info->query_string;
        return;
    }
    const char *authority = strstr(info->request_uri, "://");
    const char *path = authority == NULL ? info->request_uri : strchr(authority + 3, '/');
    size_t size = strcspn(path, "?");
    request->path = ink_arena_strndup(&request->arena, path, size);
    request->query = path[size] == '?' ? path + size + 1 : "";
}

bool request_take_fields(struct ink_http_request *request, struct ink_http_head *ret_head)
{
    const char *begin, *end;
    const struct mg_request_info *info = request->info;
    size_t n = info->num_headers > 0 ? (size_t)info->num_headers : 0;
    for (size_t i = 0; i < n; i++) {
        request->fields[i].name = info->http_headers[i].name;
        request->fields[i].value = info->http_headers[i].value;
    }
    struct ink_http_head head = {info->request_method, info->http_version, request->fields, n};
    ink_mg_head(request->conn, &begin, &end);
    if (n < INK_HTTP_MAX_HEADERS && !ink_http_head_is_whole(&head, begin, end))
        return false;
    for (size_t i = 0; i < n; i++)
        trim_end(request->fields[i].value);
    request->http11 = strcmp(info->http_version, "1.1") == 0;
    *ret_head = head;
    return true;
}

/* Why the target is refused, or 0. */
static int check_target(const struct mg_request_info *info, const char **ret_detail)
{
    /* What civetweb knows has its query cut off by now; else the pointer is that of an earlier
     * request. */
    bool cut = info->local_uri_raw != NULL && info->query_string != NULL;
    const char *query = cut ? info->query_string : "";
    if (strlen(info->request_uri) + 1 + strlen(query) > MAX_TARGET + 1) {
        *ret_detail = "The request target is longer than 8 KiB.";
        return 414;
    }
    if (strchr(info->request_uri, '#') == NULL && strchr(query, '#') == NULL)
        return 0;
    *ret_detail = "The request target has a fragment.";
    return 400;
}

/* A pointer into the header, in the copy. */
static const char *moved(const char *text, const char *begin, const char *end, const char *copy)
{
    return text >= begin && text < end ? copy + (text - begin) : text;
}

/* What civetweb parsed is in the buffer of the thread, which reads the next request into it, of
 * somebody else maybe; and this one may be detached and go on. */
static void own_head(struct ink_http_request *request)
{
    const char *begin, *end;
    ink_mg_head(request->conn, &begin, &end);
    const char *copy = ink_arena_memdup(&request->arena, begin, (size_t)(end - begin));
    request->method = moved(request->method, begin, end, copy);
    request->path = moved(request->path, begin, end, copy);
    request->query = moved(request->query, begin, end, copy);
    for (size_t i = 0; i < request->n_fields; i++) {
        request->fields[i].name = moved(request->fields[i].name, begin, end, copy);
        request->fields[i].value = moved(request->fields[i].value, begin, end, copy);
    }
}

void request_see_head(struct ink_http_request *request)
{
    if (ink_mg_asks_for_head(request->conn))
        request->method = "HEAD";
}

bool request_take_head(struct ink_http_request *request)
{
    const char *detail = "The request is malformed.";
    struct ink_http_head head;
    request_see_head(request);
    if (!request_take_fields(request, &head)) {
        request_refuse(request, 400, detail);
        return false;
    }
    request->n_fields = head.n_fields;
    request->method = head.method;
    int status = check_target(request->info, &detail);
    if (status == 0) /* what is refused for another reason is told with its path */
        set_target(request);
    own_head(request);
    const char *frame_detail;
    int frame_status = ink_http_frame(&head, request->server->options.max_body_bytes,
                                      &request->framing, &frame_detail);
    if (frame_status != 0) {
        status = frame_status;
        detail = frame_detail;
    }
    if (status != 0)
        request_refuse(request, status, detail);
    return status == 0;
}
