/*
 * From an HTTP request to a call and back: the body is read, woven into the request message with
 * path and query, sent to the backend, and the response written as JSON into the send buffer.
 *
 * The request has a thread until the call has begun. What the reply needs is done where it arrives,
 * in one of the few threads of the backend's client; so it must be short, and must not wait for
 * anything. What may take longer gets a thread of the server again.
 */
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "gateway/exchange.h"
#include "gateway/media_type.h"
#include "lib/transcode/problem.h"
#include "lib/transcode/to_json.h"

/* A reply up to this length is made into JSON where it arrives. */
#define SHORT_REPLY (64 * 1024)
/* When to come back to a method that is slow. */
#define SLOW_RETRY_MS 2000

/* Reads the body into `parts`. False when it was answered with a problem. */
static bool take_body(struct gateway_exchange *x, struct ink_http_parts *parts)
{
    const char *detail;
    if (!ink_http_has_body(x->http))
        return true;
    if (!gateway_is_json(ink_http_header(x->http, "Content-Type"))) {
        gateway_answer_problem(x, 415, "The request body must be application/json.");
        return false;
    }
    const char *encoding = ink_http_header(x->http, "Content-Encoding");
    if (encoding != NULL && strcasecmp(encoding, "identity") != 0) {
        ink_http_set_lines(x->http, "Accept-Encoding: identity\r\n"); /* RFC 9110, 15.5.16 */
        gateway_answer_problem(x, 415, "The request body must not be compressed.");
        return false;
    }
    int status = ink_http_read_body(x->http, &parts->body, &parts->body_size, &detail);
    if (status != 0)
        gateway_answer_problem(x, status, detail);
    return status == 0;
}

static struct ink_status write_body(struct gateway_exchange *x, const ProtobufCMessage *reply)
{
    const struct ink_contract *contract = x->edge->options.contract;
    const struct ink_field *field = ink_binding_response_field(x->route->binding);
    struct ink_buf *out = ink_http_body(x->http);
    if (field != NULL)
        return ink_to_json_field(contract, x->ctx.arena, field, reply, 0, out);
    return ink_to_json(contract, x->ctx.arena, x->route->rpc->output, reply, 0, out);
}

static void answer(struct gateway_exchange *x, const ProtobufCMessage *reply)
{
    int http_status = x->made->success_status;
    struct ink_status status = http_status == 204 ? ink_ok() : write_body(x, reply);
    if (!ink_is_ok(status)) {
        gateway_answer_status(x, status);
        return;
    }
    if (gateway_set_headers(x, reply)) {
        ink_http_body_clear(x->http);
        (void)ink_http_reply(x->http, 304, NULL);
        return;
    }
    if (x->made->location != NULL)
        ink_http_set(
            x->http, "Location",
            gateway_location(x->ctx.arena, x->made->location, x->route->rpc->output, reply));
    (void)ink_http_reply(x->http, http_status, http_status == 204 ? NULL : "application/json");
}

static struct ink_status too_slow(struct gateway_exchange *x)
{
    struct ink_status status = ink_overloaded(
        "there is more of this to do than can be done at once; try again later", SLOW_RETRY_MS);
    status.cause = "HTTP_SLOW_PERCENT of HTTP_THREADS";
    ink_series_add(x->edge->shed, 1);
    return status;
}

/* Whether its method may have one more call. */
static bool begin_load(struct gateway_exchange *x)
{
    unsigned share = x->edge->options.slow_calls;
    x->load = &x->edge->loads[x->route->rpc->id];
    x->call_begun = ink_now();
    return gateway_load_begin(x->load, share == 0 ? UINT_MAX : share, x->call_begun);
}

static void conclude(struct gateway_exchange *x, struct ink_status status,
                     const ProtobufCMessage *reply)
{
    gateway_limit_settle(x, status);
    if (ink_is_ok(status))
        answer(x, reply);
    else
        gateway_answer_status(x, status);
}

static void end_flight(void *self, struct ink_http_request *http)
{
    struct gateway_exchange *x = self;
    ProtobufCMessage *reply = NULL;
    (void)http;
    struct ink_status status = ink_rpc_flight_end(x->flight, &reply);
    conclude(x, status, reply);
    gateway_end(x);
}

static void landed(void *self, struct ink_rpc_flight *flight)
{
    struct gateway_exchange *x = self;
    struct ink_http_request *http = x->http;
    gateway_load_end(x->load, x->call_begun, ink_now());
    x->flight = flight;
    if (ink_rpc_flight_bytes(flight) > SHORT_REPLY) {
        ink_http_resume(http, end_flight, x);
        return;
    }
    end_flight(x, http);
    ink_http_finish(http);
}

/* What is to be given back of limits afterwards, by Redis, needs a thread. */
static enum gateway_progress call_unary(struct gateway_exchange *x, const ProtobufCMessage *request)
{
    ProtobufCMessage *reply = NULL;
    if (!begin_load(x)) {
        conclude(x, too_slow(x), NULL);
        return GATEWAY_ANSWERED;
    }
    if (!gateway_limit_owes(x) && ink_http_detach(x->http)) {
        ink_rpc_client_start(x->made->client, &x->ctx, x->route->rpc, request, landed, x);
        return GATEWAY_UNDER_WAY;
    }
    struct ink_status status =
        ink_rpc_client_call(x->made->client, &x->ctx, x->route->rpc, request, &reply);
    gateway_load_end(x->load, x->call_begun, ink_now());
    conclude(x, status, reply);
    return GATEWAY_ANSWERED;
}

enum gateway_progress gateway_call(struct gateway_exchange *x)
{
    const char *query = ink_http_query(x->http);
    struct ink_http_parts parts = {.method = ink_http_method(x->http),
                                   .values = x->values,
                                   .query = query,
                                   .query_size = strlen(query)};
    ProtobufCMessage *request;
    struct ink_status status = gateway_check_access(x);
    if (!ink_is_ok(status)) {
        gateway_answer_status(x, status);
        return GATEWAY_ANSWERED;
    }
    if (!take_body(x, &parts))
        return GATEWAY_ANSWERED;
    status = ink_weave_request(x->route->binding, &parts, x->ctx.arena, &request);
    if (ink_is_ok(status))
        status = gateway_take_headers(x, request);
    if (ink_is_ok(status))
        status = gateway_limit_take(x, request);
    if (ink_is_ok(status) && !x->route->rpc->server_streaming)
        return call_unary(x, request);
    if (ink_is_ok(status))
        gateway_stream(x, request);
    else
        gateway_answer_status(x, status);
    return GATEWAY_ANSWERED;
}
