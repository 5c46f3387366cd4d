/* civetweb's parser of request headers, as it is called for each request: what lib/http's own
 * checks have to work with. */
#pragma once

#include "lib/http/framing.h"

struct civetweb_head {
    const char *begin, *end; /* of the header, in the buffer */
    const char *target;
    struct ink_http_head head;
    struct ink_http_field fields[INK_HTTP_MAX_HEADERS];
};

/* Parses what has arrived, in place, with room for one more byte behind it. False when civetweb
 * refuses it, or when it is not a whole header yet. */
bool civetweb_head_parse(char *data, size_t size, struct civetweb_head *ret_head);
