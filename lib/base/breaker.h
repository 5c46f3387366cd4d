/*
 * A circuit breaker: after some failures in a row it keeps callers away for a pause, then lets one
 * call through to see. A plain state machine: the caller brings the time and the locking.
 *
 *     CLOSED ── failures in a row ──▶ OPEN ── pause over, one call ──▶ HALF_OPEN
 *        ▲                              ▲                                │  │
 *        └──────────────────────────────┼────────── success ─────────────┘  │
 *                                       └────────── failure ────────────────┘
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The numbers are those of metrics. */
enum ink_breaker_state {
    INK_BREAKER_CLOSED = 0,    /* calls are made */
    INK_BREAKER_HALF_OPEN = 1, /* one call is probing */
    INK_BREAKER_OPEN = 2,      /* none is made */
    INK_BREAKER_STATES,
};

struct ink_breaker {
    enum ink_breaker_state state;
    unsigned limit;     /* failures in a row that open it */
    int64_t pause;      /* nanoseconds */
    unsigned failures;  /* in a row */
    int64_t open_until; /* ink_now() scale */
};

void ink_breaker_init(struct ink_breaker *breaker, unsigned limit, int64_t pause);
/* Whether a call may be made now. Each that may is answered by one of the functions below. */
bool ink_breaker_allow(struct ink_breaker *breaker, int64_t now);
void ink_breaker_success(struct ink_breaker *breaker);
/* `random` spreads the probes of several processes: the pause is longer by up to a quarter. */
void ink_breaker_failure(struct ink_breaker *breaker, int64_t now, uint32_t random);
/* Opens it, however few the failures were. */
void ink_breaker_trip(struct ink_breaker *breaker, int64_t now, uint32_t random);
/* The call ended before it could tell; the next one probes. */
void ink_breaker_undecided(struct ink_breaker *breaker, int64_t now);
