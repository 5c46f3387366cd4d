/*
 * Errors become problem+json (RFC 9457), whatever raised them.
 */
#include <stdio.h>
#include <string.h>

#include "gateway/exchange.h"
#include "lib/transcode/problem.h"

static struct ink_problem_place place_of(const struct gateway_exchange *x)
{
    return (struct ink_problem_place){
        .instance = ink_http_path(x->http)[0] == '\0' ? NULL : ink_http_path(x->http),
        .request_id = x->ctx.request_id,
        .type = x->route == NULL ? NULL : x->route->rpc->input,
    };
}

static void answer(struct gateway_exchange *x, const struct ink_problem *problem)
{
    struct ink_problem_place place = place_of(x);
    char seconds[16];
    ink_http_body_clear(x->http);
    ink_problem_write(x->ctx.arena, problem, &place, ink_http_body(x->http));
    if (problem->retry_after > 0) {
        snprintf(seconds, sizeof(seconds), "%d", problem->retry_after);
        ink_http_set(x->http, "Retry-After", seconds);
    }
    ink_http_set_lines(x->http, "Cache-Control: no-store\r\n");
    (void)ink_http_reply(x->http, problem->http_status, INK_PROBLEM_CONTENT_TYPE);
}

/* What a client without good credentials should do about it (RFC 6750, section 3). */
static void challenge(struct gateway_exchange *x, struct ink_status status)
{
    bool bad_token = status.reason != NULL && (strcmp(status.reason, INK_AUTH_TOKEN_INVALID) == 0 ||
                                               strcmp(status.reason, INK_AUTH_TOKEN_EXPIRED) == 0);
    ink_http_set(x->http, "WWW-Authenticate",
                 bad_token ? "Bearer realm=\"inkmesh\", error=\"invalid_token\""
                           : "Bearer realm=\"inkmesh\"");
}

struct ink_problem gateway_write_problem(struct gateway_exchange *x, struct ink_status status,
                                         struct ink_buf *out)
{
    struct ink_problem problem = ink_problem_from_status(status);
    struct ink_problem_place place = place_of(x);
    ink_problem_write(x->ctx.arena, &problem, &place, out);
    return problem;
}

void gateway_answer_status(struct gateway_exchange *x, struct ink_status status)
{
    struct ink_problem problem = ink_problem_from_status(status);
    x->status = status;
    if (problem.http_status == 401)
        challenge(x, status);
    answer(x, &problem);
}

void gateway_answer_problem(struct gateway_exchange *x, int http_status, const char *detail)
{
    struct ink_problem problem = {
        .http_status = http_status, .detail = detail, .retry_after = http_status == 503};
    x->status.message = detail;
    answer(x, &problem);
}
