/*
 * Sending: the head is put into the room in front of the body, so that a reply, and a chunk of a
 * stream, is one write of one buffer.
 */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/base/http_status.h"
#include "lib/http/internal.h"

/* Of an answer, before it counts. */
#define FREE_ANSWER (256 * 1024)
/* How long a client has to wait before it gets another try at an answer for which there was no
 * memory. */
#define BARRED_S 5
#define STRINGIFY(x) #x
#define RETRY_AFTER(seconds) "Retry-After: " STRINGIFY(seconds) "\r\n"
#define NO_MEMORY "Too many large answers wait for their readers: ask for less, or later."

/* A chunk's size line and the CRLF behind its data take part of HEAD_ROOM. */
#define SIZE_LINE 20

void reply_begin(struct ink_http_request *request)
{
    request->state = REPLY_NONE;
    request->status = 0;
    request->sent_bytes = 0;
    request->chunked_reply = false;
    request->barred = false;
    ink_buf_clear(&request->lines);
    ink_http_body_clear(request);
}

struct ink_buf *ink_http_body(struct ink_http_request *request)
{
    return &request->out;
}

size_t ink_http_body_size(const struct ink_http_request *request)
{
    return request->out.len - HEAD_ROOM;
}

void ink_http_body_clear(struct ink_http_request *request)
{
    request->out.len = 0;
    *ink_buf_reserve(&request->out, HEAD_ROOM) = '\0';
    request->out.len = HEAD_ROOM;
    request->out.data[HEAD_ROOM] = '\0';
}

void ink_http_set(struct ink_http_request *request, const char *name, const char *value)
{
    struct ink_buf *lines = &request->lines;
    ink_buf_puts(lines, name);
    ink_buf_puts(lines, ": ");
    size_t begin = lines->len;
    ink_buf_puts(lines, value);
    for (size_t i = begin; i < lines->len; i++)
        if ((unsigned char)lines->data[i] < ' ' || lines->data[i] == 127)
            lines->data[i] = ' ';
    ink_buf_puts(lines, "\r\n");
}

void ink_http_set_lines(struct ink_http_request *request, const char *ready)
{
    ink_buf_puts(&request->lines, ready);
}

static bool is_head(const struct ink_http_request *request)
{
    return strcmp(request->method, "HEAD") == 0;
}

static bool may_have_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* The Date header (RFC 9110, section 6.6.1), made once a second. */
static const char *date(struct ink_http_request *request)
{
    int64_t second = ink_wall_clock() / 1000000;
    if (second != request->date_second) {
        struct tm tm;
        time_t now = (time_t)second;
        gmtime_r(&now, &tm);
        strftime(request->date, sizeof(request->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        request->date_second = second;
    }
    return request->date;
}

/* A body that nobody read is in the way of the next request, unless all of it is here already. */
static bool body_is_out_of_the_way(struct ink_http_request *request)
{
    const char *buffered;
    if (!ink_http_has_body(request) || request->body_read)
        return request->body_status == 0;
    if (request->framing.chunked ||
        ink_mg_buffered(request->conn, &buffered) < request->framing.content_length)
        return false;
    ink_mg_consume(request->conn, request->framing.content_length);
    request->body_read = true;
    return true;
}

static bool threads_run_low(const struct ink_http_server *server)
{
    const struct ink_http_options *options = &server->options;
    return atomic_load(&server->busy) > options->threads - options->threads / 4 ||
           ink_lobby_waiting(server->lobby) > options->max_waiting - options->max_waiting / 4;
}

/* Whether the client asks for it, in any line (RFC 9112, section 9.3): civetweb reads the first
 * only, and takes `keep-alive, close` for a wish to stay. */
static bool wants_close(const struct ink_http_request *request)
{
    for (size_t i = 0; i < request->n_fields; i++) {
        if (strcasecmp(request->fields[i].name, "Connection") != 0)
            continue;
        for (const char *at = request->fields[i].value; *at != '\0'; at += strcspn(at, ",")) {
            at += strspn(at, ", \t");
            if (strncasecmp(at, "close", 5) == 0 && strchr(", \t", at[5]) != NULL)
                return true;
        }
    }
    return false;
}

static void decide_close(struct ink_http_request *request)
{
    bool expected = wants_close(request) || !request->http11;
    if (wants_close(request) || threads_run_low(request->server) ||
        atomic_load(&request->server->draining) || !body_is_out_of_the_way(request))
        request->close = true;
    if (request->close && request->conn != NULL)
        mg_disable_connection_keep_alive(request->conn);
    else if (!request->close && !request->detached)
        request->close = !ink_mg_keeps_alive(request->conn);
    request->surprises = request->close && !expected;
}

static void put_three(struct ink_buf *out, const char *a, const char *b, const char *c)
{
    ink_buf_puts(out, a);
    ink_buf_puts(out, b);
    ink_buf_puts(out, c);
}

static void make_head(struct ink_http_request *request, int status, const char *content_type)
{
    struct ink_buf *head = &request->head;
    decide_close(request);
    ink_buf_clear(head);
    ink_buf_puts(head, "HTTP/1.1 ");
    ink_buf_integer(head, status);
    put_three(head, " ", ink_http_status_text(status), "\r\n");
    put_three(head, "Date: ", date(request), "\r\n");
    if (content_type != NULL)
        put_three(head, "Content-Type: ", content_type, "\r\n");
    if (request->chunked_reply)
        ink_buf_puts(head, "Transfer-Encoding: chunked\r\n");
    else if (request->state != REPLY_STREAMING && status != 204 && status != 304) {
        ink_buf_puts(head, "Content-Length: ");
        ink_buf_unsigned(head, ink_http_body_size(request));
        ink_buf_puts(head, "\r\n");
    }
    if (request->close)
        ink_buf_puts(head, "Connection: close\r\n");
    else if (!request->http11)
        ink_buf_puts(head, "Connection: keep-alive\r\n");
    ink_buf_append(head, request->lines.data, request->lines.len);
    ink_buf_puts(head, "\r\n");
    request->status = status;
}

/* Puts `size` bytes in front of what begins at `*at` in the send buffer. */
static void put_in_front(struct ink_buf *out, size_t *at, const char *data, size_t size)
{
    if (size > *at) {
        size_t more = size - *at;
        ink_buf_reserve(out, more);
        memmove(out->data + *at + more, out->data + *at, out->len - *at);
        out->len += more;
        *at += more;
    }
    *at -= size;
    memcpy(out->data + *at, data, size);
}

/* What cannot be sent at once waits for a thread. */
static bool send_detached(struct ink_http_request *request, size_t at)
{
    size_t size = request->out.len - at;
    ssize_t sent = ink_mg_send_now(request->guest, request->out.data + at, size);
    if (sent >= 0 && (size_t)sent < size)
        request->unsent = at + (size_t)sent;
    return sent >= 0;
}

static bool send_from(struct ink_http_request *request, size_t at, int64_t timeout_ms)
{
    const struct ink_http_options *options = &request->server->options;
    if (request->conn == NULL
            ? send_detached(request, at)
            : ink_mg_send(request->conn, request->out.data + at, request->out.len - at, timeout_ms,
                          options->header_timeout_ms))
        return true;
    request->state = REPLY_BROKEN;
    request->close = true;
    if (request->conn != NULL)
        mg_disable_connection_keep_alive(request->conn);
    return false;
}

void reply_send_rest(struct ink_http_request *request)
{
    if (!send_from(request, request->unsent, request->server->options.request_timeout_ms))
        request->status = 499;
    request->unsent = 0;
}

/* Has memory for the answer until it was sent: for the text, and for what it was made of. */
static bool hold_answer(struct ink_http_request *request)
{
    struct ink_http_shares *shares = request->server->shares;
    size_t size = ink_http_body_size(request), bytes = request->out.cap + size;
    bool counts = size > FREE_ANSWER && !is_head(request);
    if (counts && !ink_http_shares_take(shares, INK_HTTP_ANSWERS, &request->peer, bytes)) {
        ink_http_shares_bar(shares, &request->peer, request->path,
                            ink_now() + BARRED_S * INK_SECOND);
        return false;
    }
    request->answer_held = counts ? bytes : 0;
    if (!request->barred)
        ink_http_shares_unbar(shares, &request->peer, request->path, request->start);
    return true;
}

void reply_release(struct ink_http_request *request)
{
    if (request->answer_held == 0)
        return;
    ink_http_shares_give_back(request->server->shares, INK_HTTP_ANSWERS, &request->peer,
                              request->answer_held);
    request->answer_held = 0;
}

bool reply_is_barred(struct ink_http_request *request)
{
    if (!ink_http_shares_barred(request->server->shares, &request->peer, request->path,
                                request->start, request->start + BARRED_S * INK_SECOND))
        return false;
    request->barred = true;
    ink_http_set_lines(request, RETRY_AFTER(BARRED_S));
    request_refuse(request, 503, NO_MEMORY);
    return true;
}

/* In place of an answer that finds no memory.  */
static void refuse_answer(struct ink_http_request *request)
{
    ink_buf_release(&request->out);
    ink_http_body_clear(request);
    ink_http_set_lines(request, RETRY_AFTER(BARRED_S));
    request->barred = true;
    request_refuse_plainly(request, 503, NO_MEMORY);
}

bool ink_http_reply(struct ink_http_request *request, int status, const char *content_type)
{
    if (request->state != REPLY_NONE)
        return false;
    size_t at = HEAD_ROOM;
    if (!hold_answer(request)) {
        refuse_answer(request);
        return false;
    }
    if (!may_have_body(status))
        ink_http_body_clear(request);
    make_head(request, status, content_type);
    if (is_head(request))
        request->out.len = HEAD_ROOM;
    request->sent_bytes = ink_http_body_size(request);
    put_in_front(&request->out, &at, request->head.data, request->head.len);
    if (!send_from(request, at, request->server->options.request_timeout_ms)) {
        request->status = 499;
        return false;
    }
    request->state = REPLY_DONE;
    return true;
}

bool ink_http_stream_begin(struct ink_http_request *request, int status, const char *content_type)
{
    if (request->state != REPLY_NONE)
        return false;
    if (is_head(request)) {
        ink_http_body_clear(request);
        request->state = REPLY_STREAMING; /* its length is not known, so it is not told */
        make_head(request, status, content_type);
        ink_http_body_clear(request);
        size_t at = HEAD_ROOM;
        put_in_front(&request->out, &at, request->head.data, request->head.len);
        if (send_from(request, at, request->server->options.header_timeout_ms))
            request->state = REPLY_DONE;
        return false;
    }
    ink_mg_watch_peer(request->conn);
    request->state = REPLY_STREAMING;
    request->chunked_reply = request->http11;
    request->close = request->close || !request->http11;
    make_head(request, status, content_type);
    if (ink_http_body_size(request) > 0)
        return ink_http_stream_flush(request);
    size_t at = HEAD_ROOM;
    put_in_front(&request->out, &at, request->head.data, request->head.len);
    ink_buf_clear(&request->head);
    bool sent = send_from(request, at, request->server->options.header_timeout_ms);
    ink_http_body_clear(request);
    return sent;
}

/* Sends the body so far as a chunk, the head before it if it has not left yet, `tail` behind it. */
static bool send_chunk(struct ink_http_request *request, const char *tail)
{
    struct ink_buf *out = &request->out;
    size_t at = HEAD_ROOM;
    size_t size = ink_http_body_size(request);
    if (request->chunked_reply && size > 0) {
        char line[SIZE_LINE];
        int length = snprintf(line, sizeof(line), "%zx\r\n", size);
        ink_buf_puts(out, "\r\n");
        put_in_front(out, &at, line, (size_t)length);
    }
    put_in_front(out, &at, request->head.data, request->head.len);
    ink_buf_clear(&request->head);
    if (request->chunked_reply)
        ink_buf_puts(out, tail);
    bool sent =
        at == out->len || send_from(request, at, request->server->options.header_timeout_ms);
    request->sent_bytes += sent ? size : 0;
    ink_http_body_clear(request);
    return sent;
}

bool ink_http_stream_flush(struct ink_http_request *request)
{
    return request->state == REPLY_STREAMING && send_chunk(request, "");
}

bool ink_http_stream_end(struct ink_http_request *request)
{
    if (request->state != REPLY_STREAMING || !send_chunk(request, "0\r\n\r\n"))
        return false;
    request->state = REPLY_DONE;
    return true;
}

int ink_http_replied(const struct ink_http_request *request)
{
    return request->status;
}

size_t ink_http_sent_bytes(const struct ink_http_request *request)
{
    return request->sent_bytes;
}
