/*
 * A gRPC server for protobuf-c: any service of a contract, with a table of handlers. A whole
 * program (a test builds and runs it as it stands here, against clients in other languages):
 *
 *     #include <signal.h>
 *     #include <stdio.h>
 *     #include "greet.pb-c.h"
 *     #include "greet_contract.h"
 *     #include "lib/rpc/server.h"
 *
 *     static struct ink_status hello(void *self, struct ink_ctx *ctx,
 *                                    const Greet__V1__HelloRequest *request,
 *                                    Greet__V1__HelloReply *reply)
 *     {
 *         (void)self;
 *         if (request->name[0] == '\0')
 *             return ink_invalid_field(ctx->arena, "name", "must not be empty");
 *         reply->text = ink_arena_printf(ctx->arena, "Hello, %s!", request->name);
 *         return ink_ok();
 *     }
 *     INK_RPC_UNARY(hello, Greet__V1__HelloRequest, Greet__V1__HelloReply)
 *
 *     static struct ink_status many(void *self, struct ink_ctx *ctx,
 *                                   const Greet__V1__HelloRequest *request,
 *                                   struct ink_rpc_stream *stream)
 *     {
 *         struct ink_status status = ink_ok();
 *         for (int i = 1; i <= request->times && ink_is_ok(status); i++) {
 *             Greet__V1__HelloReply reply = GREET__V1__HELLO_REPLY__INIT;
 *             (void)hello(self, ctx, request, &reply);
 *             reply.number = i;
 *             status = ink_rpc_stream_send(stream, &reply.base);
 *         }
 *         return status;
 *     }
 *     INK_RPC_STREAM(many, Greet__V1__HelloRequest)
 *
 *     static const struct ink_rpc_handler handlers[] = {
 *         {.method = "Hello", .unary = hello_rpc},
 *         {.method = "Many", .stream = many_rpc},
 *         {0},
 *     };
 *
 *     int main(void)
 *     {
 *         struct ink_arena arena;
 *         struct ink_contract *contract;
 *         struct ink_rpc_server *server = NULL;
 *         struct ink_rpc_server_options options = {.address = "127.0.0.1:0"};
 *         sigset_t ends;
 *         int signal_number;
 *         sigemptyset(&ends);
 *         sigaddset(&ends, SIGTERM);
 *         sigprocmask(SIG_BLOCK, &ends, NULL);
 *
 *         ink_arena_init(&arena);
 *         struct ink_status status = ink_contract_load(&greet_contract, &arena, &contract);
 *         if (ink_is_ok(status))
 *             status = ink_rpc_server_new(contract, &options, &arena, &server);
 *         if (ink_is_ok(status))
 *             status = ink_rpc_server_add(server, "greet.v1.Greeter", handlers, NULL, &arena);
 *         if (ink_is_ok(status))
 *             status = ink_rpc_server_start(server, &arena);
 *         if (!ink_is_ok(status)) {
 *             fprintf(stderr, "%s\n", status.message);
 *             return 1;
 *         }
 *         ink_rpc_server_set_ready(server, true);
 *         printf("port %d\n", ink_rpc_server_port(server));
 *         fflush(stdout);
 *
 *         sigwait(&ends, &signal_number);
 *         ink_rpc_server_stop(server, 10000);
 *         ink_rpc_server_free(server);
 *         ink_contract_free(contract);
 *         ink_arena_release(&arena);
 *         return 0;
 *     }
 *
 * A handler may block: `workers` unary handlers run at once, and a stream has a thread of its own
 * while it lasts (at most `max_streams`; beyond them RESOURCE_EXHAUSTED). What a handler
 * allocates for its reply it takes from ctx->arena, which lives until the reply was sent.
 *
 * grpc.health.v1 and grpc.reflection (v1 and v1alpha) are served as well; methods that no handler
 * serves answer UNIMPLEMENTED. All functions are thread-safe unless they say otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/ctx.h"
#include "lib/contract/contract.h"
#include "lib/rpc/tls.h"
#include "lib/tls/tls.h"

struct ink_rpc_metadata;
struct ink_rpc_server;
struct ink_rpc_stream;

/* The reply is initialised before the handler is called and sent when it returns INK_OK. */
typedef struct ink_status ink_rpc_unary_fn(void *self, struct ink_ctx *ctx,
                                           const ProtobufCMessage *request,
                                           ProtobufCMessage *reply);

/* A server-streaming handler gets the one request; `request` is NULL for a method whose client
 * streams, which reads with ink_rpc_stream_recv(). The stream ends with the returned status. */
typedef struct ink_status ink_rpc_stream_fn(void *self, struct ink_ctx *ctx,
                                            const ProtobufCMessage *request,
                                            struct ink_rpc_stream *stream);

struct ink_rpc_handler {
    const char *method; /* "Register"; NULL ends a table */
    ink_rpc_unary_fn *unary;
    ink_rpc_stream_fn *stream;
};

/* Defines `NAME_rpc`, which calls the typed handler `NAME`. */
#define INK_RPC_UNARY(name, request_type, reply_type)                                              \
    static struct ink_status name##_rpc(void *self, struct ink_ctx *ctx,                           \
                                        const ProtobufCMessage *request, ProtobufCMessage *reply)  \
    {                                                                                              \
        return name(self, ctx, (const request_type *)request, (reply_type *)reply);                \
    }
#define INK_RPC_STREAM(name, request_type)                                                         \
    static struct ink_status name##_rpc(void *self, struct ink_ctx *ctx,                           \
                                        const ProtobufCMessage *request,                           \
                                        struct ink_rpc_stream *stream)                             \
    {                                                                                              \
        return name(self, ctx, (const request_type *)request, stream);                             \
    }

/* Tells the client, before there is a message, that the stream has begun (the initial metadata).
 * Sending a message does so, too; a stream that may be quiet at first says it once it knows that it
 * can serve. Not OK when the client has gone. */
struct ink_status ink_rpc_stream_begin(struct ink_rpc_stream *stream) INK_MUST_CHECK;
/* Sends one message and waits until the transport took it (flow control). Not OK when the client
 * has gone. */
struct ink_status ink_rpc_stream_send(struct ink_rpc_stream *stream,
                                      const ProtobufCMessage *message) INK_MUST_CHECK;
/* Waits for the client's next message, which lives until the next call of this function;
 * *ret_message is NULL when the client has no more. */
struct ink_status ink_rpc_stream_recv(struct ink_rpc_stream *stream,
                                      ProtobufCMessage **ret_message) INK_MUST_CHECK;

/* Whether the server has begun to stop: a stream that would go on for ever ends then. To be asked
 * now and then, like ink_ctx_cancelled(). */
bool ink_rpc_stream_draining(const struct ink_rpc_stream *stream);

/*
 * Interceptors run around every call of the registered services (not health and reflection), in the
 * order in which they were added; each goes on with ink_rpc_proceed() or answers by itself.
 */
struct ink_rpc_call {
    const struct ink_method *method;
    struct ink_ctx *ctx;
    const ProtobufCMessage *request;         /* NULL for a method whose client streams */
    const struct ink_rpc_metadata *metadata; /* of the request; read with ink_rpc_metadata() */
};
struct ink_rpc_next;
typedef struct ink_status ink_rpc_interceptor_fn(void *self, struct ink_rpc_call *call,
                                                 struct ink_rpc_next *next);
struct ink_status ink_rpc_proceed(struct ink_rpc_next *next, struct ink_rpc_call *call);

/* A request metadata value by its lower-case key, or NULL; lives as long as the call. */
const char *ink_rpc_metadata(const struct ink_rpc_call *call, const char *key);

struct ink_rpc_server_options {
    const char *address; /* "127.0.0.1:3001"; port 0 picks a free one */
    /* NULL, or the path of a Unix socket that it serves as well. One that was left there is taken
     * over; it is removed at the end. All who connect count as one client, and whoever may write to
     * it is trusted not to flood it. */
    const char *socket;
    const struct ink_rpc_tls *tls; /* NULL for plain text; must outlive the server */
    /* Told of each call that is refused because of its client's certificate, with the names of
     * that; and of each connection that is closed because it does harm (flood.h), with why. Called
     * by threads of the server's. NULL: nobody is. */
    void (*refused)(void *self, const char *names);
    void (*flooded)(void *self, unsigned client_port, const char *reason);
    void *events_self;
    /* Handlers of unary calls at once; 0 means the default, 8. Measured on 2 cores with 64
     * connections that read a blog from Redis through the gateway: 4, 8, 16 and 64 workers
     * served 9.5, 8.9, 8.7 and 8.8 thousand a second. More are for handlers that wait long. */
    unsigned workers;
    unsigned max_streams;     /* streams at once, and as many each of health and reflection; 0
                                 means the default, 256 */
    size_t max_message_bytes; /* a longer request is RESOURCE_EXHAUSTED, and so is a reply twice as
                                 long; 0 means 4 MiB */
    /* Calls without a deadline, or a later one, get this; also those whose client streams. A stream
     * of replies has no end by itself, but each of its messages must be taken within this time. 0
     * means 60 s. A request must have arrived 10 s after its headers in any case. */
    int64_t max_deadline_ms;
    /* Unary calls at once, whether they arrive, wait, run or are being answered; 0 means 4096. One
     * more is RESOURCE_EXHAUSTED: not that one, but the newest of the connection and method that
     * have most. */
    unsigned max_calls;
    /* Calls and streams at once of one connection; a client that keeps to HTTP/2 waits with the
     * next. 0 means 1024. */
    unsigned max_connection_calls;
    /* What requests may take before handlers have read them, all connections together; 0 means
     * 128 MiB. The connection that has sent most of it is closed when it is more, and from twice as
     * much on the C core ends connections and calls as it finds them. */
    size_t max_buffer_bytes;
    int64_t max_idle_ms; /* a connection without a call is closed after this; 0 means 5 minutes */
    bool no_reflection;  /* grpc.reflection is UNIMPLEMENTED */
};

/* Makes a server of `contract`, which must outlive it. Errors name the setting. */
struct ink_status ink_rpc_server_new(const struct ink_contract *contract,
                                     const struct ink_rpc_server_options *options,
                                     struct ink_arena *arena,
                                     struct ink_rpc_server **ret_server) INK_MUST_CHECK;

/* Before the start: serves a service of the contract. A handler for a method that the contract does
 * not have, or of the wrong kind, is an INVALID_ARGUMENT; so is a method without `options.access`.
 * `handlers` and `self` must outlive the server. */
struct ink_status ink_rpc_server_add(struct ink_rpc_server *server, const char *service,
                                     const struct ink_rpc_handler *handlers, void *self,
                                     struct ink_arena *arena) INK_MUST_CHECK;
/* Before the start: adds an interceptor behind those already there. */
void ink_rpc_server_intercept(struct ink_rpc_server *server, ink_rpc_interceptor_fn *interceptor,
                              void *self);

/* Binds and serves. UNAVAILABLE when the address cannot be bound. */
struct ink_status ink_rpc_server_start(struct ink_rpc_server *server,
                                       struct ink_arena *arena) INK_MUST_CHECK;
/* The bound port. */
int ink_rpc_server_port(const struct ink_rpc_server *server);

/* What grpc.health.v1 says of the whole server ("") and every service; false at first. Watchers are
 * told. Of grpc.health.v1.Health itself it says SERVING from the first time that the server is
 * ready (after 5 s in any case) until it stops: our clients watch that (client.h), and send no
 * calls before and after. */
void ink_rpc_server_set_ready(struct ink_rpc_server *server, bool ready);

/* Looks whether the files of its TLS changed. If so, and if they are good, new connections get what
 * they hold; those that exist go on. INVALID_ARGUMENT names the file that is not good: then
 * everything stays as it was. To be called by one thread at a time. */
struct ink_status ink_rpc_server_reload(struct ink_rpc_server *server, struct ink_arena *arena,
                                        struct ink_tls_state *ret_state) INK_MUST_CHECK;

/* Says NOT_SERVING and, while somebody watches that, goes on serving for half a second, so that
 * they can go elsewhere; refuses new calls (GOAWAY), waits up to `grace_ms` for those in flight,
 * cancels the rest and joins all threads. */
void ink_rpc_server_stop(struct ink_rpc_server *server, int64_t grace_ms);
/* Stops if still running. Accepts NULL. */
void ink_rpc_server_free(struct ink_rpc_server *server);
