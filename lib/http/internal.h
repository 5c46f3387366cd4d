/*
 * What the files of lib/http share: the server, and the request that each of its threads has.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "civetweb.h"
#include "lib/base/clock.h"
#include "lib/http/framing.h"
#include "lib/http/http.h"
#include "lib/http/inside.h"
#include "lib/http/lobby.h"
#include "lib/http/shares.h"

/* By which bodies are read, and the memory for them is taken. */
#define BODY_STEP (64 * 1024)
/* Room in front of a reply's body, so that head and body leave with one write. */
#define HEAD_ROOM 2048
/* A longer buffer is not kept for the next request. */
#define KEPT_BUFFER (32 * 1024)
/* So many detached requests are kept for others to use again. */
#define KEPT_REQUESTS 64

struct ink_http_server {
    struct ink_http_options options; /* with defaults filled in; strings are ours */
    struct mg_context *ctx;
    struct ink_http_shares *shares;
    int port;
    struct ink_lobby *lobby;
    struct ink_mg_host host;
    atomic_uint busy; /* connections that have a thread */
    atomic_uint active;
    atomic_uint receiving; /* threads that wait for a body */
    atomic_ulong shed;     /* requests that waited for a thread too long, or would have */
    atomic_bool draining;
    char start_error[160]; /* what civetweb said while it started */
    pthread_mutex_t spare_lock;
    struct ink_http_request *spare; /* a chain, and its length */
    unsigned n_spare;
    atomic_uint detached;
    pthread_mutex_t certificate_lock;
    struct ink_http_certificate *certificate; /* for new connections; NULL without TLS */
};

enum reply_state {
    REPLY_NONE,
    REPLY_STREAMING,
    REPLY_DONE,
    REPLY_BROKEN, /* the client has gone, or the stream was cut */
};

/* Each thread has one, which it uses again for every request that it handles, until it is detached.
 */
struct ink_http_request {
    struct ink_http_server *server;
    struct mg_connection *conn; /* NULL while it is detached */
    const struct mg_request_info *info;
    struct ink_guest *guest;      /* of a detached request */
    ink_http_resumed_fn *resumed; /* what goes on when it has a thread again, or its reply has
                                     ended; or NULL */
    void *resumed_self;
    size_t unsent; /* where that begins in `out` which is still to be sent; 0: all is */
    struct ink_http_request *next; /* of those that are kept */
    struct ink_ip peer;
    char remote[48]; /* the same as text */
    bool tls;
    const char *method;
    const char *path;
    const char *query;
    struct ink_http_field fields[INK_HTTP_MAX_HEADERS];
    size_t n_fields;
    struct ink_http_framing framing;
    struct ink_arena arena;
    int64_t start;
    int64_t waited; /* for a thread, before the start */
    int64_t deadline;
    bool http11;
    bool close;     /* after the reply */
    bool surprises; /* it does, and the client did not ask for it: more of it may be on its way */
    bool detached;  /* it was, so the client wanted the connection to be kept */
    bool unparsed;  /* what came last on the connection was no request */

    bool body_read;
    int body_status;
    const char *body_detail;
    struct ink_buf body; /* of the request */
    size_t body_held;    /* what was taken of the memory for bodies */
    bool waits_for_body; /* is counted in `receiving` */

    enum reply_state state;
    int status;
    size_t sent_bytes;
    size_t answer_held; /* what was taken of the memory for answers */
    bool barred;        /* the answer is a refusal for want of memory */
    bool chunked_reply;
    struct ink_buf out;   /* HEAD_ROOM bytes, then the reply's body */
    struct ink_buf lines; /* header lines that the handler set */
    struct ink_buf head;
    char date[32];
    int64_t date_second;
};

/* request.c */
struct ink_http_request *request_new(struct ink_http_server *server);
void request_free(struct ink_http_request *request);
/* Starts afresh with what civetweb has parsed. */
void request_begin(struct ink_http_request *request, struct mg_connection *conn);
void request_end(struct ink_http_request *request);
/* One to use for the next request, and to give back. */
struct ink_http_request *request_take(struct ink_http_server *server);
void request_give_back(struct ink_http_request *request);
void request_free_spares(struct ink_http_server *server);
/* Has it answered by the refuse function, and the connection closed. */
void request_refuse(struct ink_http_request *request, int status, const char *detail);
/* The same in the plainest way, by lib/http itself. */
void request_refuse_plainly(struct ink_http_request *request, int status, const char *detail);

/* head.c: takes over what civetweb parsed of the header. False when that is not all of it. */
bool request_take_fields(struct ink_http_request *request,
                         struct ink_http_head *ret_head) INK_MUST_CHECK;
/* All of the head. False, and the request is refused, when it is not trustworthy. */
bool request_take_head(struct ink_http_request *request) INK_MUST_CHECK;
/* An answer to HEAD has no body, however little of the request was understood. */
void request_see_head(struct ink_http_request *request);

/* body.c: its memory is somebody else's now. */
void body_release(struct ink_http_request *request);

/* detached.c: for ink_mg_host. */
ink_mg_resume_fn request_resumes;

/* server.c: makes sure that there was a reply, and that the connection is left in order. */
void request_finish(struct ink_http_request *request);
void guest_drop(struct ink_http_server *server, struct ink_guest *guest);

/* reply.c */
void reply_begin(struct ink_http_request *request);
/* The answer was sent, or never will be. */
void reply_release(struct ink_http_request *request);
/* Sends what is left of a reply of a request that was detached. */
void reply_send_rest(struct ink_http_request *request);
/* Whether an answer to the same was too large just now; then it is refused. */
bool reply_is_barred(struct ink_http_request *request) INK_MUST_CHECK;

/* tls.c: reads the certificate, if there is one. */
struct ink_status tls_init(struct ink_http_server *server, struct ink_arena *arena) INK_MUST_CHECK;
void tls_release(struct ink_http_server *server);
/* For civetweb's init_ssl. */
int tls_setup(void *ssl_ctx, void *self);
