/*
 * Reading a request's body: never more than allowed, never longer than the request may last.
 */
#include <string.h>

#include "lib/http/chunks.h"
#include "lib/http/internal.h"

/* Of a body, before it counts: what others send cannot keep small requests out. */
#define FREE_BODY (16 * 1024)
/* How long one wait lasts at most, so that a stopping server is noticed. */
#define LONGEST_WAIT_MS 1000

bool ink_http_has_body(const struct ink_http_request *request)
{
    return request->framing.chunked || request->framing.content_length > 0;
}

static int fail(struct ink_http_request *request, int status, const char *detail)
{
    request->body_status = status;
    request->body_detail = detail;
    request->close = true;
    return status;
}

/* What a wait without result means: 0 to go on waiting. */
static int judge(struct ink_http_request *request, int got)
{
    if (got < 0)
        return fail(request, 400, "The connection ended within the request body.");
    if (ink_now() >= request->deadline)
        return fail(request, 408, "The request body did not arrive in time.");
    return 0;
}

/* Has memory for `more` bytes of the body. */
static bool hold(struct ink_http_request *request, size_t more)
{
    size_t need = request->body.len + more, have = FREE_BODY + request->body_held;
    if (need <= have)
        return true;
    size_t bytes = (need - have + BODY_STEP - 1) / BODY_STEP * BODY_STEP;
    if (!ink_http_shares_take(request->server->shares, INK_HTTP_BODIES, &request->peer, bytes))
        return false;
    request->body_held += bytes;
    return true;
}

void body_release(struct ink_http_request *request)
{
    if (request->body_held == 0)
        return;
    ink_http_shares_give_back(request->server->shares, INK_HTTP_BODIES, &request->peer,
                              request->body_held);
    request->body_held = 0;
}

static int no_room(struct ink_http_request *request)
{
    return fail(request, 503, "Too many large requests are being received.");
}

static int too_many(struct ink_http_request *request)
{
    return fail(request, 503, "Too many requests are being received.");
}

/* Those whose bodies are still on their way have half of the threads and no more, so that they
 * cannot keep out who asks for something. */
static bool may_wait(struct ink_http_request *request)
{
    struct ink_http_server *server = request->server;
    if (request->waits_for_body)
        return true;
    if (atomic_fetch_add(&server->receiving, 1) >= (server->options.threads + 1) / 2) {
        atomic_fetch_sub(&server->receiving, 1);
        return false;
    }
    request->waits_for_body = true;
    return true;
}

static void waits_no_more(struct ink_http_request *request)
{
    if (request->waits_for_body)
        atomic_fetch_sub(&request->server->receiving, 1);
    request->waits_for_body = false;
}

static int64_t wait_ms(const struct ink_http_request *request)
{
    return ink_deadline_left_ms(request->deadline, LONGEST_WAIT_MS);
}

static int read_counted(struct ink_http_request *request)
{
    const char *buffered;
    size_t left = request->framing.content_length;
    size_t size = ink_mg_buffered(request->conn, &buffered);
    if (size > left)
        size = left;
    ink_buf_append(&request->body, buffered, size);
    ink_mg_consume(request->conn, size);
    left -= size;
    while (left > 0) {
        /* In steps: memory is taken for what comes, not for what was announced. */
        size_t step = left < BODY_STEP ? left : BODY_STEP;
        if (!hold(request, step))
            return no_room(request);
        if (!may_wait(request))
            return too_many(request);
        char *room = ink_buf_reserve(&request->body, step);
        int got = ink_mg_receive(request->conn, room, step, wait_ms(request));
        if (got > 0) {
            request->body.len += (size_t)got;
            left -= (size_t)got;
        }
        if (left > 0 && (got <= 0 || ink_now() >= request->deadline)) {
            int status = judge(request, got);
            if (status != 0)
                return status;
        }
    }
    return 0;
}

static int read_chunked(struct ink_http_request *request)
{
    struct ink_chunks chunks = {.state = INK_CHUNKS_SIZE};
    for (;;) {
        const char *buffered;
        size_t size = ink_mg_buffered(request->conn, &buffered);
        if (!hold(request, size))
            return no_room(request);
        size_t eaten = ink_chunks_feed(&chunks, buffered, size,
                                       request->server->options.max_body_bytes, &request->body);
        ink_mg_consume(request->conn, eaten);
        if (chunks.state == INK_CHUNKS_DONE)
            return 0;
        if (chunks.state == INK_CHUNKS_TOO_LONG)
            return fail(request, 413, "The request body is too large.");
        if (chunks.state == INK_CHUNKS_BAD)
            return fail(request, 400, "The chunks of the request body are malformed.");
        if (!may_wait(request))
            return too_many(request);
        int got = ink_mg_fill(request->conn, wait_ms(request));
        int status = got > 0 && ink_now() < request->deadline ? 0 : judge(request, got);
        if (status != 0)
            return status;
    }
}

/* The client waits for a go-ahead, unless it has begun to send already. */
static void send_continue(struct ink_http_request *request)
{
    static const char go_ahead[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *buffered;
    if (ink_mg_buffered(request->conn, &buffered) == 0)
        (void)ink_mg_send(request->conn, go_ahead, strlen(go_ahead),
                          request->server->options.header_timeout_ms,
                          request->server->options.header_timeout_ms);
}

int ink_http_read_body(struct ink_http_request *request, const char **ret_data, size_t *ret_size,
                       const char **ret_detail)
{
    if (!request->body_read) {
        request->body_read = true;
        if (request->framing.expects_continue)
            send_continue(request);
        int status = request->framing.chunked ? read_chunked(request) : read_counted(request);
        waits_no_more(request);
        if (status == 0)
            *ink_buf_reserve(&request->body, 1) = '\0';
    }
    if (request->body_status != 0) {
        *ret_detail = request->body_detail;
        return request->body_status;
    }
    *ret_data = request->body.data;
    *ret_size = request->body.len;
    return 0;
}
