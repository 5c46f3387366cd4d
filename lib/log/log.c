#include "lib/log/log.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/log/line.h"
#include "lib/log/out.h"
#include "lib/log/waiting.h"

const char *const ink_log_levels[] = {"debug", "info", "warn", "error", NULL};

static char *service_name;
static enum ink_log_level least = INK_LOG_INFO;

struct ink_status ink_log_open(const struct ink_log_options *options, struct ink_arena *arena)
{
    ink_log_close();
    const struct ink_status status = ink_log_out_open(options->folder, arena);
    if (!ink_is_ok(status))
        return status;
    service_name = ink_strdup(options->service);
    least = options->level;
    ink_log_waiting_start();
    return ink_ok();
}

void ink_log_flush(void)
{
    ink_log_waiting_flush();
}

void ink_log_reopen(void)
{
    ink_log_waiting_flush();
    ink_log_out_reopen();
}

void ink_log_close(void)
{
    ink_log_waiting_stop();
    ink_log_out_close();
    free(service_name);
    service_name = NULL;
    least = INK_LOG_INFO;
}

bool ink_log_enabled(enum ink_log_level level)
{
    return level >= least;
}

void ink_log_write(enum ink_log_level level, const struct ink_ctx *ctx, const char *message,
                   const struct ink_log_field *fields)
{
    int problem = errno;
    char line[INK_LOG_LINE_MAX];
    size_t size = ink_log_line(line, service_name != NULL ? service_name : "inkmesh", level, ctx,
                               message, fields);
    ink_log_waiting_add(line, size, level >= INK_LOG_WARN);
    if (level >= INK_LOG_ERROR)
        ink_log_out_error(line, size);
    errno = problem;
}
