/*
 * Where connections are that need no thread: before the first byte of a request, between two
 * requests, in the midst of a header that comes in drips, and after a refusal until the client has
 * read it. One thread looks after all of them. Inside lib/http only.
 *
 * A guest belongs to the lobby while it waits, to whoever `ready` gives it to from then on, and is
 * counted from ink_lobby_enter() to ink_lobby_leave() or to `discard`. The functions are
 * thread-safe.
 */
#pragma once

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
    INK_LOBBY_AWAY,    /* has a thread, or waits in line for one */
    INK_LOBBY_PLACES,
};

/* To be embedded. */
struct ink_guest {
    int fd;
    int64_t until; /* on ink_now()'s scale */
    enum ink_lobby_place place;
    bool known; /* to epoll */
    struct ink_guest *previous, *next;
};

typedef void ink_lobby_fn(void *self, struct ink_guest *guest);

struct ink_lobby_options {
    unsigned most;         /* guests that wait; of more, those that waited longest are discarded */
    ink_lobby_fn *ready;   /* there is something to read, or the time for a header is over */
    ink_lobby_fn *discard; /* to be closed and freed: nothing came in time, or the lobby ends */
    void *self;            /* handed to both, which the lobby's thread calls: they must be quick */
};

/* NULL when the system has no descriptors left. */
struct ink_lobby *ink_lobby_new(const struct ink_lobby_options *options) INK_MUST_CHECK;
/* Discards who waits; from now on nobody can wait any more. */
void ink_lobby_stop(struct ink_lobby *lobby);
/* Stops, and discards all guests. None may have a thread any more. Accepts NULL. */
void ink_lobby_free(struct ink_lobby *lobby);

/* A connection begins, in INK_LOBBY_AWAY; and ends by other means than `discard`. */
void ink_lobby_enter(struct ink_lobby *lobby, struct ink_guest *guest, int fd);
void ink_lobby_leave(struct ink_lobby *lobby, struct ink_guest *guest);
/* Waits in `place` until there is something to read or it is `until`. False when the lobby has
 * stopped: then the guest is still the caller's. */
bool ink_lobby_wait(struct ink_lobby *lobby, struct ink_guest *guest, enum ink_lobby_place place,
                    int64_t until) INK_MUST_CHECK;

/* How many connections there are, and how many of them wait; without those that said goodbye. */
unsigned ink_lobby_guests(struct ink_lobby *lobby);
unsigned ink_lobby_waiting(struct ink_lobby *lobby);
