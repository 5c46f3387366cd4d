/* civetweb as it is, without what lib/http adds to it. */
#define INK_HTTP_LINES_WHOLE(head, size) 1
#include "civetweb.c"
