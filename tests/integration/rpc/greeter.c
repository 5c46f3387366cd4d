#include "tests/integration/rpc/greeter.h"

#include <string.h>
#include <time.h>

#include "greet.pb-c.h"
#include "lib/base/blocks.h"

static struct ink_status take_time(struct greeter *greeter, struct ink_ctx *ctx, int ms)
{
    int64_t until = ink_now() + ms * INK_MILLISECOND;
    if (ms > 0)
        ink_blocks();
    while (ink_now() < until) {
        if (ink_ctx_cancelled(ctx)) {
            atomic_fetch_add(&greeter->cancelled, 1);
            return ink_ctx_check(ctx);
        }
        nanosleep(&(struct timespec){.tv_nsec = INK_MILLISECOND}, NULL);
    }
    return ink_ok();
}

/* `more` further violations, to try how many fit. */
static struct ink_status fail(struct ink_ctx *ctx, int code, int more)
{
    struct ink_status status = ink_error((enum ink_code)code, "as you wished");
    status.reason = "WISHED_FOR";
    status.retry_after_ms = 1500;
    if (code == INK_INVALID_ARGUMENT) {
        ink_violation_add(ctx->arena, &status.violations, "name", "must be nice");
        ink_violation_add(ctx->arena, &status.violations, "inner.name", "must be nicer");
        for (int i = 0; i < more; i++)
            ink_violation_add(ctx->arena, &status.violations, "and.so.on", "must be the nicest");
    }
    return status;
}

static struct ink_status hello(void *self, struct ink_ctx *ctx,
                               const Greet__V1__HelloRequest *request, Greet__V1__HelloReply *reply)
{
    struct greeter *greeter = self;
    reply->number = atomic_fetch_add(&greeter->started, 1) + 1;
    if (atomic_load(&greeter->failures_left) > 0) {
        atomic_fetch_sub(&greeter->failures_left, 1);
        return ink_error(INK_UNAVAILABLE, "not yet");
    }
    struct ink_status status = take_time(greeter, ctx, request->take_ms);
    if (!ink_is_ok(status))
        return status;
    if (request->fail_with != 0)
        return fail(ctx, request->fail_with, request->times);
    reply->text = ink_arena_printf(ctx->arena, "Hello, %s!", request->name);
    return ink_ok();
}
INK_RPC_UNARY(hello, Greet__V1__HelloRequest, Greet__V1__HelloReply)

static struct ink_status many(void *self, struct ink_ctx *ctx,
                              const Greet__V1__HelloRequest *request, struct ink_rpc_stream *stream)
{
    struct greeter *greeter = self;
    atomic_fetch_add(&greeter->started, 1);
    for (int i = 1; i <= request->times; i++) {
        Greet__V1__HelloReply reply = GREET__V1__HELLO_REPLY__INIT;
        reply.text = request->name;
        reply.number = i;
        struct ink_status status = ink_rpc_stream_send(stream, &reply.base);
        if (ink_is_ok(status))
            status = take_time(greeter, ctx, request->take_ms);
        if (!ink_is_ok(status))
            return status;
    }
    return request->fail_with != 0 ? fail(ctx, request->fail_with, 0) : ink_ok();
}
INK_RPC_STREAM(many, Greet__V1__HelloRequest)

static struct ink_status all(void *self, struct ink_ctx *ctx, const Greet__V1__HelloRequest *none,
                             struct ink_rpc_stream *stream)
{
    Greet__V1__HelloReply reply = GREET__V1__HELLO_REPLY__INIT;
    reply.text = ink_arena_strdup(ctx->arena, "Hello");
    (void)self;
    (void)none;
    for (;;) {
        ProtobufCMessage *message;
        struct ink_status status = ink_rpc_stream_recv(stream, &message);
        if (!ink_is_ok(status))
            return status;
        if (message == NULL)
            return ink_rpc_stream_send(stream, &reply.base);
        const Greet__V1__HelloRequest *request = (const Greet__V1__HelloRequest *)message;
        reply.text = ink_arena_printf(ctx->arena, "%s, %s", reply.text, request->name);
        reply.number++;
    }
}
INK_RPC_STREAM(all, Greet__V1__HelloRequest)

const struct ink_rpc_handler greeter_handlers[] = {
    {.method = "Hello", .unary = hello_rpc},
    {.method = "HelloOnce", .unary = hello_rpc},
    {.method = "Many", .stream = many_rpc},
    {.method = "All", .stream = all_rpc},
    {0},
};
