/*
 * Unary calls, seen from the client. All ops of a call are one batch, so it ends with one event,
 * which comes to one of the client's threads. Who waits for a call is only woken there.
 */
#include <semaphore.h>

#include "lib/rpc/client_internal.h"

struct ink_rpc_flight {
    const struct ink_rpc_client *client;
    struct ink_arena *arena;
    const struct ink_method *method;
    struct link *link;
    grpc_call *call;
    grpc_metadata_array initial;
    grpc_byte_buffer *request, *reply;
    struct outgoing outgoing;
    struct ending ending;
    struct ink_status failed; /* it could not even begin */
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
    return grpc_call_start_batch(flight->call, ops, INK_COUNT(ops), flight, NULL);
}

void ink_rpc_client_start(struct ink_rpc_client *client, const struct ink_ctx *ctx,
                          const struct ink_method *method, const ProtobufCMessage *request,
                          ink_rpc_landed_fn *landed, void *self)
{
    struct ink_rpc_flight *flight = ink_arena_calloc(ctx->arena, 1, sizeof(*flight));
    flight->client = client;
    flight->arena = ctx->arena;
    flight->method = method;
    flight->landed = landed;
    flight->self = self;
    grpc_metadata_array_init(&flight->initial);
    ending_init(&flight->ending);
    flight->failed = ink_ctx_check(ctx);
    if (!ink_is_ok(flight->failed)) {
        landed(self, flight);
        return;
    }
    outgoing_init(&flight->outgoing, ctx);
    flight->request = ink_wire_pack(request);
    flight->link = link_take(client);
    flight->call = link_call(flight->link, method, client->queue, call_deadline(client, ctx));
    grpc_call_error error = start_batch(flight);
    if (error == GRPC_CALL_OK)
        return; /* the flight may have ended by now */
    flight->failed = ink_error_cause(ctx->arena, INK_INTERNAL, "the call could not be made",
                                     "grpc_call_start_batch: error %d", (int)error);
    landed(self, flight);
}

void flight_lands(void *tag)
{
    struct ink_rpc_flight *flight = tag;
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
    return status;
}

/* A call that its thread waits for. */
struct waiting {
    sem_t done;
    struct ink_rpc_flight *flight;
};

static void wake(void *self, struct ink_rpc_flight *flight)
{
    struct waiting *waiting = self;
    waiting->flight = flight;
    sem_post(&waiting->done);
}

struct ink_status ink_rpc_client_call(struct ink_rpc_client *client, const struct ink_ctx *ctx,
                                      const struct ink_method *method,
                                      const ProtobufCMessage *request, ProtobufCMessage **ret_reply)
{
    struct waiting waiting;
    sem_init(&waiting.done, 0, 0);
    ink_rpc_client_start(client, ctx, method, request, wake, &waiting);
    while (sem_wait(&waiting.done) != 0)
        ;
    sem_destroy(&waiting.done);
    return ink_rpc_flight_end(waiting.flight, ret_reply);
}
