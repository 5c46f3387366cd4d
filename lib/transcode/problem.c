#include "lib/transcode/problem.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/http_status.h"

static bool reason_is(struct ink_status status, const char *reason)
{
    return status.reason != NULL && strcmp(status.reason, reason) == 0;
}

static int http_status(struct ink_status status)
{
    switch (status.code) {
    case INK_OK:
        return 200;
    case INK_CANCELLED:
        return 499;
    case INK_INVALID_ARGUMENT:
    case INK_OUT_OF_RANGE:
        return 400;
    case INK_DEADLINE_EXCEEDED:
        return 504;
    case INK_NOT_FOUND:
        return 404;
    case INK_ALREADY_EXISTS:
    case INK_ABORTED:
        return 409;
    case INK_PERMISSION_DENIED:
        return 403;
    case INK_RESOURCE_EXHAUSTED:
        return reason_is(status, INK_REASON_OVERLOADED) ? 503 : 429;
    case INK_FAILED_PRECONDITION:
        return reason_is(status, "ETAG_MISMATCH") || reason_is(status, "ETAG_MATCH") ? 412 : 400;
    case INK_UNIMPLEMENTED:
        return 501;
    case INK_UNAVAILABLE:
        return 503;
    case INK_UNAUTHENTICATED:
        return 401;
    case INK_UNKNOWN:
    case INK_INTERNAL:
    case INK_DATA_LOSS:
        break;
    }
    return 500;
}

/* What the caller may read. Where a status may have been made by a library, its message can name
 * addresses or worse, and a fixed one stands in for it. */
static const char *detail_of(struct ink_status status, int http)
{
    if (http == 500)
        return "Something went wrong on our side.";
    if (status.code == INK_UNAVAILABLE)
        return "A service that is needed for this is away; try again soon.";
    return status.message;
}

static int retry_after(struct ink_status status, int http)
{
    if (http != 429 && http != 503)
        return 0;
    int64_t seconds = status.retry_after_ms / 1000 + (status.retry_after_ms % 1000 > 0);
    const int64_t most = 86400;
    return (int)(seconds < 1 ? 1 : seconds > most ? most : seconds);
}

struct ink_problem ink_problem_from_status(struct ink_status status)
{
    int http = http_status(status);
    return (struct ink_problem){
        .http_status = http,
        .detail = detail_of(status, http),
        .reason = http == 500 ? NULL : status.reason,
        .violations = http == 500 ? NULL : status.violations,
        .retry_after = retry_after(status, http),
    };
}

static void put_member(struct ink_buf *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    if (out->data[out->len - 1] != '{')
        ink_buf_putc(out, ',');
    ink_buf_json_string(out, name, strlen(name));
    ink_buf_putc(out, ':');
    ink_buf_json_string(out, value, strlen(value));
}

/* "ETAG_MISMATCH" becomes "tag:inkmesh,2026:problem/etag-mismatch". */
static const char *type_of(struct ink_arena *arena, const char *reason)
{
    if (reason == NULL || *reason == '\0')
        return "about:blank";
    char *type = ink_arena_printf(arena, "tag:inkmesh,2026:problem/%s", reason);
    for (char *at = strchr(type, '/') + 1; *at != '\0'; at++)
        *at = isalnum((unsigned char)*at) ? (char)tolower((unsigned char)*at) : '-';
    return type;
}

/* A single one that is about no field (broken JSON, say) is what `detail` says already. */
static bool worth_listing(const struct ink_violation *violations)
{
    return violations != NULL && (violations->next != NULL || violations->field[0] != '\0');
}

static void put_errors(struct ink_arena *arena, const struct ink_violation *violations,
                       const struct ink_message *type, struct ink_buf *out)
{
    ink_buf_puts(out, ",\"errors\":[");
    for (const struct ink_violation *v = violations; v != NULL; v = v->next) {
        ink_buf_puts(out, v == violations ? "{" : ",{");
        put_member(out, "field", ink_path_to_json(arena, type, v->field));
        put_member(out, "message", v->message);
        ink_buf_putc(out, '}');
    }
    ink_buf_putc(out, ']');
}

/* A message that starts with the first violation's path ("created_at: must be ...") shows that path
 * as JSON has it too. */
static const char *detail_in_json(struct ink_arena *arena, const struct ink_problem *problem,
                                  const struct ink_message *type)
{
    const char *detail = problem->detail;
    if (detail == NULL || problem->violations == NULL)
        return detail;
    const char *field = problem->violations->field;
    size_t size = strlen(field);
    if (size == 0 || strncmp(detail, field, size) != 0 || detail[size] != ':')
        return detail;
    return ink_arena_printf(arena, "%s%s", ink_path_to_json(arena, type, field), detail + size);
}

void ink_problem_write(struct ink_arena *arena, const struct ink_problem *problem,
                       const struct ink_problem_place *place, struct ink_buf *out)
{
    const char *title = ink_http_status_text(problem->http_status);
    const char *detail = detail_in_json(arena, problem, place->type);
    ink_buf_putc(out, '{');
    put_member(out, "type", type_of(arena, problem->reason));
    put_member(out, "title", title);
    ink_buf_printf(out, ",\"status\":%d", problem->http_status);
    put_member(out, "detail", detail);
    put_member(out, "instance", place->instance);
    put_member(out, "requestId", place->request_id);
    if (worth_listing(problem->violations))
        put_errors(arena, problem->violations, place->type, out);
    put_member(out, "error", detail != NULL ? detail : title);
    ink_buf_putc(out, '}');
}
