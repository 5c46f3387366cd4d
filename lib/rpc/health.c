/*
 * grpc.health.v1: whether this server, and each service on it, takes calls. The health service's
 * own health is about this server alone: it serves from when the program was ready for the first
 * time (or gave up waiting for that) until it is about to stop, whatever the program lacks in
 * between. Our clients watch that, so as to come when it is worth it and to go elsewhere in time.
 */
#include <string.h>

#include "grpc/health/v1/health.pb-c.h"
#include "lib/base/cond.h"
#include "lib/rpc/server_internal.h"

#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

#define OWN_NAME "grpc.health.v1.Health"

/* A program that lacks something at its start answers what it can after this. */
#define START_TIME (5 * INK_SECOND)

static bool is_there(const struct ink_rpc_server *server)
{
    return !server->leaving && (server->begun || ink_now() - server->started > START_TIME);
}

/* With the lock held. */
static int status_of(const struct ink_rpc_server *server, const char *service)
{
    bool serves = strcmp(service, OWN_NAME) == 0 ? is_there(server) : server->ready;
    return serves ? STATUS(SERVING) : STATUS(NOT_SERVING);
}

static struct ink_status check(void *self, struct ink_ctx *ctx,
                               const Grpc__Health__V1__HealthCheckRequest *request,
                               Grpc__Health__V1__HealthCheckResponse *reply)
{
    struct ink_rpc_server *server = self;
    if (request->service[0] != '\0' && !server_serves(server, request->service))
        return ink_errorf(ctx->arena, INK_NOT_FOUND, "there is no service %s here",
                          request->service);
    pthread_mutex_lock(&server->lock);
    reply->status = status_of(server, request->service);
    pthread_mutex_unlock(&server->lock);
    return ink_ok();
}
INK_RPC_UNARY(check, Grpc__Health__V1__HealthCheckRequest, Grpc__Health__V1__HealthCheckResponse)

/* Waits until the answer is another one than `told`, or for a second: a client that has gone is
 * noticed then. */
static void await_change(struct ink_rpc_server *server, const char *service, int told)
{
    int64_t end = ink_now() + INK_SECOND;
    pthread_mutex_lock(&server->lock);
    if (!server->stopping && told == status_of(server, service))
        (void)ink_cond_wait_until(&server->changed, &server->lock, end);
    pthread_mutex_unlock(&server->lock);
}

static struct ink_status watch(void *self, struct ink_ctx *ctx,
                               const Grpc__Health__V1__HealthCheckRequest *request,
                               struct ink_rpc_stream *stream)
{
    struct ink_rpc_server *server = self;
    bool known = request->service[0] == '\0' || server_serves(server, request->service);
    int told = -1;
    for (;;) {
        struct ink_status status = ink_ctx_check(ctx);
        if (!ink_is_ok(status))
            return status;
        pthread_mutex_lock(&server->lock);
        int now = known ? status_of(server, request->service) : (int)STATUS(SERVICE_UNKNOWN);
        bool stopping = server->stopping;
        pthread_mutex_unlock(&server->lock);
        if (now != told) {
            Grpc__Health__V1__HealthCheckResponse reply =
                GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
            reply.status = now;
            status = ink_rpc_stream_send(stream, &reply.base);
            if (!ink_is_ok(status))
                return status;
            told = now;
        }
        if (stopping)
            return ink_error(INK_UNAVAILABLE, "the server is shutting down");
        await_change(server, request->service, told);
    }
}
INK_RPC_STREAM(watch, Grpc__Health__V1__HealthCheckRequest)

struct ink_status health_add(struct ink_rpc_server *server, struct ink_arena *arena)
{
    const struct ink_method *check_method =
        ink_contract_method(server->contract, "/grpc.health.v1.Health/Check");
    const struct ink_method *watch_method =
        ink_contract_method(server->contract, "/grpc.health.v1.Health/Watch");
    if (check_method == NULL || watch_method == NULL)
        return ink_error_cause(arena, INK_INTERNAL, "the contract is incomplete",
                               "the contract lacks grpc.health.v1");
    struct served *served = server_serve(server, check_method);
    served->unary = check_rpc;
    served->self = server;
    served->built_in = true;
    served->kind = SERVED_HEALTH;
    served = server_serve(server, watch_method);
    served->stream = watch_rpc;
    served->self = server;
    served->built_in = true;
    served->kind = SERVED_HEALTH;
    return ink_ok();
}
