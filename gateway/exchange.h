/*
 * One request at the edge, while it goes through the gateway's files. Private to the gateway.
 */
#pragma once

#include <stdatomic.h>

#include "gateway/edge.h"
#include "gateway/load.h"
#include "gateway/openapi/openapi.h"
#include "gateway/safety.h"
#include "lib/base/ctx.h"
#include "lib/rpc/client.h"
#include "lib/transcode/router.h"

/* What a route needs beyond the router's own: made at start. */
struct gateway_route {
    struct ink_rpc_client *client;
    int success_status;
    Inkmesh__Options__V1__Access access;
    const char *location;              /* template, or NULL */
    const struct gateway_limit *limit; /* or NULL */
    const struct ink_field *account;   /* of the request, for the limit; or NULL */
    const char *preflight_names;       /* of the headers that pages may send */
};

/* Streams last, and each keeps a thread of the HTTP server: they get a share of the threads, so
 * that the rest is there for everybody else. */
struct gateway_slots {
    unsigned most;
    atomic_uint taken;
};

struct gateway_edge {
    struct gateway_edge_options options;
    struct ink_router *router;
    struct gateway_route *routes; /* by ink_route.index */
    struct ink_metric *duration;
    struct gateway_slots *slots;
    struct gateway_load *loads; /* by ink_method.id */
    struct ink_series *shed;    /* requests refused because their method was slow */
    struct gateway_openapi *openapi;
    struct gateway_safety *safety;
};

enum gateway_progress {
    GATEWAY_ANSWERED,
    GATEWAY_UNDER_WAY, /* belongs to somebody else now, who answers and ends it */
};

/* Lives in the request's arena. */
struct gateway_exchange {
    const struct gateway_edge *edge;
    struct ink_http_request *http;
    struct ink_ctx ctx;
    struct ink_ip client;    /* who asks, behind trusted proxies */
    bool unlimited;          /* no limits for them */
    const char *route_label; /* the template, or "" */
    const struct ink_route *route;
    const struct gateway_route *made;
    const char *const *values;
    struct gateway_load *load;     /* of the method, since the call began */
    int64_t call_begun;            /* on ink_now()'s scale */
    struct ink_rpc_flight *flight; /* of the call, once it has ended */
    struct gateway_charge *charge; /* what the call took of its limits; or NULL */
    struct ink_status status;      /* of what went wrong, for the log */
};

/* edge.c: one line and one observation a request, when its answer has been sent. */
void gateway_end(struct gateway_exchange *x);

/* answer.c: replies. A problem's `type` shows paths of violations in JSON names. */
void gateway_answer_status(struct gateway_exchange *x, struct ink_status status);
/* For what only HTTP knows. */
void gateway_answer_problem(struct gateway_exchange *x, int http_status, const char *detail);
/* Appends a status as problem+json, and returns its HTTP status and Retry-After. */
struct ink_problem gateway_write_problem(struct gateway_exchange *x, struct ink_status status,
                                         struct ink_buf *out);

/* preflight.c: the answer to OPTIONS. `names` are those of the headers that a page may send with
 * the method that it asks for; NULL when it may not use that method, or does not ask. */
void gateway_answer_options(struct gateway_exchange *x, const char *allow, const char *names);
/* Such names, for the router's paths and for the gateway's own. */
const char *gateway_preflight_route(struct gateway_exchange *x);
const char *gateway_preflight_own(struct gateway_exchange *x);
/* At start: of a route. Lives in `arena`. */
const char *gateway_preflight_names(struct ink_arena *arena, const struct ink_route *route);

/* own.c: the gateway's own paths. False when the path is none of them. */
bool gateway_answer_own(struct gateway_exchange *x);

/* access.c: who calls. Sets ctx.caller and ctx.authorization; not OK when the method is not for
 * them. */
struct ink_status gateway_check_access(struct gateway_exchange *x) INK_MUST_CHECK;

/* call.c */
enum gateway_progress gateway_call(struct gateway_exchange *x);
/* stream.c */
void gateway_stream(struct gateway_exchange *x, const ProtobufCMessage *request);

/* field_headers.c. All lines of a header of the request as one value (RFC 9110, section 5.2): a
 * list may come in several. NULL when there is none. */
const char *gateway_header_list(struct gateway_exchange *x, const char *name);
/* Fields that travel in headers. Fills in those of the request. */
struct ink_status gateway_take_headers(struct gateway_exchange *x,
                                       ProtobufCMessage *request) INK_MUST_CHECK;
/* Sets those of a reply, and Cache-Control. True when the client has this reply already, by its
 * ETag: 304 is all that is to be said. */
bool gateway_set_headers(struct gateway_exchange *x, const ProtobufCMessage *reply) INK_MUST_CHECK;

/* limit.c: how often. Sets who asks, in ctx.peer as well. */
void gateway_limit_begin(struct gateway_exchange *x);
/* Counts the request for its address; false when it was answered with 429. */
bool gateway_limit_address(struct gateway_exchange *x) INK_MUST_CHECK;
/* Counts the call for the limits that the contract names; RESOURCE_EXHAUSTED when it is refused. */
struct ink_status gateway_limit_take(struct gateway_exchange *x,
                                     const ProtobufCMessage *request) INK_MUST_CHECK;
/* Whether there is something to give back, by Redis, when the call has ended. */
bool gateway_limit_owes(const struct gateway_exchange *x);
/* How the call ended: gives back what was no failure, and sets the headers of the answer. */
void gateway_limit_settle(struct gateway_exchange *x, struct ink_status outcome);
/* At start: what the contract says of a method. */
struct ink_status gateway_limit_route(const struct gateway_edge_options *options,
                                      struct ink_arena *arena, const struct ink_method *rpc,
                                      struct gateway_route *route) INK_MUST_CHECK;

/* location.c: fills in a template with fields of a message. */
const char *gateway_location(struct ink_arena *arena, const char *location,
                             const struct ink_message *type, const ProtobufCMessage *message);
/* Whether each {field} of a template is a string field of the message. */
struct ink_status gateway_location_check(struct ink_arena *arena, const char *location,
                                         const struct ink_message *type) INK_MUST_CHECK;
