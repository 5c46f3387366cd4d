/*
 * The client's circuit breaker: while a backend does not answer, calls of it fail at once, and
 * those under way are ended, so that nobody's threads wait for it. Internal to lib/rpc.
 *
 * It opens when calls are lost one after another (the connection broke, or there is none) or when
 * the backend leaves two questions for its health unanswered, and nothing else was answered since.
 * A backend that answers, whatever it says, is not away. Once somebody asks for its health, these
 * questions are the probes; otherwise one call after a pause is.
 *
 * With the breaker closed a call costs two relaxed loads and a store.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/breaker.h"
#include "lib/base/status.h"

struct client_breaker {
    atomic_int state;         /* enum ink_breaker_state, for those who have not the lock */
    atomic_bool troubled;     /* there is something for an answer to change */
    _Atomic int64_t answered; /* when the backend answered last */
    _Atomic uint64_t refused; /* calls */
    pthread_mutex_t lock;     /* over what follows */
    struct ink_breaker machine;
    int64_t probed;  /* when somebody asked for its health last; 0 for never */
    unsigned silent; /* of these questions, those without an answer since the last one */
    uint64_t entered[INK_BREAKER_STATES];
};

void client_breaker_init(struct client_breaker *breaker);
void client_breaker_release(struct client_breaker *breaker);

/* Whether a call may be made. Each that may is told of by client_breaker_tell(). */
bool client_breaker_admits(struct client_breaker *breaker);
/* Whether nothing is known against calls: for streams, which last too long to be told of. */
static inline bool client_breaker_is_closed(const struct client_breaker *breaker)
{
    return atomic_load_explicit(&breaker->state, memory_order_relaxed) == INK_BREAKER_CLOSED;
}
static inline bool client_breaker_is_open(const struct client_breaker *breaker)
{
    return atomic_load_explicit(&breaker->state, memory_order_relaxed) == INK_BREAKER_OPEN;
}
enum client_verdict {
    CLIENT_ANSWERED,  /* by the backend, whatever it said */
    CLIENT_LOST,      /* no connection, or it broke */
    CLIENT_UNDECIDED, /* there was no time to tell */
};
/* A call that began at `begun` (ink_now() scale) has ended. */
void client_breaker_tell(struct client_breaker *breaker, int64_t begun,
                         enum client_verdict verdict);

/* Somebody is about to ask for the backend's health, which no breaker keeps them from; and did. */
void client_breaker_probe(struct client_breaker *breaker);
void client_breaker_probed(struct client_breaker *breaker, int64_t begun,
                           enum client_verdict verdict);

/* What a call that is not made says. */
struct ink_status client_breaker_refusal(struct client_breaker *breaker) INK_MUST_CHECK;
