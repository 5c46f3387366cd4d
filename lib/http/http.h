/*
 * An HTTP/1.1 server (RFC 9110, RFC 9112) with one handler; the only user of civetweb. The gateway
 * serves REST with it and every program its admin port.
 *
 *     static void hello(void *self, struct ink_http_request *request)
 *     {
 *         ink_buf_puts(ink_http_body(request), "hello\n");
 *         ink_http_reply(request, 200, "text/plain");
 *     }
 *
 *     struct ink_http_options options = {.address = "127.0.0.1:3000", .handler = hello};
 *     status = ink_http_server_new(&options, &arena, &server);
 *
 * A request has a thread of its own, so a handler may block; those of a connection are handled one
 * after another. A handler that asks somebody else, and would do nothing but wait for the answer,
 * detaches the request instead: then it needs no thread until the answer is there. A connection
 * without a whole request header has none: it may be silent, idle or drip, and only costs a
 * descriptor. When threads or room for waiting run low, replies say `Connection: close`.
 *
 * Framing is strict, because what two parties read differently is how requests are smuggled: before
 * the handler is called, a request is refused and its connection closed when it has both
 * Content-Length and Transfer-Encoding, several or malformed Content-Lengths, a Transfer-Encoding
 * other than `chunked`, a header name that is no token, no Host or several (HTTP/1.1), several
 * Authorizations or Content-Types, 64 header lines or more, a target over 8 KiB or with a fragment,
 * or a Content-Length over the body limit. A slow header, a slow body and a slow reader each have a
 * time limit. One address (an IPv6 /64) may have a share of the connections only, and all bodies
 * together so much memory, and all answers.
 *
 * The server's functions are thread-safe. A request belongs to the thread that it was handed to,
 * until the handler returns or detaches it; so do all pointers that its functions return.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/macros.h"
#include "lib/base/status.h"
#include "lib/ip/ip.h"
#include "lib/tls/tls.h"

struct ink_http_server;
struct ink_http_request;

/* Answers one request: by ink_http_reply() or ink_http_stream_begin(). Returning without either is
 * answered with 500. */
typedef void ink_http_handler_fn(void *self, struct ink_http_request *request);

/* Answers a request that is refused before the handler (or that could not even be parsed: then
 * method, path and headers are empty). It must reply with `status`; `detail` is a sentence, safe to
 * show. The connection is closed afterwards. */
typedef void ink_http_refuse_fn(void *self, struct ink_http_request *request, int status,
                                const char *detail);

/* The time to stop is over: whatever handlers and detached requests wait for is to end, now and
 * from now on. Must be quick. */
typedef void ink_http_give_up_fn(void *self);

/* Whether an address, of a proxy say, has no share but may have everything. Must be quick. */
typedef bool ink_http_spare_fn(void *self, const struct ink_ip *ip);

struct ink_http_options {
    const char *address;        /* "127.0.0.1:3000", "[::1]:3000"; port 0 picks a free one */
    unsigned threads;           /* requests served at once; 0 means 512 */
    int64_t keep_alive_ms;      /* how long an idle connection is kept; 0 means 2,000 */
    int64_t header_timeout_ms;  /* for a header, from the connection's start or its own first byte;
                                   and  for each piece of a stream to be taken; 0 means 10,000 */
    int64_t line_timeout_ms;    /* for a request to wait for a thread: what waited longer is 503,
                                   and never reaches the handler; 0 means 2,000 */
    int64_t request_timeout_ms; /* for the whole request, see ink_http_deadline(); 0: 30,000 */
    size_t max_body_bytes;      /* longer bodies are 413; 0 means 4 MiB */
    unsigned max_waiting;       /* connections without a thread; of more, those that have waited
                                   longest for a request are closed, and while so many requests and
                                   one for each thread are in line or under way, new connections are
                                   answered with 503 and closed without a thread. 0 means 8 for each
                                   thread, and at most half of the descriptors that the process may
                                   have */
    unsigned max_per_address;   /* connections of one address: more are answered with 429 and closed
                                   without a thread. 0 means no limit */
    size_t max_bodies_bytes;    /* memory for all bodies that are being received or handled, of
                                   which one address may have a quarter; what finds none is 503.
                                   The first 16 KiB of a body are free. 0 means 128 MiB */
    size_t max_answers_bytes;   /* memory for answers over 256 KiB until they were sent (twice their
                                   size, at least), of which one address may have a quarter; what
                                   finds none is 503, but for one try in 5 s. One answer is always
                                   possible. 0 means 256 MiB */
    ink_http_spare_fn *spare;   /* NULL: nobody is spared */
    void *spare_self;
    const char *tls_cert_file; /* PEM, the chain; NULL for plain HTTP. With it TLS 1.2 and 1.3 are
                                  spoken, and no HTTP */
    const char *tls_key_file;  /* PEM */
    bool cooperative; /* the handler calls ink_blocks() before it waits for anything, so that few
                         threads run at once; others are taken to wait at any time */
    ink_http_handler_fn *handler;
    ink_http_refuse_fn *refuse;   /* NULL: a small application/problem+json */
    ink_http_give_up_fn *give_up; /* NULL: they end by themselves, soon */
    void *self;                   /* handed to all three */
};

/* Binds and serves. From then on blocks of memory over 256 KiB go back to the system when they are
 * freed, in the whole process (mallopt). UNAVAILABLE when the address cannot be bound,
 * INVALID_ARGUMENT for bad options; the message names the setting. The strings of `options` are
 * copied. */
struct ink_status ink_http_server_new(const struct ink_http_options *options,
                                      struct ink_arena *arena,
                                      struct ink_http_server **ret_server) INK_MUST_CHECK;
/* The bound port. */
int ink_http_server_port(const struct ink_http_server *server);
/* How many requests are being handled now, how many connections there are, and how many of these
 * wait without a thread. */
unsigned ink_http_server_active(const struct ink_http_server *server);
unsigned ink_http_server_connections(const struct ink_http_server *server);
unsigned ink_http_server_waiting(const struct ink_http_server *server);
/* How many connections were refused so far because their address had its share, and how much memory
 * request bodies take. */
unsigned long ink_http_server_refused(const struct ink_http_server *server);
/* How many requests were refused so far because they had waited for a thread too long, or because
 * as many were in line as may be. */
unsigned long ink_http_server_shed(const struct ink_http_server *server);
size_t ink_http_server_body_bytes(const struct ink_http_server *server);
/* The same of answers that wait to be sent. */
size_t ink_http_server_answer_bytes(const struct ink_http_server *server);
/* Looks whether the files of the certificate and its key changed. If so, and if they are good, new
 * connections get the new certificate; those that exist go on. INVALID_ARGUMENT names the file that
 * is not good: then everything stays as it was. To be called by one thread at a time. */
struct ink_status ink_http_server_reload(struct ink_http_server *server, struct ink_arena *arena,
                                         struct ink_tls_state *ret_state) INK_MUST_CHECK;
/* From now on every reply says `Connection: close`, so that clients go elsewhere; still serves. */
void ink_http_server_drain(struct ink_http_server *server);
/* Whether the server is draining or stopping: streams should end. */
bool ink_http_server_draining(const struct ink_http_server *server);
/* Drains, waits up to `grace_ms` for the requests being handled, then gives up those that are left
 * (see `give_up`), closes everything and joins all threads. Handlers still running after the grace
 * find the client gone; their return is waited for. Accepts NULL. */
void ink_http_server_stop(struct ink_http_server *server, int64_t grace_ms);
/* Stops at once if still running. Accepts NULL. */
void ink_http_server_free(struct ink_http_server *server);

/* "GET"; always one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS and the rest that HTTP
 * registers; others are refused with 501. */
const char *ink_http_method(const struct ink_http_request *request);
/* The path, still percent-encoded, without query: "/api/v1/blogs/a%2Fb". "*" for `OPTIONS *`. */
const char *ink_http_path(const struct ink_http_request *request);
/* What follows the "?", still encoded; "" when there is none. */
const char *ink_http_query(const struct ink_http_request *request);
/* The first header of that name, in any case; NULL when there is none. Values are trimmed. */
const char *ink_http_header(const struct ink_http_request *request, const char *name);
/* The n-th header, from 0; false past the last. */
bool ink_http_header_at(const struct ink_http_request *request, size_t n, const char **ret_name,
                        const char **ret_value);
/* The client's address, without port. */
const char *ink_http_remote(const struct ink_http_request *request);
bool ink_http_is_tls(const struct ink_http_request *request);
/* When the request must be answered: its start + request_timeout_ms, without the time that it
 * waited for a thread; on ink_now()'s scale. */
int64_t ink_http_deadline(const struct ink_http_request *request);
/* When its header had been read, on the same scale. */
int64_t ink_http_start(const struct ink_http_request *request);
/* Memory that lives as long as the request. */
struct ink_arena *ink_http_arena(struct ink_http_request *request);
/* Whether the client closed its side of the connection meanwhile: nobody may be left to answer to.
 * To be asked by streams now and then. */
bool ink_http_client_gone(const struct ink_http_request *request);
/* The same, found out without asking: true from a second or two after that, so that who has said
 * all and still listens gets what takes less. Lives as long as the request. For ink_ctx.cancelled.
 */
const atomic_bool *ink_http_left(const struct ink_http_request *request);
/* The server that the request came to. */
struct ink_http_server *ink_http_request_server(const struct ink_http_request *request);

/* Whether a body follows the header: Content-Length over 0, or chunks. */
bool ink_http_has_body(const struct ink_http_request *request);
/* Reads the whole body, at most max_body_bytes of it and until the request's deadline. It has a NUL
 * behind it and lives as long as the request. Answers `Expect: 100-continue` first. Returns 0, or
 * the HTTP status to refuse with and *ret_detail, a sentence: 413 too long, 408 too slow, 503 no
 * memory left for bodies or half of the threads wait for some, 400 malformed chunks or cut off.
 * After a failure the connection closes with the reply. A second call returns the same. */
int ink_http_read_body(struct ink_http_request *request, const char **ret_data, size_t *ret_size,
                       const char **ret_detail) INK_MUST_CHECK;

/* Where the reply's body goes: append to it, never change what it has (the head's room is in front
 * of the body). A heap buffer that the thread uses again. */
struct ink_buf *ink_http_body(struct ink_http_request *request);
/* How long the body is by now, and forget what was appended. */
size_t ink_http_body_size(const struct ink_http_request *request);
void ink_http_body_clear(struct ink_http_request *request);
/* Adds a header to the reply. Control characters in the value become spaces. Not for
 * Content-Length, Transfer-Encoding, Connection, Date and Content-Type, which the server sets. */
void ink_http_set(struct ink_http_request *request, const char *name, const char *value);
/* Adds ready-made header lines, each with its CRLF. */
void ink_http_set_lines(struct ink_http_request *request, const char *lines);
/* Sends status, headers and body with one write. `content_type` is NULL for none. The body is left
 * out for HEAD (but counted), 204 and 304. False when the client has gone, did not take all of it
 * within the request timeout or nothing of it for the header timeout, or when there was no memory
 * left for a large answer: then the client gets 503. */
bool ink_http_reply(struct ink_http_request *request, int status, const char *content_type);

/* Starts a reply of unknown length; what is in ink_http_body() by then is sent along. From here on
 * a client that vanishes without closing its connection is noticed within half a minute, as if it
 * had closed it. */
bool ink_http_stream_begin(struct ink_http_request *request, int status, const char *content_type);
/* Sends what was appended to ink_http_body() since, as one chunk and one write. False when the
 * client has gone or reads too slowly: then stop. The request's deadline does not matter here. */
bool ink_http_stream_flush(struct ink_http_request *request);
/* Flushes and ends the reply. Without it (on return of the handler, or after `false`) the
 * connection is cut, so that the client can tell that something is missing. */
bool ink_http_stream_end(struct ink_http_request *request);

/* Detaches a request whose answer is still to come, and whose body (if it has one) was read: the
 * handler is to return without having touched it again. From then on it belongs to whoever the
 * caller gives it to, in whatever thread; all its functions can be used but for streams. That one
 * answers by ink_http_reply(), which sends what can be sent at once and leaves the rest to a thread
 * of the server, and calls ink_http_finish(), after which the request is gone. False when it cannot
 * be done (TLS; the connection is to be closed; the next request is there already): then nothing
 * happened, and the handler answers as always. */
bool ink_http_detach(struct ink_http_request *request) INK_MUST_CHECK;
void ink_http_finish(struct ink_http_request *request);
/* Instead of answering a detached request here: has `resumed` called, with `self`, by a thread of
 * the server, which may block. It answers as a handler does, and the request is gone when it
 * returns. */
typedef void ink_http_resumed_fn(void *self, struct ink_http_request *request);
void ink_http_resume(struct ink_http_request *request, ink_http_resumed_fn *resumed, void *self);

/* When a part of a detached request's reply is left to a thread: has `sent` called by it, between
 * ink_http_finish() and the request's end, when that was sent or given up. False when the reply has
 * ended already: then nothing happens. */
bool ink_http_when_sent(struct ink_http_request *request, ink_http_resumed_fn *sent,
                        void *self) INK_MUST_CHECK;

/* The status that was sent, 0 before, and 499 when the client had gone before all of the reply was;
 * and how many bytes of body. */
int ink_http_replied(const struct ink_http_request *request);
size_t ink_http_sent_bytes(const struct ink_http_request *request);
