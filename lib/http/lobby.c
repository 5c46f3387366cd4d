#include "lib/http/lobby.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

#define EVENTS 256
/* How often is looked for those whose time is over, while there are guests and while there are
 * none. */
#define ROUND_MS 200
#define EMPTY_ROUND_MS 1000
/* What one guest may have thrown away before it is another one's turn. */
#define WASTE_READS 16

struct list {
    struct ink_guest *first, *last;
    unsigned count;
};

struct ink_lobby {
    struct ink_lobby_options options;
    int epoll;
    pthread_t thread;
    int64_t next_round;  /* the thread's own */
    atomic_uint waiting; /* asked with every request, so without the lock */

    pthread_mutex_t lock; /* guards all below, and the guests' places */
    bool stopped;
    struct list lists[INK_LOBBY_PLACES];
};

static bool waits(enum ink_lobby_place place)
{
    return place == INK_LOBBY_HEADER || place == INK_LOBBY_QUIET;
}

static void take_out(struct ink_lobby *lobby, struct ink_guest *guest)
{
    struct list *list = &lobby->lists[guest->place];
    *(guest->previous == NULL ? &list->first : &guest->previous->next) = guest->next;
    *(guest->next == NULL ? &list->last : &guest->next->previous) = guest->previous;
    list->count--;
    if (waits(guest->place))
        atomic_fetch_sub(&lobby->waiting, 1);
}

static void put(struct ink_lobby *lobby, struct ink_guest *guest, enum ink_lobby_place place)
{
    struct list *list = &lobby->lists[place];
    guest->place = place;
    guest->next = NULL;
    guest->previous = list->last;
    *(list->last == NULL ? &list->first : &list->last->next) = guest;
    list->last = guest;
    list->count++;
    if (waits(place))
        atomic_fetch_add(&lobby->waiting, 1);
}

static bool watch(struct ink_lobby *lobby, struct ink_guest *guest)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = guest};
    int how = guest->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    guest->known = true;
    return epoll_ctl(lobby->epoll, how, guest->fd, &event) == 0;
}

/* Takes out those to whom nothing comes any more: a chain of them. */
static struct ink_guest *take_late(struct ink_lobby *lobby, int64_t now)
{
    struct ink_guest *late = NULL, *next;
    for (int place = 0; place < INK_LOBBY_AWAY; place++) {
        for (struct ink_guest *guest = lobby->lists[place].first; guest != NULL; guest = next) {
            next = guest->next;
            if (guest->until > now)
                continue;
            take_out(lobby, guest);
            guest->next = late;
            late = guest;
        }
    }
    return late;
}

/* The same with those who are too many. */
static struct ink_guest *take_surplus(struct ink_lobby *lobby)
{
    struct ink_guest *surplus = NULL;
    for (int place = 0; place < INK_LOBBY_AWAY; place++) {
        while (atomic_load(&lobby->waiting) + lobby->lists[INK_LOBBY_GOODBYE].count >
                   lobby->options.most &&
               lobby->lists[place].first != NULL) {
            struct ink_guest *guest = lobby->lists[place].first;
            take_out(lobby, guest);
            guest->next = surplus;
            surplus = guest;
        }
    }
    return surplus;
}

static void discard_all(struct ink_lobby *lobby, struct ink_guest *chain)
{
    for (struct ink_guest *next; chain != NULL; chain = next) {
        next = chain->next;
        lobby->options.discard(lobby->options.self, chain);
    }
}

/* Hands it over, which may take a while: the line of those who want a thread can be full. */
static void send_in(struct ink_lobby *lobby, struct ink_guest *guest)
{
    pthread_mutex_lock(&lobby->lock);
    put(lobby, guest, INK_LOBBY_AWAY);
    pthread_mutex_unlock(&lobby->lock);
    lobby->options.ready(lobby->options.self, guest);
}

/* False when it has nothing more to say. */
static bool throw_away(struct ink_lobby *lobby, struct ink_guest *guest)
{
    char waste[4096];
    for (int i = 0; i < WASTE_READS; i++) {
        ssize_t got = recv(guest->fd, waste, sizeof(waste), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        if (got < 0)
            break;
    }
    return watch(lobby, guest);
}

/* Nobody else moves who waits. */
static void stirs(struct ink_lobby *lobby, struct ink_guest *guest)
{
    pthread_mutex_lock(&lobby->lock);
    bool says_goodbye = guest->place == INK_LOBBY_GOODBYE;
    pthread_mutex_unlock(&lobby->lock);
    if (says_goodbye && throw_away(lobby, guest))
        return;
    ink_lobby_leave(lobby, guest);
    if (says_goodbye)
        lobby->options.discard(lobby->options.self, guest);
    else
        send_in(lobby, guest);
}

/* Who has sent a part of a header is told that it was too late; the others have asked nothing. */
static void look_around(struct ink_lobby *lobby)
{
    pthread_mutex_lock(&lobby->lock);
    struct ink_guest *late = take_late(lobby, ink_now()), *next;
    struct ink_guest *surplus = take_surplus(lobby);
    pthread_mutex_unlock(&lobby->lock);
    discard_all(lobby, surplus);
    for (; late != NULL; late = next) {
        next = late->next;
        if (late->place == INK_LOBBY_HEADER) {
            /* It has not stirred, and must not while somebody else has it. */
            (void)epoll_ctl(lobby->epoll, EPOLL_CTL_DEL, late->fd, NULL);
            late->known = false;
            send_in(lobby, late);
        } else {
            lobby->options.discard(lobby->options.self, late);
        }
    }
}

static bool is_stopped(struct ink_lobby *lobby, bool *ret_empty)
{
    pthread_mutex_lock(&lobby->lock);
    bool stopped = lobby->stopped;
    *ret_empty = atomic_load(&lobby->waiting) + lobby->lists[INK_LOBBY_GOODBYE].count == 0;
    pthread_mutex_unlock(&lobby->lock);
    return stopped;
}

static void *look_after(void *self)
{
    struct ink_lobby *lobby = self;
    struct epoll_event events[EVENTS];
    bool empty;
    while (!is_stopped(lobby, &empty)) {
        int n = epoll_wait(lobby->epoll, events, EVENTS, empty ? EMPTY_ROUND_MS : ROUND_MS);
        for (int i = 0; i < n; i++)
            stirs(lobby, events[i].data.ptr);
        int64_t now = ink_now();
        if (now >= lobby->next_round) {
            look_around(lobby);
            lobby->next_round = now + ROUND_MS * INK_MILLISECOND;
        }
    }
    return NULL;
}

struct ink_lobby *ink_lobby_new(const struct ink_lobby_options *options)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        return NULL;
    struct ink_lobby *lobby = ink_calloc(1, sizeof(*lobby));
    lobby->options = *options;
    lobby->epoll = epoll;
    pthread_mutex_init(&lobby->lock, NULL);
    if (pthread_create(&lobby->thread, NULL, look_after, lobby) == 0)
        return lobby;
    pthread_mutex_destroy(&lobby->lock);
    close(epoll);
    free(lobby);
    return NULL;
}

void ink_lobby_stop(struct ink_lobby *lobby)
{
    pthread_mutex_lock(&lobby->lock);
    bool stopped = lobby->stopped;
    lobby->stopped = true;
    pthread_mutex_unlock(&lobby->lock);
    if (stopped)
        return;
    pthread_join(lobby->thread, NULL);
    pthread_mutex_lock(&lobby->lock);
    struct ink_guest *all = take_late(lobby, INT64_MAX);
    pthread_mutex_unlock(&lobby->lock);
    discard_all(lobby, all);
}

void ink_lobby_free(struct ink_lobby *lobby)
{
    if (lobby == NULL)
        return;
    ink_lobby_stop(lobby);
    discard_all(lobby, lobby->lists[INK_LOBBY_AWAY].first);
    pthread_mutex_destroy(&lobby->lock);
    close(lobby->epoll);
    free(lobby);
}

void ink_lobby_enter(struct ink_lobby *lobby, struct ink_guest *guest, int fd)
{
    guest->fd = fd;
    guest->known = false;
    pthread_mutex_lock(&lobby->lock);
    put(lobby, guest, INK_LOBBY_AWAY);
    pthread_mutex_unlock(&lobby->lock);
}

void ink_lobby_leave(struct ink_lobby *lobby, struct ink_guest *guest)
{
    pthread_mutex_lock(&lobby->lock);
    take_out(lobby, guest);
    pthread_mutex_unlock(&lobby->lock);
}

bool ink_lobby_wait(struct ink_lobby *lobby, struct ink_guest *guest, enum ink_lobby_place place,
                    int64_t until)
{
    pthread_mutex_lock(&lobby->lock);
    bool can = !lobby->stopped;
    if (can) {
        guest->until = until;
        take_out(lobby, guest);
        put(lobby, guest, place);
        if (!watch(lobby, guest))
            guest->until = 0; /* it goes with the next round */
    }
    pthread_mutex_unlock(&lobby->lock);
    return can;
}

unsigned ink_lobby_guests(struct ink_lobby *lobby)
{
    pthread_mutex_lock(&lobby->lock);
    unsigned guests = atomic_load(&lobby->waiting) + lobby->lists[INK_LOBBY_AWAY].count;
    pthread_mutex_unlock(&lobby->lock);
    return guests;
}

unsigned ink_lobby_waiting(struct ink_lobby *lobby)
{
    return atomic_load(&lobby->waiting);
}
