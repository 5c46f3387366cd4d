/*
 * Where connections wait that need no thread, and where threads come for those that do. A guest
 * waits before the first byte of a request, between two requests, in the midst of a header that
 * comes in drips, and after a refusal until the client has read it. When it stirs it is put in line
 * for a thread. Inside lib/http only.
 *
 * Threads take turns at looking: one at a time leads, which is to wait in epoll, takes the first
 * guest that stirs, and leaves the lead to whoever comes next. So a request costs no hand-over from
 * one thread to another, and few threads run at once, whatever there are; the others rest, those
 * that worked last on top. That holds only as long as a thread that has a guest does not wait for
 * anything: before it may have to, it says so by ink_blocks(), and another takes its place.
 *
 * A guest belongs to the lobby while it waits, and to whoever got it by ink_lobby_next() from then
 * on. It is counted from ink_lobby_enter() to ink_lobby_leave() or to `discard`; some time after
 * that it is freed. The functions are thread-safe.
 *
 * Who is being served is told when its client seems to have left: by `left`, a second or two after
 * the client closed its side. By TCP that looks the same as one who has said all and still listens
 * (`nc -N`); so such a client gets what is there within a second, and nothing after that. Others
 * give it no time at all (nginx).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/macros.h"

struct ink_lobby;

/* In the order in which they have to go when there are too many. */
enum ink_lobby_place {
    INK_LOBBY_GOODBYE, /* has its answer; what it still sends is thrown away */
    INK_LOBBY_HEADER,  /* has sent a part of a header */
    INK_LOBBY_QUIET,   /* has sent nothing */
    INK_LOBBY_READY,   /* in line for a thread */
    INK_LOBBY_AWAY,    /* is being served */
    INK_LOBBY_GONE,    /* closed; to be freed */
    INK_LOBBY_PLACES,
};

/* To be embedded. */
struct ink_guest {
    int fd;
    int64_t until; /* on ink_now()'s scale */
    enum ink_lobby_place place;
    bool known;       /* to epoll */
    bool stirred;     /* while it was not waiting */
    int64_t hung_up;  /* when its client closed its side, or it got a thread after that; or 0 */
    atomic_bool left; /* that was a second ago, and it is still being served; for anybody to read */
    int64_t lined_up; /* when it got in line for a thread */
    struct ink_guest *previous, *next;
};

typedef void ink_lobby_fn(void *self, struct ink_guest *guest);

struct ink_lobby_options {
    unsigned most;    /* guests that wait or are in line; of more, those that waited longest are
                         discarded, but not out of the line */
    unsigned runners; /* how many threads may work at once without waiting for anything; 0 means as
                         many as there are processors */
    ink_lobby_fn
        *discard;       /* to be closed: nothing came in time, or the lobby ends; must be quick */
    ink_lobby_fn *free; /* to be freed: was closed */
    void *self;         /* handed to both */
};

/* NULL when the system has no descriptors left. */
struct ink_lobby *ink_lobby_new(const struct ink_lobby_options *options) INK_MUST_CHECK;
/* Discards who waits, and sends the threads home when nobody is in line for one; from now on nobody
 * can wait or line up any more. */
void ink_lobby_stop(struct ink_lobby *lobby);
/* Stops, and discards and frees all guests. No thread may use it any more. Accepts NULL. */
void ink_lobby_free(struct ink_lobby *lobby);

/* A connection begins, in INK_LOBBY_AWAY; and ends by other means than `discard`, when its
 * descriptor has been closed. */
void ink_lobby_enter(struct ink_lobby *lobby, struct ink_guest *guest, int fd);
void ink_lobby_leave(struct ink_lobby *lobby, struct ink_guest *guest);
/* Waits in `place` until there is something to read or it is `until`. All that there was must have
 * been read, or it is not noticed until more comes. False when the lobby has stopped: then the
 * guest is still the caller's. */
bool ink_lobby_wait(struct ink_lobby *lobby, struct ink_guest *guest, enum ink_lobby_place place,
                    int64_t until) INK_MUST_CHECK;
/* Puts it in line for a thread at once; false as above. */
bool ink_lobby_line_up(struct ink_lobby *lobby, struct ink_guest *guest) INK_MUST_CHECK;

/* For a thread that serves, this lobby and no other: the next guest, when there is one; NULL when
 * the lobby has stopped. Before it waits for something the thread calls ink_blocks(). */
struct ink_guest *ink_lobby_next(struct ink_lobby *lobby);

/* How many connections there are, and how many of them wait; without those that said goodbye. */
unsigned ink_lobby_guests(struct ink_lobby *lobby);
unsigned ink_lobby_waiting(struct ink_lobby *lobby);
/* The others: how many are in line for a thread, or being served. */
unsigned ink_lobby_busy(struct ink_lobby *lobby);
