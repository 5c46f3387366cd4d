/*
 * How a call ended: one of google.rpc.Code, a message that is safe to show to the caller, and typed
 * details (google.rpc.BadRequest, ErrorInfo, RetryInfo), in plain C. lib/rpc sends it as
 * grpc-status, grpc-message and grpc-status-details-bin; lib/transcode as problem+json.
 *
 * A status is passed by value. Its strings and violations live in the arena of the request that it
 * belongs to (or are constants); nothing is freed one by one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/macros.h"

/* google.rpc.Code, which are also gRPC's status codes. */
enum ink_code {
    INK_OK = 0,
    INK_CANCELLED = 1,
    INK_UNKNOWN = 2,
    INK_INVALID_ARGUMENT = 3,
    INK_DEADLINE_EXCEEDED = 4,
    INK_NOT_FOUND = 5,
    INK_ALREADY_EXISTS = 6,
    INK_PERMISSION_DENIED = 7,
    INK_RESOURCE_EXHAUSTED = 8,
    INK_FAILED_PRECONDITION = 9,
    INK_ABORTED = 10,
    INK_OUT_OF_RANGE = 11,
    INK_UNIMPLEMENTED = 12,
    INK_INTERNAL = 13,
    INK_UNAVAILABLE = 14,
    INK_DATA_LOSS = 15,
    INK_UNAUTHENTICATED = 16,
};

/* One broken rule of a request: BadRequest.FieldViolation. */
struct ink_violation {
    const char *field;   /* the proto path: "items[2].name", "labels[\"a\"]"; "" for the whole */
    const char *message; /* what is wrong, as a sentence part: "must be at least 3 characters" */
    struct ink_violation *next;
};

struct ink_status {
    enum ink_code code;
    const char *message;              /* for the caller; NULL for INK_OK */
    const char *reason;               /* ErrorInfo.reason, UPPER_SNAKE_CASE, or NULL */
    const char *cause;                /* for the log only, never sent; or NULL */
    struct ink_violation *violations; /* in the order of the fields; or NULL */
    int64_t retry_after_ms;           /* RetryInfo; 0 for none */
    bool undone; /* of a change: it has surely not happened, and will not. Only lib/db says so */
};

static inline struct ink_status ink_ok(void)
{
    return (struct ink_status){.code = INK_OK};
}

static inline bool ink_is_ok(struct ink_status status)
{
    return status.code == INK_OK;
}

/* A status with a constant message. */
static inline struct ink_status ink_error(enum ink_code code, const char *message)
{
    return (struct ink_status){.code = code, .message = message};
}

/* The reason of a RESOURCE_EXHAUSTED that is no fault of the caller: over HTTP 503, not 429. */
#define INK_REASON_OVERLOADED "SERVER_OVERLOADED"

/* RESOURCE_EXHAUSTED for that reason: there is more to do than may be done at once. */
static inline struct ink_status ink_overloaded(const char *message, int64_t retry_after_ms)
{
    struct ink_status status = ink_error(INK_RESOURCE_EXHAUSTED, message);
    status.reason = INK_REASON_OVERLOADED;
    status.retry_after_ms = retry_after_ms;
    return status;
}

/* The same as ink_error() with a formatted message. */
struct ink_status ink_errorf(struct ink_arena *arena, enum ink_code code, const char *format, ...)
    INK_PRINTF(3, 4);

/* INTERNAL (or another code) that tells the caller nothing and the log everything: the message is
 * a constant, `format` makes the cause. */
struct ink_status ink_error_cause(struct ink_arena *arena, enum ink_code code, const char *message,
                                  const char *format, ...) INK_PRINTF(4, 5);

/* INVALID_ARGUMENT with one violation. */
struct ink_status ink_invalid_field(struct ink_arena *arena, const char *field, const char *format,
                                    ...) INK_PRINTF(3, 4);

/* Adds a violation at the end of *list. */
void ink_violation_add(struct ink_arena *arena, struct ink_violation **list, const char *field,
                       const char *message);

/* INVALID_ARGUMENT for a list of violations: the message names the first and counts the others.
 * INK_OK for an empty list. */
struct ink_status ink_violations_status(struct ink_arena *arena, struct ink_violation *list);

/* A copy whose strings live in `arena`. */
struct ink_status ink_status_copy(struct ink_arena *arena, struct ink_status status);

/* "NOT_FOUND" for INK_NOT_FOUND; "CODE_99" never: an unknown code is "UNKNOWN". */
const char *ink_code_name(enum ink_code code);
