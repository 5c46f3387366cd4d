/*
 * A gRPC client for protobuf-c: calls any method of a contract.
 *
 * One client is one channel to one backend: it resolves names, balances round robin over the
 * addresses, keeps the connections alive and reconnects by itself. A replica that says (by the
 * health of grpc.health.v1.Health) that it is about to stop gets no more calls. Idempotent methods
 * (by their idempotency_level) are retried when the backend is UNAVAILABLE; others never. Every
 * call has a deadline: the context's, or `default_timeout_ms` from now when that is sooner.
 *
 * A circuit breaker keeps callers from waiting for a backend that does not answer: while it is
 * open, calls and streams fail at once with UNAVAILABLE; unary calls under way end when it opened
 * because the backend says nothing at all.
 *
 * The context's trace, request id, authorization and deadline travel with the call. All functions
 * are thread-safe.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/breaker.h"
#include "lib/base/ctx.h"
#include "lib/contract/contract.h"
#include "lib/rpc/tls.h"
#include "lib/tls/tls.h"

struct ink_rpc_client;
struct ink_rpc_client_stream;
struct ink_rpc_flight;

struct ink_rpc_client_options {
    const char *target; /* "127.0.0.1:3001", "10.0.0.1:3001,10.0.0.2:3001" (target.h), or any gRPC
                           name such as "dns:///user:3001" */
    const struct ink_rpc_tls *tls; /* NULL for plain text; must outlive the client */
    int64_t default_timeout_ms;    /* 0 means 5,000 */
    size_t max_message_bytes;      /* a longer reply is RESOURCE_EXHAUSTED; 0 means 8 MiB */
    int64_t keepalive_ms; /* during calls, a backend silent for this long is asked for a sign of
                             life, and given up after a quarter more; 0 means 6,000 */
};

/* Makes a client; connects at the first call. `contract` must outlive it. */
struct ink_status ink_rpc_client_new(const struct ink_contract *contract,
                                     const struct ink_rpc_client_options *options,
                                     struct ink_arena *arena,
                                     struct ink_rpc_client **ret_client) INK_MUST_CHECK;
/* Looks whether the files of its TLS changed. If so, and if they are good, calls that begin from
 * now on are made on new connections with what they hold; those under way go on. INVALID_ARGUMENT
 * names the file that is not good: then everything stays as it was. To be called by one thread at a
 * time.
 */
struct ink_status ink_rpc_client_reload(struct ink_rpc_client *client, struct ink_arena *arena,
                                        struct ink_tls_state *ret_state) INK_MUST_CHECK;
/* For a program whose time to stop is over: unary calls that are under way, and those that begin
 * from now on, end at once with UNAVAILABLE. */
void ink_rpc_client_stop(struct ink_rpc_client *client);
/* No call may be under way. Accepts NULL. */
void ink_rpc_client_free(struct ink_rpc_client *client);

/* Calls a unary method, and has `landed` called with `self` when the call has ended: once, by one
 * of the client's few threads, or by this one before the function returns. It must not wait for
 * anything, and it or somebody after it must end the flight. `ctx` is not needed any more when the
 * function returns, but its arena, `cancelled` and `request` are until then. */
typedef void ink_rpc_landed_fn(void *self, struct ink_rpc_flight *flight);
void ink_rpc_client_start(struct ink_rpc_client *client, const struct ink_ctx *ctx,
                          const struct ink_method *method, const ProtobufCMessage *request,
                          ink_rpc_landed_fn *landed, void *self);
/* How long the reply is, which is unpacked only when the flight ends. */
size_t ink_rpc_flight_bytes(const struct ink_rpc_flight *flight);
/* Returns what came of the call; the flight is gone. The reply and the status's strings live in the
 * arena of the call's context. */
struct ink_status ink_rpc_flight_end(struct ink_rpc_flight *flight,
                                     ProtobufCMessage **ret_reply) INK_MUST_CHECK;

/* Calls a unary method and waits. The reply and the status's strings live in ctx->arena. */
struct ink_status ink_rpc_client_call(struct ink_rpc_client *client, const struct ink_ctx *ctx,
                                      const struct ink_method *method,
                                      const ProtobufCMessage *request,
                                      ProtobufCMessage **ret_reply) INK_MUST_CHECK;

/* Opens a server stream. Read it until recv says that it ended, then free it; freeing it earlier
 * cancels the call. A stream has the context's deadline only (none: it may last). */
struct ink_status
ink_rpc_client_stream_open(struct ink_rpc_client *client, const struct ink_ctx *ctx,
                           const struct ink_method *method, const ProtobufCMessage *request,
                           struct ink_rpc_client_stream **ret_stream) INK_MUST_CHECK;
/* Waits up to `timeout_ms` for the next message, which is unpacked into `arena`. INK_OK with a NULL
 * message when the stream ended well; DEADLINE_EXCEEDED with reason "NO_MESSAGE_YET" when nothing
 * came in time (the stream is still good); any other status is how the call ended. */
struct ink_status ink_rpc_client_stream_recv(struct ink_rpc_client_stream *stream,
                                             int64_t timeout_ms, struct ink_arena *arena,
                                             ProtobufCMessage **ret_message) INK_MUST_CHECK;
/* Whether the server has said that the stream has begun (ink_rpc_stream_begin()), as far as recv
 * has seen. */
bool ink_rpc_client_stream_begun(const struct ink_rpc_client_stream *stream);
/* Accepts NULL. */
void ink_rpc_client_stream_free(struct ink_rpc_client_stream *stream);

/* Whether the backend says by grpc.health.v1 that it is serving, asked now with `timeout_ms`. Who
 * asks once must go on asking, every second or so: from then on the breaker closes by this alone,
 * and opens when two questions in a row have no answer. Unary calls under way whose context was
 * cancelled meanwhile end by this, with CANCELLED. */
bool ink_rpc_client_healthy(struct ink_rpc_client *client, int64_t timeout_ms);

/* For metrics. */
struct ink_rpc_client_stats {
    enum ink_breaker_state breaker;
    uint64_t entered[INK_BREAKER_STATES]; /* how often the breaker came to each state */
    uint64_t refused;                     /* calls and streams, while it was not closed */
};
struct ink_rpc_client_stats ink_rpc_client_stats(struct ink_rpc_client *client);
