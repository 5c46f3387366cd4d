#include "lib/mesh/probe.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define TIMEOUT_S 3
/* A longer answer is none of ours. */
#define ANSWER_MAX (64 << 10)

static void close_socket(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Where to connect to, for freeaddrinfo(); NULL when the name is not known. */
static struct addrinfo *resolve(const char *address, struct ink_arena *arena)
{
    const char *colon = strrchr(address, ':');
    const char *host = ink_arena_strndup(arena, address, (size_t)(colon - address));
    if (host[0] == '[')
        host = ink_arena_strndup(arena, host + 1, strlen(host) - 2);
    if (strcmp(host, "0.0.0.0") == 0)
        host = "127.0.0.1";
    else if (strcmp(host, "::") == 0)
        host = "::1";
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    return getaddrinfo(host, colon + 1, &hints, &found) == 0 ? found : NULL;
}

static int connect_to(const struct addrinfo *info)
{
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, info->ai_protocol);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)); /* connect() too */
    if (connect(fd, info->ai_addr, info->ai_addrlen) == 0)
        return fd;
    close(fd);
    return -1;
}

/* A name may mean several addresses. -1 when nothing listens at any. */
static int connect_to_any(const struct addrinfo *info)
{
    int fd = -1;
    for (; fd < 0 && info != NULL; info = info->ai_next)
        fd = connect_to(info);
    return fd;
}

/* Until the other side closes. */
static bool read_all(int fd, struct ink_buf *answer)
{
    while (answer->len < ANSWER_MAX) {
        ssize_t n = recv(fd, ink_buf_reserve(answer, 4096), 4096, 0);
        if (n <= 0)
            return n == 0;
        answer->len += (size_t)n;
        answer->data[answer->len] = '\0';
    }
    return false;
}

static bool exchange(int fd, const char *path, struct ink_arena *arena, struct ink_buf *answer)
{
    const char *request = ink_arena_printf(
        arena, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    size_t size = strlen(request);
    return send(fd, request, size, MSG_NOSIGNAL) == (ssize_t)size && read_all(fd, answer);
}

/* The status of an answer whose body is all that follows its header; else 0. */
static int take_answer(const struct ink_buf *answer, struct ink_buf *body)
{
    static const char start[] = "HTTP/1.1 ";
    const char *blank = answer->len > 0 ? strstr(answer->data, "\r\n\r\n") : NULL;
    if (blank == NULL || strncmp(answer->data, start, strlen(start)) != 0)
        return 0;
    ink_buf_puts(body, blank + 4);
    return atoi(answer->data + strlen(start));
}

struct ink_status ink_mesh_probe(const char *address, const char *path, struct ink_arena *arena,
                                 struct ink_buf *body)
{
    struct addrinfo *info = resolve(address, arena);
    INK_CLEANUP(close_socket) int fd = connect_to_any(info);
    INK_CLEANUP(ink_buf_release) struct ink_buf answer = INK_BUF_INIT;
    if (info != NULL)
        freeaddrinfo(info);
    if (fd < 0)
        return ink_errorf(arena, INK_UNAVAILABLE, "nothing listens at %s", address);
    int status = exchange(fd, path, arena, &answer) ? take_answer(&answer, body) : 0;
    if (status == 0)
        return ink_errorf(arena, INK_UNAVAILABLE, "%s at %s is not answered", path, address);
    if (status != 200)
        return ink_errorf(arena, INK_UNAVAILABLE, "%s at %s says %d", path, address, status);
    return ink_ok();
}
