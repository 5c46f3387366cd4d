/* civetweb as it is, without what lib/http adds to it. */
#define INK_HTTP_HEAD_SIZE(data, size) (get_http_header_len)(data, size)
#define INK_HTTP_LINES_WHOLE(head, size) 1
#define INK_HTTP_ACCEPTED(ctx, so) produce_socket(ctx, so)
#define INK_HTTP_NEXT(so) consume_socket(ctx, so, thread_index)
#define INK_HTTP_READY(conn) 1
#define INK_HTTP_RESUMES_TLS(conn) 0
#include "civetweb.c"
