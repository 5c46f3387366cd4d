/*
 * Unary calls, seen from the client. All ops of a call are one batch, so it ends with one event,
 * which comes to one of the client's threads. Who waits for a call is only woken there.
 */
#include <semaphore.h>

#include "lib/base/blocks.h"
#include "lib/rpc/client_internal.h"

/* Calls that are taken back at once, so once a second: a backend closes the connection of somebody
 * who takes back a thousand (flood.h). */
#define MOST_TAKEN_BACK 256

struct ink_rpc_flight {
    struct ink_rpc_client *client;
    struct ink_arena *arena;
    const struct ink_method *method;
    struct link *link;
    grpc_call *call;
    grpc_metadata_array initial;
    grpc_byte_buffer *request, *reply;
    struct outgoing outgoing;
    struct ending ending;
    struct ink_status failed;     /* it could not even begin */
    const atomic_bool *cancelled; /* by whoever the call is made for; or NULL */
    int64_t begun;
    bool guarded;                           /* by the breaker, and told to it */
    struct ink_rpc_flight *previous, *next; /* of those that are under way */
    ink_rpc_landed_fn *landed;
    void *self;
};

static int64_t call_deadline(const struct ink_rpc_client *client, const struct ink_ctx *ctx)
{
    int64_t latest = ink_now() + client->options.default_timeout_ms * INK_MILLISECOND;
    return ctx->deadline < latest ? ctx->deadline : latest;
}

static grpc_call_error start_batch(struct ink_rpc_flight *flight)
{
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},  {.op = GRPC_OP_SEND_MESSAGE},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}, {.op = GRPC_OP_RECV_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_MESSAGE},           ending_op(&flight->ending),
    };
    ops[0].data.send_initial_metadata.count = flight->outgoing.count;
    ops[0].data.send_initial_metadata.metadata = flight->outgoing.metadata;
    ops[1].data.send_message.send_message = flight->request;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &flight->initial;
    ops[4].data.recv_message.recv_message = &flight->reply;
    INK_HAND_OVER(flight);
    return grpc_call_start_batch(flight->call, ops, INK_COUNT(ops), flight, NULL);
}

/* Those under way are known, so that they can be ended when the backend turns out to be frozen (its
 * connection stands for long), or when nobody has time for them any more. */
static void list(struct ink_rpc_flight *flight)
{
    struct ink_rpc_client *client = flight->client;
    pthread_mutex_lock(&client->lock);
    flight->next = client->flights;
    if (flight->next != NULL)
        flight->next->previous = flight;
    client->flights = flight;
    if (client->stopped)
        grpc_call_cancel(flight->call, NULL);
    pthread_mutex_unlock(&client->lock);
}

static void strike(struct ink_rpc_flight *flight)
{
    struct ink_rpc_client *client = flight->client;
    pthread_mutex_lock(&client->lock);
    *(flight->previous == NULL ? &client->flights : &flight->previous->next) = flight->next;
    if (flight->next != NULL)
        flight->next->previous = flight->previous;
    pthread_mutex_unlock(&client->lock);
}

/* With the lock held. */
static void end_all(struct ink_rpc_client *client)
{
    for (struct ink_rpc_flight *flight = client->flights; flight != NULL; flight = flight->next)
        if (flight->guarded)
            grpc_call_cancel(flight->call, NULL);
}

void client_end_all(struct ink_rpc_client *client)
{
    pthread_mutex_lock(&client->lock);
    end_all(client);
    pthread_mutex_unlock(&client->lock);
}

void ink_rpc_client_stop(struct ink_rpc_client *client)
{
    pthread_mutex_lock(&client->lock);
    client->stopped = true;
    end_all(client);
    pthread_mutex_unlock(&client->lock);
}

static bool is_cancelled(const struct ink_rpc_flight *flight)
{
    return flight->cancelled != NULL &&
           atomic_load_explicit(flight->cancelled, memory_order_relaxed);
}

void client_end_cancelled(struct ink_rpc_client *client)
{
    int left = MOST_TAKEN_BACK;
    pthread_mutex_lock(&client->lock);
    for (struct ink_rpc_flight *flight = client->flights; flight != NULL && left > 0;
         flight = flight->next) {
        if (!is_cancelled(flight))
            continue;
        grpc_call_cancel(flight->call, NULL);
        left--;
    }
    pthread_mutex_unlock(&client->lock);
}

/* Whether it may begin at all. */
static struct ink_status admit(struct ink_rpc_flight *flight, const struct ink_ctx *ctx)
{
    struct ink_status status = ink_ctx_check(ctx);
    if (ink_is_ok(status) && flight->guarded && !client_breaker_admits(&flight->client->breaker)) {
        flight->guarded = false; /* what did not begin is not told */
        status = client_breaker_refusal(&flight->client->breaker);
    }
    return status;
}

static void start(struct ink_rpc_flight *flight, const struct ink_ctx *ctx,
                  const ProtobufCMessage *request)
{
    struct ink_rpc_client *client = flight->client;
    grpc_metadata_array_init(&flight->initial);
    ending_init(&flight->ending);
    flight->failed = admit(flight, ctx);
    if (!ink_is_ok(flight->failed)) {
        flight->landed(flight->self, flight);
        return;
    }
    flight->begun = ink_now();
    outgoing_init(&flight->outgoing, ctx);
    flight->request = ink_wire_pack(request);
    flight->link = link_take(client);
    flight->call =
        link_call(flight->link, flight->method, client->queue, call_deadline(client, ctx));
    list(flight);
    grpc_call_error error = start_batch(flight);
    if (error == GRPC_CALL_OK)
        return; /* the flight may have ended by now */
    flight->failed = ink_error_cause(ctx->arena, INK_INTERNAL, "the call could not be made",
                                     "grpc_call_start_batch: error %d", (int)error);
    flight_lands(flight);
}

static struct ink_rpc_flight *prepare(struct ink_rpc_client *client, const struct ink_ctx *ctx,
                                      const struct ink_method *method, ink_rpc_landed_fn *landed,
                                      void *self)
{
    struct ink_rpc_flight *flight = ink_arena_calloc(ctx->arena, 1, sizeof(*flight));
    flight->client = client;
    flight->arena = ctx->arena;
    flight->cancelled = ctx->cancelled;
    flight->method = method;
    flight->landed = landed;
    flight->self = self;
    return flight;
}

void ink_rpc_client_start(struct ink_rpc_client *client, const struct ink_ctx *ctx,
                          const struct ink_method *method, const ProtobufCMessage *request,
                          ink_rpc_landed_fn *landed, void *self)
{
    struct ink_rpc_flight *flight = prepare(client, ctx, method, landed, self);
    flight->guarded = true;
    start(flight, ctx, request);
}

void flight_lands(void *tag)
{
    struct ink_rpc_flight *flight = tag;
    strike(flight);
    flight->landed(flight->self, flight);
}

size_t ink_rpc_flight_bytes(const struct ink_rpc_flight *flight)
{
    return flight->reply == NULL ? 0 : grpc_byte_buffer_length(flight->reply);
}

static struct ink_status outcome(struct ink_rpc_flight *flight, ProtobufCMessage **ret_reply)
{
    if (!ink_is_ok(flight->failed))
        return flight->failed;
    if (flight->ending.code == GRPC_STATUS_CANCELLED && is_cancelled(flight))
        return ink_error(INK_CANCELLED, "the client cancelled the request");
    struct ink_status status = ending_status(&flight->ending, flight->arena);
    if (!ink_is_ok(status))
        return status;
    status = ink_wire_unpack(flight->arena, flight->method->output, flight->reply,
                             flight->client->options.max_message_bytes, ret_reply);
    if (!ink_is_ok(status))
        status = ink_error_cause(flight->arena, INK_INTERNAL, "the service's reply is malformed",
                                 "%s: %s", flight->method->full_name, status.message);
    return status;
}

struct ink_status ink_rpc_flight_end(struct ink_rpc_flight *flight, ProtobufCMessage **ret_reply)
{
    struct ink_status status = outcome(flight, ret_reply);
    if (flight->reply != NULL)
        grpc_byte_buffer_destroy(flight->reply);
    if (flight->request != NULL)
        grpc_byte_buffer_destroy(flight->request);
    if (flight->call != NULL)
        grpc_call_unref(flight->call);
    if (flight->link != NULL)
        link_drop(flight->link);
    outgoing_release(&flight->outgoing);
    grpc_metadata_array_destroy(&flight->initial);
    ending_release(&flight->ending);
    if (flight->guarded)
        client_breaker_tell(&flight->client->breaker, flight->begun, flight->ending.verdict);
    return status;
}

static void wake(void *done, struct ink_rpc_flight *flight)
{
    (void)flight;
    sem_post(done);
}

static struct ink_status call_and_wait(struct ink_rpc_client *client, const struct ink_ctx *ctx,
                                       const struct ink_method *method,
                                       const ProtobufCMessage *request, bool guarded,
                                       ProtobufCMessage **ret_reply,
                                       enum client_verdict *ret_verdict)
{
    sem_t done;
    struct ink_rpc_flight *flight = prepare(client, ctx, method, wake, &done);
    flight->guarded = guarded;
    sem_init(&done, 0, 0);
    start(flight, ctx, request);
    ink_blocks();
    while (sem_wait(&done) != 0)
        ;
    sem_destroy(&done);
    struct ink_status status = ink_rpc_flight_end(flight, ret_reply);
    *ret_verdict = flight->ending.verdict;
    return status;
}

struct ink_status ink_rpc_client_call(struct ink_rpc_client *client, const struct ink_ctx *ctx,
                                      const struct ink_method *method,
                                      const ProtobufCMessage *request, ProtobufCMessage **ret_reply)
{
    enum client_verdict verdict;
    return call_and_wait(client, ctx, method, request, true, ret_reply, &verdict);
}

struct ink_status client_probe(struct ink_rpc_client *client, const struct ink_ctx *ctx,
                               const struct ink_method *method, const ProtobufCMessage *request,
                               ProtobufCMessage **ret_reply, enum client_verdict *ret_verdict)
{
    return call_and_wait(client, ctx, method, request, false, ret_reply, ret_verdict);
}
