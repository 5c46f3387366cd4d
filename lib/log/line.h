/*
 * One log line as text. Private to lib/log.
 */
#pragma once

#include "lib/base/buf.h"
#include "lib/log/log.h"

/* A pipe takes this much whole (PIPE_BUF), so lines of several processes do not mix. */
#define INK_LOG_LINE_MAX 4096
#define INK_LOG_TEXT_MAX 1024

/* Appends the line, with its newline. */
void ink_log_line(struct ink_buf *out, const char *service, enum ink_log_level level,
                  const struct ink_ctx *ctx, const char *message,
                  const struct ink_log_field *fields);
