#include "lib/base/status.h"

#include <stdarg.h>

struct ink_status ink_errorf(struct ink_arena *arena, enum ink_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *message = ink_arena_vprintf(arena, format, args);
    va_end(args);
    return ink_error(code, message);
}

struct ink_status ink_error_cause(struct ink_arena *arena, enum ink_code code, const char *message,
                                  const char *format, ...)
{
    struct ink_status status = ink_error(code, message);
    va_list args;
    va_start(args, format);
    status.cause = ink_arena_vprintf(arena, format, args);
    va_end(args);
    return status;
}

struct ink_status ink_invalid_field(struct ink_arena *arena, const char *field, const char *format,
                                    ...)
{
    struct ink_violation *list = NULL;
    va_list args;
    va_start(args, format);
    ink_violation_add(arena, &list, field, ink_arena_vprintf(arena, format, args));
    va_end(args);
    return ink_violations_status(arena, list);
}

void ink_violation_add(struct ink_arena *arena, struct ink_violation **list, const char *field,
                       const char *message)
{
    while (*list != NULL)
        list = &(*list)->next;
    *list = ink_arena_calloc(arena, 1, sizeof(**list));
    (*list)->field = ink_arena_strdup(arena, field);
    (*list)->message = ink_arena_strdup(arena, message);
}

struct ink_status ink_violations_status(struct ink_arena *arena, struct ink_violation *list)
{
    if (list == NULL)
        return ink_ok();
    size_t others = 0;
    for (const struct ink_violation *v = list->next; v != NULL; v = v->next)
        others++;
    const char *colon = list->field[0] != '\0' ? ": " : "";
    struct ink_status status =
        ink_errorf(arena, INK_INVALID_ARGUMENT, "%s%s%s", list->field, colon, list->message);
    if (others != 0)
        status.message = ink_arena_printf(arena, "%s (and %zu more)", status.message, others);
    status.violations = list;
    return status;
}

static const char *copy(struct ink_arena *arena, const char *text)
{
    return text == NULL ? NULL : ink_arena_strdup(arena, text);
}

struct ink_status ink_status_copy(struct ink_arena *arena, struct ink_status status)
{
    struct ink_status result = status;
    result.message = copy(arena, status.message);
    result.reason = copy(arena, status.reason);
    result.cause = copy(arena, status.cause);
    result.violations = NULL;
    for (const struct ink_violation *v = status.violations; v != NULL; v = v->next)
        ink_violation_add(arena, &result.violations, v->field, v->message);
    return result;
}

const char *ink_code_name(enum ink_code code)
{
    static const char *const names[] = {
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    };
    return (size_t)code < INK_COUNT(names) ? names[code] : "UNKNOWN";
}
