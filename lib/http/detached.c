/*
 * Requests that go on without a thread: the thread gets another request to work with, and the
 * answer comes from wherever it is made.
 */
#include "lib/base/blocks.h"
#include "lib/http/internal.h"

bool ink_http_detach(struct ink_http_request *request)
{
    struct ink_http_server *server = request->server;
    if (request->state != REPLY_NONE || request->close || !request->http11 ||
        (ink_http_has_body(request) && (!request->body_read || request->body_status != 0)))
        return false;
    struct ink_http_request *next = request_take(server);
    request->guest = ink_mg_detach(request->conn, next);
    if (request->guest == NULL) {
        request_give_back(next);
        return false;
    }
    request->conn = NULL;
    request->info = NULL;
    request->detached = true;
    request->resumed = NULL;
    request->unsent = 0;
    atomic_fetch_add(&server->detached, 1);
    return true;
}

/* The request has been answered and its connection is somebody else's. */
static void forget(struct ink_http_request *request)
{
    struct ink_http_server *server = request->server;
    request_end(request);
    request_give_back(request);
    atomic_fetch_sub(&server->active, 1);
    atomic_fetch_sub(&server->detached, 1); /* the server may be freed from here on */
}

void ink_http_finish(struct ink_http_request *request)
{
    struct ink_http_server *server = request->server;
    struct ink_guest *guest = request->guest;
    if (request->state == REPLY_NONE)
        request_finish(request);
    bool whole = request->state == REPLY_DONE && request->unsent == 0 && !request->close;
    if (!whole && ink_mg_resume(guest, request))
        return;
    if (request->unsent != 0) /* the server stops */
        request->status = 499;
    if (request->resumed != NULL)
        request->resumed(request->resumed_self, request);
    int64_t until = ink_now() + server->options.keep_alive_ms * INK_MILLISECOND;
    if (!whole || !ink_mg_wait(guest, until))
        guest_drop(server, guest);
    forget(request);
}

void ink_http_resume(struct ink_http_request *request, ink_http_resumed_fn *resumed, void *self)
{
    request->resumed = resumed;
    request->resumed_self = self;
    if (ink_mg_resume(request->guest, request))
        return;
    request->resumed = NULL; /* the server stops: without a thread, then */
    resumed(self, request);
    ink_http_finish(request);
}

bool ink_http_when_sent(struct ink_http_request *request, ink_http_resumed_fn *sent, void *self)
{
    if (request->unsent == 0)
        return false;
    request->resumed = sent;
    request->resumed_self = self;
    return true;
}

bool request_resumes(void *server, struct mg_connection *conn, void *detached)
{
    struct ink_http_request *request = detached;
    ink_http_resumed_fn *resumed = request->resumed;
    (void)server;
    request->conn = conn;
    request->resumed = NULL;
    if (request->unsent != 0)
        reply_send_rest(request);
    if (resumed != NULL) {
        ink_blocks();
        resumed(request->resumed_self, request);
    }
    request_finish(request);
    bool stays = request->state == REPLY_DONE && !request->close;
    forget(request);
    return stays;
}
