#define _GNU_SOURCE
#include "lib/log/out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/log/line.h"

/* A file keeps its descriptor's number for good: reopening replaces what is behind it (dup3), so
 * that writers need no lock. */
struct file {
    const char *name;
    char *path;
    int fd;
};

static struct file combined = {"combined.log", NULL, -1};
static struct file errors = {"error.log", NULL, -1};
static struct file *const files[] = {&combined, &errors};

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

struct ink_status ink_log_out_open(const char *folder, struct ink_arena *arena)
{
    if (folder != NULL && mkdir(folder, 0750) != 0 && errno != EEXIST)
        return ink_errorf(arena, INK_UNAVAILABLE, "cannot make the folder %s: %s", folder,
                          strerror(errno));
    for (size_t i = 0; folder != NULL && i < INK_COUNT(files); i++) {
        const char *path = ink_arena_printf(arena, "%s/%s", folder, files[i]->name);
        files[i]->path = ink_strdup(path);
        files[i]->fd = open_file(path);
        if (files[i]->fd < 0) {
            int problem = errno;
            ink_log_out_close();
            return ink_errorf(arena, INK_UNAVAILABLE, "cannot open %s: %s", path,
                              strerror(problem));
        }
    }
    return ink_ok();
}

void ink_log_out_reopen(void)
{
    for (size_t i = 0; i < INK_COUNT(files); i++) {
        int fd = files[i]->fd < 0 ? -1 : open_file(files[i]->path);
        if (fd < 0)
            continue;
        dup3(fd, files[i]->fd, O_CLOEXEC);
        close(fd);
    }
}

void ink_log_out_close(void)
{
    for (size_t i = 0; i < INK_COUNT(files); i++) {
        if (files[i]->fd >= 0)
            close(files[i]->fd);
        free(files[i]->path);
        files[i]->fd = -1;
        files[i]->path = NULL;
    }
}

/* A log that cannot be written (disk full, reader gone) must not stop the program: the rest is
 * lost. */
static void write_whole(int fd, const char *text, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, text + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        done += (size_t)n;
    }
}

/* How many of the first bytes are whole lines that a pipe takes at once. */
static size_t first_lines(const char *lines, size_t size)
{
    if (size <= INK_LOG_LINE_MAX)
        return size;
    const char *end = memrchr(lines, '\n', INK_LOG_LINE_MAX);
    return (size_t)(end - lines) + 1;
}

static bool takes_more(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    return poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0;
}

static void write_lines(int fd, const char *lines, size_t size, bool patient)
{
    for (size_t step; fd >= 0 && size > 0; lines += step, size -= step) {
        step = first_lines(lines, size);
        if (patient || takes_more(fd))
            write_whole(fd, lines, step);
    }
}

void ink_log_out(const char *lines, size_t size, bool patient)
{
    write_lines(STDOUT_FILENO, lines, size, patient);
    write_lines(combined.fd, lines, size, patient);
}

void ink_log_out_error(const char *line, size_t size)
{
    write_lines(errors.fd, line, size, true);
}
