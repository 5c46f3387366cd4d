#define _GNU_SOURCE
#include "lib/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/log/line.h"

const char *const ink_log_levels[] = {"debug", "info", "warn", "error", NULL};

/* A file keeps its descriptor's number for good: reopening replaces what is behind it (dup3), so
 * that writers need no lock. */
struct file {
    const char *name;
    enum ink_log_level level; /* the least that goes there */
    char *path;
    int fd;
};

static struct file files[] = {
    {"combined.log", INK_LOG_DEBUG, NULL, -1},
    {"error.log", INK_LOG_ERROR, NULL, -1},
};
static char *service_name;
static enum ink_log_level least = INK_LOG_INFO;

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

struct ink_status ink_log_open(const struct ink_log_options *options, struct ink_arena *arena)
{
    ink_log_close();
    if (options->folder != NULL && mkdir(options->folder, 0750) != 0 && errno != EEXIST)
        return ink_errorf(arena, INK_UNAVAILABLE, "cannot make the folder %s: %s", options->folder,
                          strerror(errno));
    for (size_t i = 0; options->folder != NULL && i < INK_COUNT(files); i++) {
        const char *path = ink_arena_printf(arena, "%s/%s", options->folder, files[i].name);
        files[i].path = ink_strdup(path);
        files[i].fd = open_file(path);
        if (files[i].fd < 0) {
            int problem = errno;
            ink_log_close();
            return ink_errorf(arena, INK_UNAVAILABLE, "cannot open %s: %s", path,
                              strerror(problem));
        }
    }
    service_name = ink_strdup(options->service);
    least = options->level;
    return ink_ok();
}

void ink_log_reopen(void)
{
    for (size_t i = 0; i < INK_COUNT(files); i++) {
        int fd = files[i].fd < 0 ? -1 : open_file(files[i].path);
        if (fd < 0)
            continue;
        dup3(fd, files[i].fd, O_CLOEXEC);
        close(fd);
    }
}

void ink_log_close(void)
{
    for (size_t i = 0; i < INK_COUNT(files); i++) {
        if (files[i].fd >= 0)
            close(files[i].fd);
        free(files[i].path);
        files[i].fd = -1;
        files[i].path = NULL;
    }
    free(service_name);
    service_name = NULL;
    least = INK_LOG_INFO;
}

bool ink_log_enabled(enum ink_log_level level)
{
    return level >= least;
}

/* A log that cannot be written (disk full, reader gone) must not stop the program: the rest of the
 * line is lost. */
static void write_line(int fd, const char *line, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, line + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        done += (size_t)n;
    }
}

void ink_log_write(enum ink_log_level level, const struct ink_ctx *ctx, const char *message,
                   const struct ink_log_field *fields)
{
    int problem = errno;
    char line[INK_LOG_LINE_MAX];
    size_t size = ink_log_line(line, service_name != NULL ? service_name : "inkmesh", level, ctx,
                               message, fields);
    write_line(STDOUT_FILENO, line, size);
    for (size_t i = 0; i < INK_COUNT(files); i++)
        if (files[i].fd >= 0 && level >= files[i].level)
            write_line(files[i].fd, line, size);
    errno = problem;
}
