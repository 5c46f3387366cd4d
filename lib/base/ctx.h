/*
 * The context of one request, handed from layer to layer: until when it may run, for whom, where
 * its memory lives and how its log lines are found. Made by the gateway for an HTTP request and by
 * lib/rpc for a call; lib/rpc's client passes deadline, trace, request id and credentials on.
 *
 * Read-only for handlers, except for what they allocate from the arena. It belongs to one thread at
 * a time; ink_ctx_cancelled() may be called from any.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/status.h"
#include "lib/base/trace.h"

enum ink_caller_kind {
    INK_CALLER_ANYONE,  /* no credentials, or none that were looked at */
    INK_CALLER_USER,    /* `id` is the user's id, a UUID in lower case */
    INK_CALLER_SERVICE, /* `id` is the service's name */
};

struct ink_caller {
    enum ink_caller_kind kind;
    const char *id; /* never NULL; "" for INK_CALLER_ANYONE */
    int64_t until;  /* when the credentials end, ink_now() scale; 0 when they do not */
};

struct ink_ctx {
    struct ink_arena *arena;
    int64_t deadline; /* ink_now() scale, or INK_NO_DEADLINE */
    struct ink_trace trace;
    const char *request_id;    /* never NULL */
    const char *authorization; /* "Bearer ..." as it came, to be passed on; or NULL */
    const char *peer;          /* the caller's address, for the log; or NULL */
    /* The full name of the method that was called, the same pointer for all its calls: what one
     * method has of something scarce is counted by it. NULL for work that no call asked for. */
    const char *method;
    struct ink_caller caller;
    const atomic_bool *cancelled; /* set when the client has gone; or NULL */
};

/* A context without deadline, credentials or trace, for work that no request asked for. */
static inline struct ink_ctx ink_ctx_background(struct ink_arena *arena)
{
    struct ink_ctx ctx = {.arena = arena, .deadline = INK_NO_DEADLINE, .request_id = ""};
    ctx.caller.id = "";
    return ctx;
}

static inline bool ink_ctx_cancelled(const struct ink_ctx *ctx)
{
    return ctx->cancelled != NULL && atomic_load_explicit(ctx->cancelled, memory_order_relaxed);
}

/* CANCELLED or DEADLINE_EXCEEDED when there is nobody left to answer to, else INK_OK: to be asked
 * before each costly step. */
static inline struct ink_status ink_ctx_check(const struct ink_ctx *ctx)
{
    if (ink_ctx_cancelled(ctx))
        return ink_error(INK_CANCELLED, "the client cancelled the request");
    if (ctx->deadline != INK_NO_DEADLINE && ink_now() >= ctx->deadline)
        return ink_error(INK_DEADLINE_EXCEEDED, "the deadline passed");
    return ink_ok();
}
