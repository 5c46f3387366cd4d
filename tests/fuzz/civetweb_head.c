#define _GNU_SOURCE
#include "tests/fuzz/civetweb_head.h"

#define INK_HTTP_HEAD_SIZE(data, size) ink_http_head_size(data, (size_t)(size))
#define INK_HTTP_LINES_WHOLE(head, size) ink_http_lines_whole(head, (size_t)(size))
#define INK_HTTP_ACCEPTED(ctx, so) produce_socket(ctx, so)
#define INK_HTTP_NEXT(so) consume_socket(ctx, so, thread_index)
#define INK_HTTP_READY(conn) 1
#define INK_HTTP_RESUMES_TLS(conn) 0
#include "civetweb.c"

bool civetweb_head_parse(char *data, size_t size, struct civetweb_head *ret_head)
{
    struct mg_request_info info = {0};
    int length = get_http_header_len(data, (int)size);
    if (length <= 0 || parse_http_request(data, (int)size, &info) <= 0)
        return false;
    /* It answers 505 to others, before it calls anybody. */
    if (strcmp(info.http_version, "1.0") != 0 && strcmp(info.http_version, "1.1") != 0)
        return false;
    ret_head->begin = data;
    ret_head->end = data + length;
    ret_head->target = info.request_uri;
    ret_head->head = (struct ink_http_head){info.request_method, info.http_version,
                                            ret_head->fields, (size_t)info.num_headers};
    for (int i = 0; i < info.num_headers && i < INK_HTTP_MAX_HEADERS; i++)
        ret_head->fields[i] =
            (struct ink_http_field){info.http_headers[i].name, info.http_headers[i].value};
    return true;
}
