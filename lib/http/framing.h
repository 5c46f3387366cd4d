/*
 * Where a request's body begins and ends (RFC 9112, section 6), strictly: whatever two parties
 * could read differently is refused. Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INK_HTTP_MAX_HEADERS 64

struct ink_http_field {
    const char *name;
    const char *value;
};

struct ink_http_head {
    const char *method;
    const char *version; /* "1.1" */
    const struct ink_http_field *fields;
    size_t n_fields;
};

struct ink_http_framing {
    bool chunked;
    bool expects_continue; /* the client waits for 100 before it sends the body */
    size_t content_length; /* 0 when chunked */
};

/* Decides how the body is framed. Returns 0, or the status to refuse with and *ret_detail. */
int ink_http_frame(const struct ink_http_head *head, size_t max_body_bytes,
                   struct ink_http_framing *ret_framing, const char **ret_detail);

/* Whether `text` is a token (RFC 9110, section 5.6.2), and whether `c` may be in one. */
bool ink_http_is_token(const char *text);
bool ink_http_is_token_char(char c);

/* How long the header at the beginning of `data` is, with the empty line that ends it: 0 when that
 * is not there yet, -1 when something comes before it that is in no header. At most INT_MAX bytes.
 */
int ink_http_head_size(const char *data, size_t size);

/* Whether a header, which still is as it arrived, begins with three words and one space between
 * each (RFC 9112, section 3), and every line of it ends in CRLF with neither of the two elsewhere,
 * and none goes on with the next (obs-fold: section 5.2). */
bool ink_http_lines_whole(const char *head, size_t size);

/* Whether the header's lines lie in [begin, end) without a gap, each ended by CRLF and each name
 * directly followed by its colon. civetweb skips over what breaks that, and ends its parsing at
 * lines that it does not understand. The bytes have been cut up by NULs in its way. */
bool ink_http_head_is_whole(const struct ink_http_head *head, const char *begin, const char *end);
