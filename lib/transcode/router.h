/*
 * The REST surface of a contract: every google.api.http rule of every method, checked once at
 * start and then matched against requests. Constant after it is built: all functions but new and
 * free are thread-safe.
 *
 *     struct ink_route_match match = ink_router_match(router, "GET", path, strlen(path), arena);
 *     if (match.result == INK_PATH_FOUND) {
 *         struct ink_http_parts parts = {.method = "GET", .values = match.values, .query = ...};
 *         status = ink_weave_request(match.route->binding, &parts, arena, &request);
 *     }
 *
 * path_matcher.h says which path matches which template and how it is decoded; request_weaver.h
 * what becomes of the query and the body.
 */
#pragma once

#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/status.h"
#include "lib/contract/contract.h"
#include "lib/transcode/path_matcher.h"
#include "lib/transcode/request_weaver.h"

struct ink_router;

/* One binding of one method; lives as long as the router. */
struct ink_route {
    const struct ink_method *rpc;
    const Google__Api__HttpRule *rule; /* the method's own, or one of its additional_bindings */
    const struct ink_binding *binding; /* for ink_weave_request() */
    const char *method;                /* "GET"; "*" for any */
    const char *template_text;         /* "/api/v1/blogs/{id}": of bounded number, so fit for a
                                          metrics label */
    size_t index;                      /* dense, from 0, in the order of ink_router_routes() */
};

/* Builds the routes of all services of a contract, which has to live as long as the router. The
 * first mistake stops it: INVALID_ARGUMENT with a message (in `arena`) that names the method, or
 * both methods where two bindings have the same HTTP method and equivalent templates. */
struct ink_status ink_router_new(const struct ink_contract *contract, struct ink_arena *arena,
                                 struct ink_router **ret_router) INK_MUST_CHECK;
/* Accepts NULL. */
void ink_router_free(struct ink_router *router);

/* All routes: by service name, then in the order of the .proto file. */
const struct ink_route *ink_router_routes(const struct ink_router *router, size_t *ret_count);

struct ink_route_match {
    enum ink_path_result result;   /* what to answer: 404, 405, OPTIONS, 400 or the call */
    const struct ink_route *route; /* FOUND */
    const char *const *values;     /* FOUND: for ink_http_parts */
    const char *allow;             /* BAD_METHOD, OPTIONS: the value of the Allow header */
    struct ink_status status;      /* INK_OK for FOUND and OPTIONS; else NOT_FOUND for 404,
                                      UNIMPLEMENTED for 405, INVALID_ARGUMENT for 400 */
};

/* The route of a request. `path` is the escaped path of the request target without its query;
 * `method` is compared exactly. Values and the allow list live in `arena`. */
struct ink_route_match ink_router_match(const struct ink_router *router, const char *method,
                                        const char *path, size_t size, struct ink_arena *arena);
