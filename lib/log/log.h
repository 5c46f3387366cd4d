/*
 * The log: one JSON object a line, to stdout and, when asked for, to files.
 *
 *     ink_log(INK_LOG_INFO, ctx, "user registered", INK_LOG_STR("username", name),
 *             INK_LOG_INT("attempts", 2));
 *     {"ts":"2026-11-22T10:00:00.123456Z","level":"info","service":"user",
 *      "msg":"user registered","request_id":"...","trace_id":"...","span_id":"...",
 *      "username":"ada","attempts":2}
 *
 * `ctx` may be NULL: the line then has no ids. Fields are not evaluated when the level is off, and
 * strings that are NULL are left out. A line has at most 4,096 bytes, and leaves with others by
 * writes of whole lines, each of which a pipe takes whole: a string over 1,024 bytes is cut (it
 * then ends in "..."), and a field that still does not fit is dropped, which `"truncated":true`
 * tells. Whatever texts hold, a line stays one line and shows what is in it: control characters (C0
 * and C1), U+2028 and U+2029, marks of direction and what has no width are \uXXXX. Tokens,
 * passwords and message bodies are never logged: that is up to the caller. Libraries log at debug
 * only.
 *
 * Lines of DEBUG and INFO wait up to 10 ms after ink_log_open(), so that a busy program writes
 * seldom. WARN and ERROR are written at once, by who logs them, after all that waited; what waits
 * is written, too, on exit() and when the process crashes. Only a signal that ends it without a
 * word (SIGKILL) costs the lines of the last 10 ms. While nobody reads stdout, 64 KiB wait, and
 * then who logs does.
 *
 * Everything but ink_log_open() and ink_log_close() is thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/ctx.h"

enum ink_log_level { INK_LOG_DEBUG, INK_LOG_INFO, INK_LOG_WARN, INK_LOG_ERROR };

/* Their names, NULL-terminated: choices for a setting. */
extern const char *const ink_log_levels[];

struct ink_log_options {
    const char *service;      /* "user" */
    enum ink_log_level level; /* the least that is logged */
    const char *folder;       /* gets combined.log and error.log as well; NULL for stdout only */
};

/* Call once at start, before there are threads; until then the log is at info and the service is
 * "inkmesh". The folder is made when missing. UNAVAILABLE, naming the file, when a file cannot be
 * opened. `arena` holds the error's text. */
struct ink_status ink_log_open(const struct ink_log_options *options,
                               struct ink_arena *arena) INK_MUST_CHECK;
/* Returns when every line that was logged before is written. */
void ink_log_flush(void);
/* Opens the files again by their names, after logrotate(8) moved them (on SIGHUP). A file that
 * cannot be opened goes on as it was. */
void ink_log_reopen(void);
/* Writes what waits, and closes the files; back to the state before ink_log_open(). */
void ink_log_close(void);

enum ink_log_kind { INK_LOG_END, INK_LOG_TEXT, INK_LOG_INTEGER, INK_LOG_REAL, INK_LOG_TRUTH };

struct ink_log_field {
    enum ink_log_kind kind;
    const char *key; /* lower_snake_case */
    union {
        const char *text;
        int64_t integer;
        double real;
        bool truth;
    };
};

#define INK_LOG_STR(k, v) ((struct ink_log_field){INK_LOG_TEXT, (k), {.text = (v)}})
#define INK_LOG_INT(k, v) ((struct ink_log_field){INK_LOG_INTEGER, (k), {.integer = (v)}})
/* Three decimals are written. */
#define INK_LOG_NUM(k, v) ((struct ink_log_field){INK_LOG_REAL, (k), {.real = (v)}})
#define INK_LOG_BOOL(k, v) ((struct ink_log_field){INK_LOG_TRUTH, (k), {.truth = (v)}})
/* Several fields: code, error (what the caller is told), reason and cause (what it is not). */
#define INK_LOG_STATUS(s)                                                                          \
    INK_LOG_STR("code", ink_code_name((s).code)), INK_LOG_STR("error", (s).message),               \
        INK_LOG_STR("reason", (s).reason), INK_LOG_STR("cause", (s).cause)

/* ink_log(level, ctx or NULL, "message", fields ...) */
#define ink_log(level, ctx, message, ...)                                                          \
    do {                                                                                           \
        if (ink_log_enabled(level))                                                                \
            ink_log_write((level), (ctx), (message),                                               \
                          (const struct ink_log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}});          \
    } while (0)

bool ink_log_enabled(enum ink_log_level level);
/* `fields` ends with a zeroed one. */
void ink_log_write(enum ink_log_level level, const struct ink_ctx *ctx, const char *message,
                   const struct ink_log_field *fields);
