/*
 * One log line as text. Private to lib/log.
 */
#pragma once

#include "lib/log/log.h"

/* A pipe takes this much whole (PIPE_BUF), so lines of several processes do not mix. */
#define INK_LOG_LINE_MAX 4096
#define INK_LOG_TEXT_MAX 1024

/* Writes the line, with its newline and no NUL, to `out`, which takes INK_LOG_LINE_MAX bytes.
 * Returns its size. */
size_t ink_log_line(char *out, const char *service, enum ink_log_level level,
                    const struct ink_ctx *ctx, const char *message,
                    const struct ink_log_field *fields);
