/*
 * Errors as HTTP shows them: a status becomes problem+json (RFC 9457) with `type`, `title`,
 * `status`, `detail`, `instance`, `requestId`, `errors` for broken rules and, for clients of the
 * older API, `error` (one sentence). What is for the log only (the cause) is never written, and
 * INTERNAL, UNKNOWN, DATA_LOSS and UNAVAILABLE, which a library may have worded, show a fixed
 * message instead of their own.
 *
 * `type` is "about:blank" when the HTTP status says it all, and a tag URI made of the reason
 * ("tag:inkmesh,2026:problem/etag-mismatch") when the status has one. Pure functions, but for the
 * arena and the buffer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/status.h"
#include "lib/contract/contract.h"

#define INK_PROBLEM_CONTENT_TYPE "application/problem+json"

/* One problem, from a status or filled in by hand for what only HTTP knows (405, 413, 415, ...). */
struct ink_problem {
    int http_status;
    const char *detail; /* for the caller; NULL for none */
    const char *reason; /* UPPER_SNAKE_CASE, or NULL */
    const struct ink_violation *violations;
    int retry_after; /* the Retry-After header in seconds; 0 for no header */
};

/* Where it happened. Any pointer may be NULL. */
struct ink_problem_place {
    const char *instance;           /* the path of the request */
    const char *request_id;         /* echoed in X-Request-Id too */
    const struct ink_message *type; /* the request's message: paths are shown in its JSON names */
};

/* 3 and 11 → 400, 16 → 401, 7 → 403, 5 → 404, 6 and 10 → 409, 9 → 412 for the reasons ETAG_MISMATCH
 * and ETAG_MATCH and else 400, 8 → 429 (503 for SERVER_OVERLOADED), 1 → 499, 4 → 504, 12 → 501, 14
 * → 503, others 500; 0 → 200. 429 and 503 always have a Retry-After: the status' own, rounded up,
 * or 1. */
struct ink_problem ink_problem_from_status(struct ink_status status);

/* Appends the JSON text. The arena holds converted paths. */
void ink_problem_write(struct ink_arena *arena, const struct ink_problem *problem,
                       const struct ink_problem_place *place, struct ink_buf *out);

/* The JSON form of a proto path of `type`: "items[2].created_at" → "items[2].createdAt"; a field
 * that travels in a header shows as that. Parts that `type` does not have stay as they are. The
 * text lives in the arena (or is `path` itself). */
const char *ink_path_to_json(struct ink_arena *arena, const struct ink_message *type,
                             const char *path);
