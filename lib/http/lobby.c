#include "lib/http/lobby.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/blocks.h"
#include "lib/base/clock.h"
#include "lib/base/cond.h"
#include "lib/base/resters.h"

#define EVENTS 64
/* How often is looked for those whose time is over, while there are guests and while there are
 * none. */
#define ROUND_MS 200
#define EMPTY_ROUND_MS 1000
/* How long whoever closed its side is taken for somebody who still listens. */
#define PATIENCE (1 * INK_SECOND)
/* What one guest may have thrown away before it is another one's turn. */
#define WASTE_READS 16

struct list {
    struct ink_guest *first, *last;
    unsigned count;
};

struct ink_lobby {
    struct ink_lobby_options options;
    int epoll;
    int bell;            /* an eventfd: calls back the thread that leads */
    pthread_t caretaker; /* sees to those whose time is over */
    atomic_uint waiting; /* asked with every request, so without the lock */

    pthread_mutex_t lock; /* guards all below, and the guests' places */
    pthread_cond_t stops;
    bool stopped;
    bool led;         /* a thread waits in epoll */
    bool rung;        /* the bell, and nobody came yet */
    unsigned runners; /* threads that are at work, and wait for nothing */
    struct ink_resters resters;
    struct list lists[INK_LOBBY_PLACES];
};

/* Whether this thread is one of the runners. */
static _Thread_local bool runs;

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
    if (place == INK_LOBBY_READY)
        guest->lined_up = ink_now();
    *(list->last == NULL ? &list->first : &list->last->next) = guest;
    list->last = guest;
    list->count++;
    if (waits(place))
        atomic_fetch_add(&lobby->waiting, 1);
}

static void move(struct ink_lobby *lobby, struct ink_guest *guest, enum ink_lobby_place place)
{
    take_out(lobby, guest);
    put(lobby, guest, place);
}

static void ring(struct ink_lobby *lobby)
{
    const uint64_t one = 1;
    if (!lobby->rung)
        lobby->rung = write(lobby->bell, &one, sizeof(one)) == sizeof(one);
}

/* False when no thread rests. */
static bool wake(struct ink_lobby *lobby)
{
    bool called = ink_resters_call(&lobby->resters);
    lobby->runners += called ? 1 : 0;
    return called;
}

/* Sees to it that enough threads are at work, or that somebody leads. */
static void call_threads(struct ink_lobby *lobby)
{
    bool line = lobby->lists[INK_LOBBY_READY].count > 0;
    bool enough =
        line ? lobby->runners >= lobby->options.runners : lobby->led || lobby->runners > 0;
    if (!enough && !wake(lobby) && line && lobby->led)
        ring(lobby);
}

/* Each event is told once, so that a guest is made known once and for all. */
static bool watch(struct ink_lobby *lobby, struct ink_guest *guest)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = guest};
    int how = guest->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    guest->known = true;
    return epoll_ctl(lobby->epoll, how, guest->fd, &event) == 0;
}

/* Takes out those to whom nothing comes any more: a chain of them. */
static struct ink_guest *take_late(struct ink_lobby *lobby, int64_t now)
{
    struct ink_guest *late = NULL, *next;
    for (int place = 0; place < INK_LOBBY_READY; place++) {
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
    unsigned stay = lobby->lists[INK_LOBBY_READY].count;
    for (int place = 0; place < INK_LOBBY_READY; place++) {
        while (atomic_load(&lobby->waiting) + lobby->lists[INK_LOBBY_GOODBYE].count + stay >
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
        put(lobby, chain, INK_LOBBY_GONE);
    }
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
            return true;
    }
    return watch(lobby, guest); /* there is more, which has to be told again */
}

/* One that said goodbye stirs; without the lock meanwhile. */
static void hear_out(struct ink_lobby *lobby, struct ink_guest *guest)
{
    move(lobby, guest, INK_LOBBY_AWAY);
    pthread_mutex_unlock(&lobby->lock);
    bool stays = throw_away(lobby, guest);
    pthread_mutex_lock(&lobby->lock);
    if (!stays)
        guest->until = 0;
    move(lobby, guest, INK_LOBBY_GOODBYE);
}

static void stirs(struct ink_lobby *lobby, struct ink_guest *guest, bool hangs_up)
{
    if (hangs_up && guest->hung_up == 0)
        guest->hung_up = ink_now();
    if (guest->place == INK_LOBBY_GOODBYE)
        hear_out(lobby, guest);
    else if (waits(guest->place))
        move(lobby, guest, INK_LOBBY_READY);
    else
        guest->stirred = true;
}

/* With the lock held. */
static void take_events(struct ink_lobby *lobby, const struct epoll_event *events, int n)
{
    const uint32_t hang_up = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    uint64_t rings;
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr != NULL)
            stirs(lobby, events[i].data.ptr, (events[i].events & hang_up) != 0);
        else if (read(lobby->bell, &rings, sizeof(rings)) == sizeof(rings))
            lobby->rung = false;
    }
}

/* While all threads wait for something nobody leads, and nobody would know since when who stirs is
 * in line. */
static void look_who_stirs(struct ink_lobby *lobby)
{
    struct epoll_event events[EVENTS];
    if (lobby->led)
        return;
    lobby->led = true; /* or who is among the events could be freed meanwhile */
    take_events(lobby, events, epoll_wait(lobby->epoll, events, EVENTS, 0));
    lobby->led = false;
}

static void see_who_left(struct ink_lobby *lobby, int64_t now)
{
    for (struct ink_guest *guest = lobby->lists[INK_LOBBY_AWAY].first; guest != NULL;
         guest = guest->next)
        if (guest->hung_up != 0 && now - guest->hung_up >= PATIENCE)
            atomic_store_explicit(&guest->left, true, memory_order_relaxed);
}

/* Who has sent a part of a header is told that it was too late; the others have asked nothing. */
static void look_around(struct ink_lobby *lobby)
{
    struct ink_guest *late = take_late(lobby, ink_now()), *next, *silent = NULL;
    for (; late != NULL; late = next) {
        next = late->next;
        if (late->place == INK_LOBBY_HEADER) {
            put(lobby, late, INK_LOBBY_READY);
        } else {
            late->next = silent;
            silent = late;
        }
    }
    discard_all(lobby, silent);
    look_who_stirs(lobby); /* before it goes for one that does not */
    discard_all(lobby, take_surplus(lobby));
    see_who_left(lobby, ink_now());
    call_threads(lobby);
    const struct ink_guest *first = lobby->lists[INK_LOBBY_READY].first;
    if (first != NULL && ink_now() - first->lined_up > ROUND_MS * INK_MILLISECOND)
        (void)wake(lobby); /* a runner waits for something and did not say so */
}

static bool is_empty(const struct ink_lobby *lobby)
{
    return lobby->lists[INK_LOBBY_GOODBYE].count + lobby->lists[INK_LOBBY_HEADER].count +
               lobby->lists[INK_LOBBY_QUIET].count + lobby->lists[INK_LOBBY_READY].count ==
           0;
}

static void *take_care(void *self)
{
    struct ink_lobby *lobby = self;
    pthread_mutex_lock(&lobby->lock);
    while (!lobby->stopped) {
        int64_t pause_ms = is_empty(lobby) ? EMPTY_ROUND_MS : ROUND_MS;
        (void)ink_cond_wait_until(&lobby->stops, &lobby->lock,
                                  ink_now() + pause_ms * INK_MILLISECOND);
        look_around(lobby);
    }
    pthread_mutex_unlock(&lobby->lock);
    return NULL;
}

static void init_locks(struct ink_lobby *lobby)
{
    pthread_mutex_init(&lobby->lock, NULL);
    pthread_cond_init(&lobby->stops, NULL);
}

static void release(struct ink_lobby *lobby)
{
    pthread_cond_destroy(&lobby->stops);
    pthread_mutex_destroy(&lobby->lock);
    if (lobby->epoll >= 0)
        close(lobby->epoll);
    if (lobby->bell >= 0)
        close(lobby->bell);
    free(lobby);
}

static unsigned processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (unsigned)count;
}

struct ink_lobby *ink_lobby_new(const struct ink_lobby_options *options)
{
    struct ink_lobby *lobby = ink_calloc(1, sizeof(*lobby));
    lobby->options = *options;
    if (lobby->options.runners == 0)
        lobby->options.runners = processors();
    lobby->epoll = epoll_create1(EPOLL_CLOEXEC);
    lobby->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    init_locks(lobby);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    if (lobby->epoll >= 0 && lobby->bell >= 0 &&
        epoll_ctl(lobby->epoll, EPOLL_CTL_ADD, lobby->bell, &event) == 0 &&
        pthread_create(&lobby->caretaker, NULL, take_care, lobby) == 0)
        return lobby;
    release(lobby);
    return NULL;
}

void ink_lobby_stop(struct ink_lobby *lobby)
{
    pthread_mutex_lock(&lobby->lock);
    bool stopped = lobby->stopped;
    lobby->stopped = true;
    pthread_cond_signal(&lobby->stops);
    while (wake(lobby))
        ;
    ring(lobby);
    pthread_mutex_unlock(&lobby->lock);
    if (stopped)
        return;
    pthread_join(lobby->caretaker, NULL);
    pthread_mutex_lock(&lobby->lock);
    discard_all(lobby, take_late(lobby, INT64_MAX));
    pthread_mutex_unlock(&lobby->lock);
}

static void free_all(struct ink_lobby *lobby, struct ink_guest *chain)
{
    for (struct ink_guest *next; chain != NULL; chain = next) {
        next = chain->next;
        lobby->options.free(lobby->options.self, chain);
    }
}

void ink_lobby_free(struct ink_lobby *lobby)
{
    if (lobby == NULL)
        return;
    ink_lobby_stop(lobby);
    discard_all(lobby, take_late(lobby, INT64_MAX)); /* who was heard out meanwhile */
    discard_all(lobby, lobby->lists[INK_LOBBY_READY].first);
    discard_all(lobby, lobby->lists[INK_LOBBY_AWAY].first);
    free_all(lobby, lobby->lists[INK_LOBBY_GONE].first);
    release(lobby);
}

void ink_lobby_enter(struct ink_lobby *lobby, struct ink_guest *guest, int fd)
{
    guest->fd = fd;
    guest->known = false;
    guest->stirred = false;
    guest->hung_up = 0;
    atomic_init(&guest->left, false);
    pthread_mutex_lock(&lobby->lock);
    put(lobby, guest, INK_LOBBY_AWAY);
    pthread_mutex_unlock(&lobby->lock);
}

void ink_lobby_leave(struct ink_lobby *lobby, struct ink_guest *guest)
{
    pthread_mutex_lock(&lobby->lock);
    move(lobby, guest, INK_LOBBY_GONE);
    pthread_mutex_unlock(&lobby->lock);
}

bool ink_lobby_wait(struct ink_lobby *lobby, struct ink_guest *guest, enum ink_lobby_place place,
                    int64_t until)
{
    pthread_mutex_lock(&lobby->lock);
    bool can = !lobby->stopped;
    if (can) {
        guest->until = until;
        bool stirred = guest->stirred && place != INK_LOBBY_GOODBYE;
        move(lobby, guest, stirred ? INK_LOBBY_READY : place);
        /* What a goodbye's guest has sent, and nobody read, is told once more. */
        if ((!guest->known || place == INK_LOBBY_GOODBYE) && !watch(lobby, guest))
            guest->until = 0; /* it goes with the next round */
        call_threads(lobby);
    }
    pthread_mutex_unlock(&lobby->lock);
    return can;
}

bool ink_lobby_line_up(struct ink_lobby *lobby, struct ink_guest *guest)
{
    pthread_mutex_lock(&lobby->lock);
    bool can = !lobby->stopped;
    if (can) {
        move(lobby, guest, INK_LOBBY_READY);
        call_threads(lobby);
    }
    pthread_mutex_unlock(&lobby->lock);
    return can;
}

/* Waits for events, with the lock before and after. Guests that have gone can be in the last one's
 * events, but not in these. */
static void lead(struct ink_lobby *lobby)
{
    struct epoll_event events[EVENTS];
    struct ink_guest *gone = lobby->lists[INK_LOBBY_GONE].first;
    lobby->lists[INK_LOBBY_GONE] = (struct list){0};
    lobby->led = true;
    lobby->runners--;
    pthread_mutex_unlock(&lobby->lock);
    free_all(lobby, gone);
    int n = epoll_wait(lobby->epoll, events, EVENTS, -1);
    pthread_mutex_lock(&lobby->lock);
    lobby->runners++;
    take_events(lobby, events, n);
    lobby->led = false;
}

/* Until somebody calls, with the lock before and after. */
static void rest(struct ink_lobby *lobby)
{
    lobby->runners--;
    ink_resters_rest(&lobby->resters, &lobby->lock);
}

/* This thread is about to wait. */
static void stop_running(void *self)
{
    struct ink_lobby *lobby = self;
    runs = false;
    pthread_mutex_lock(&lobby->lock);
    lobby->runners--;
    call_threads(lobby);
    pthread_mutex_unlock(&lobby->lock);
}

struct ink_guest *ink_lobby_next(struct ink_lobby *lobby)
{
    struct ink_guest *guest = NULL;
    pthread_mutex_lock(&lobby->lock);
    lobby->runners += runs ? 0 : 1;
    runs = true;
    while ((guest = lobby->lists[INK_LOBBY_READY].first) == NULL && !lobby->stopped) {
        if (lobby->led)
            rest(lobby);
        else
            lead(lobby);
    }
    if (guest != NULL) {
        guest->stirred = false;
        if (guest->hung_up != 0)
            guest->hung_up = ink_now();
        move(lobby, guest, INK_LOBBY_AWAY);
        call_threads(lobby);
    } else {
        lobby->runners--;
        runs = false;
    }
    pthread_mutex_unlock(&lobby->lock);
    ink_blocks_call(runs ? stop_running : NULL, lobby);
    return guest;
}

/* With the lock held. */
static unsigned busy(const struct ink_lobby *lobby)
{
    return lobby->lists[INK_LOBBY_READY].count + lobby->lists[INK_LOBBY_AWAY].count;
}

unsigned ink_lobby_guests(struct ink_lobby *lobby)
{
    pthread_mutex_lock(&lobby->lock);
    unsigned guests = atomic_load(&lobby->waiting) + busy(lobby);
    pthread_mutex_unlock(&lobby->lock);
    return guests;
}

unsigned ink_lobby_busy(struct ink_lobby *lobby)
{
    pthread_mutex_lock(&lobby->lock);
    unsigned guests = busy(lobby);
    pthread_mutex_unlock(&lobby->lock);
    return guests;
}

unsigned ink_lobby_waiting(struct ink_lobby *lobby)
{
    return atomic_load(&lobby->waiting);
}
