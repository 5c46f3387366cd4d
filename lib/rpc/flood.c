#include "lib/rpc/flood.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

#define PORTS 65536
#define CALM_INTERVAL (1 * INK_SECOND)
/* What a connection may send without a call: answers to pings, windows for what it reads. */
#define BYTES_A_SECOND 4096
#define RESETS_A_SECOND 1000
/* Memory is given back while the process has so much more than at its least, and this often. */
#define TRIM_BYTES ((size_t)16 * 1024 * 1024)
#define TRIM_INTERVAL (5 * INK_SECOND)

/* A client is known by its port alone: two with the same one only excuse each other. */
struct client {
    atomic_uint noted;                /* how often something came of it */
    atomic_uint resets;               /* how many calls it took back */
    unsigned known;                   /* of `noted`, at the last look */
    uint64_t silent_since;            /* bytes that it had sent when something last came of it */
    unsigned counted, counted_resets; /* of `noted` and `resets`, at the last count */
};

struct flood_watch {
    int port;
    size_t most;
    flood_closed_fn *closed;
    void *self;
    int64_t last, next; /* look */
    int64_t next_trim;
    size_t least;            /* that the process ever had */
    uint64_t allowed;        /* bytes to each connection since the last look */
    int64_t last_count;      /* of resets: a second of them at least */
    unsigned allowed_resets; /* since the last count; 0 while it is not time for the next */
    struct client clients[PORTS];
};

/* What the process has in memory. */
static size_t resident(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

struct flood_watch *flood_watch_new(int port, size_t most, flood_closed_fn *closed, void *self)
{
    struct flood_watch *watch = ink_calloc(1, sizeof(*watch));
    watch->port = port;
    watch->most = most;
    watch->closed = closed;
    watch->self = self;
    watch->last = watch->last_count = ink_now();
    watch->least = resident();
    return watch;
}

void flood_watch_free(struct flood_watch *watch)
{
    free(watch);
}

static struct client *client_of(struct flood_watch *watch, const char *peer)
{
    const char *colon = strrchr(peer, ':');
    return &watch->clients[(colon == NULL ? 0 : strtoul(colon + 1, NULL, 10)) % PORTS];
}

void flood_watch_note(struct flood_watch *watch, const char *peer)
{
    atomic_fetch_add_explicit(&client_of(watch, peer)->noted, 1, memory_order_relaxed);
}

void flood_watch_note_reset(struct flood_watch *watch, const char *peer)
{
    atomic_fetch_add_explicit(&client_of(watch, peer)->resets, 1, memory_order_relaxed);
}

/* Of either end of a socket: its port, or -1 when it is no TCP socket. */
static int port_of(int fd, int (*end)(int, struct sockaddr *, socklen_t *))
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage most;
    } address;
    socklen_t size = sizeof(address);
    if (end(fd, &address.any, &size) != 0)
        return -1;
    if (address.any.sa_family == AF_INET)
        return ntohs(address.v4.sin_port);
    return address.any.sa_family == AF_INET6 ? ntohs(address.v6.sin6_port) : -1;
}

static bool takes_back(struct flood_watch *watch, int client_port)
{
    struct client *client = &watch->clients[client_port];
    unsigned all_resets = atomic_load_explicit(&client->resets, memory_order_relaxed);
    unsigned all = atomic_load_explicit(&client->noted, memory_order_relaxed);
    unsigned resets = all_resets - client->counted_resets, noted = all - client->counted;
    client->counted_resets = all_resets;
    client->counted = all;
    return resets > watch->allowed_resets && resets > noted / 3;
}

/* How much it received since something came of it. */
static uint64_t silence_of(struct flood_watch *watch, int fd, int client_port)
{
    struct client *client = &watch->clients[client_port];
    struct tcp_info info;
    socklen_t size = sizeof(info);
    memset(&info, 0, sizeof(info));
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return 0;
    unsigned noted = atomic_load_explicit(&client->noted, memory_order_relaxed);
    uint64_t received = info.tcpi_bytes_received;
    if (received < client->silent_since) /* another connection */
        client->silent_since = 0;
    client->silent_since += watch->allowed;
    if (noted != client->known || client->silent_since > received)
        client->silent_since = received;
    client->known = noted;
    return received - client->silent_since;
}

struct connection {
    int fd;
    int client_port;
};

/* The descriptor is the C core's, which may have closed it, and opened another by that number. So
 * it is held while it is looked at once more. */
static void close_connection(struct flood_watch *watch, struct connection connection,
                             const char *reason)
{
    int fd = fcntl(connection.fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (port_of(fd, getsockname) == watch->port &&
        port_of(fd, getpeername) == connection.client_port) {
        (void)shutdown(fd, SHUT_RDWR);
        watch->closed(watch->self, (unsigned)connection.client_port, reason);
    }
    close(fd);
}

static bool is_ours(const struct flood_watch *watch, const char *name, struct connection *ret)
{
    int fd = atoi(name);
    if (name[0] == '.' || port_of(fd, getsockname) != watch->port)
        return false;
    *ret = (struct connection){fd, port_of(fd, getpeername)};
    return ret->client_port >= 0;
}

/* Returns whether the loudest connection was too loud, and is closed. */
static bool look_at_all(struct flood_watch *watch)
{
    uint64_t sum = 0, most = 0;
    struct connection one, loudest = {-1, -1};
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return false;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (!is_ours(watch, entry->d_name, &one))
            continue;
        if (watch->allowed_resets > 0 && takes_back(watch, one.client_port))
            close_connection(watch, one, "it took its calls back");
        uint64_t silence = silence_of(watch, one.fd, one.client_port);
        sum += silence;
        if (silence > most) {
            most = silence;
            loudest = one;
        }
    }
    closedir(folder);
    if (sum <= watch->most)
        return false;
    close_connection(watch, loudest, "it sent too much without a call");
    watch->clients[loudest.client_port].silent_since += most;
    return true;
}

static void trim(struct flood_watch *watch, size_t size, int64_t now)
{
    if (now < watch->next_trim || size < watch->least + TRIM_BYTES)
        return;
    (void)malloc_trim(0);
    size = resident();
    if (size < watch->least)
        watch->least = size;
    watch->next_trim = now + TRIM_INTERVAL;
}

void flood_watch_look(struct flood_watch *watch)
{
    int64_t now = ink_now();
    size_t size = resident();
    trim(watch, size, now);
    if (now < watch->next && size < watch->most)
        return;
    watch->allowed = (uint64_t)(now - watch->last) * BYTES_A_SECOND / INK_SECOND;
    watch->last = now;
    watch->next = now + CALM_INTERVAL;
    if (now - watch->last_count >= CALM_INTERVAL) {
        watch->allowed_resets =
            (unsigned)((now - watch->last_count) * RESETS_A_SECOND / INK_SECOND);
        watch->last_count = now;
    }
    while (look_at_all(watch))
        watch->allowed = watch->allowed_resets = 0; /* they are given once */
    watch->allowed_resets = 0;
}
