/* The interceptors that refuse: who calls, may they, and is what they send in order. */
#include "lib/mesh/interceptors.h"

#define ACCESS(name) INKMESH__OPTIONS__V1__ACCESS__ACCESS_##name

static Inkmesh__Options__V1__Access access_of(const struct ink_rpc_call *call)
{
    const Inkmesh__Options__V1__MethodOptions *options = call->method->options;
    return options != NULL ? options->access : ACCESS(UNSPECIFIED);
}

static struct ink_status refuse(enum ink_code code, const char *message, const char *reason)
{
    struct ink_status status = ink_error(code, message);
    status.reason = reason;
    return status;
}

/* A stream lasts no longer than the token that opened it: who may call no more hears no more. */
static struct ink_status proceed_while_good(struct ink_rpc_call *call, struct ink_rpc_next *next)
{
    struct ink_ctx *ctx = call->ctx;
    int64_t until = ctx->caller.until;
    bool earlier = until != 0 && until < ctx->deadline;
    if (earlier)
        ctx->deadline = until;
    struct ink_status status = ink_rpc_proceed(next, call);
    struct ink_status good = ink_auth_still_good(&ctx->caller);
    return earlier && status.code == INK_DEADLINE_EXCEEDED && !ink_is_ok(good) ? good : status;
}

/* Without a token the caller stays who the transport says it is. */
struct ink_status ink_mesh_authenticate(void *self, struct ink_rpc_call *call,
                                        struct ink_rpc_next *next)
{
    const struct ink_mesh_guard *guard = self;
    struct ink_ctx *ctx = call->ctx;
    if (access_of(call) == ACCESS(ANYONE) || ctx->authorization == NULL)
        return ink_rpc_proceed(next, call);
    if (guard->auth == NULL)
        return refuse(INK_UNAUTHENTICATED, "no tokens are accepted here", INK_AUTH_TOKEN_INVALID);
    struct ink_status status =
        ink_auth_verify(guard->auth, ctx->arena, ctx->authorization, &ctx->caller);
    if (!ink_is_ok(status))
        return status;
    return call->method->server_streaming ? proceed_while_good(call, next)
                                          : ink_rpc_proceed(next, call);
}

static bool may(Inkmesh__Options__V1__Access access, enum ink_caller_kind kind)
{
    switch (access) {
    case ACCESS(ANYONE):
        return true;
    case ACCESS(USER):
        return kind == INK_CALLER_USER;
    case ACCESS(SERVICE):
        return kind == INK_CALLER_SERVICE;
    case ACCESS(USER_OR_SERVICE):
        return kind == INK_CALLER_USER || kind == INK_CALLER_SERVICE;
    default:
        return false;
    }
}

struct ink_status ink_mesh_authorize(void *self, struct ink_rpc_call *call,
                                     struct ink_rpc_next *next)
{
    (void)self;
    Inkmesh__Options__V1__Access access = access_of(call);
    enum ink_caller_kind kind = call->ctx->caller.kind;
    if (may(access, kind))
        return ink_rpc_proceed(next, call);
    if (kind == INK_CALLER_ANYONE)
        return refuse(INK_UNAUTHENTICATED, "sign in first: this needs a bearer token",
                      INK_AUTH_TOKEN_MISSING);
    return refuse(INK_PERMISSION_DENIED,
                  access == ACCESS(USER)      ? "only a signed-in user may do this"
                  : access == ACCESS(SERVICE) ? "only a service of the mesh may do this"
                                              : "nobody may do this",
                  "WRONG_CALLER");
}

struct ink_status ink_mesh_validate(void *self, struct ink_rpc_call *call,
                                    struct ink_rpc_next *next)
{
    const struct ink_mesh_guard *guard = self;
    if (guard->validator != NULL && call->request != NULL) {
        struct ink_status status =
            ink_validate(guard->validator, call->ctx->arena, call->method->input, call->request);
        if (!ink_is_ok(status))
            return status;
    }
    return ink_rpc_proceed(next, call);
}
