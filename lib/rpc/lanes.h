/*
 * The unary calls of a server, from their arrival to the end of their answer: how many there are,
 * whose turn it is, and until when each has. Internal to lib/rpc.
 *
 * Calls are kept in lanes by the connection that they came on, and by method: a gateway has one
 * connection for all its clients. Threads take from the lanes in turn, as many at once as there may
 * be handlers, so a connection with a thousand calls delays the others' by one call, not by a
 * thousand. The calls of one method, which may all be slow, leave some handlers to others. When
 * there are as many calls as there may be, the fullest lane loses its newest: who sends most is
 * refused, and nobody else. (Two connections may share a lane; there are many.)
 */
#pragma once

#include <grpc/grpc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define LANES 256

enum lane_state {
    LANE_ARRIVING,  /* its message has not come yet */
    LANE_WAITING,   /* for its turn */
    LANE_RUNNING,   /* in a handler */
    LANE_ANSWERING, /* its reply is on its way */
};

/* Embedded in what serves a method. */
struct lane_method {
    unsigned running;
};

/* Embedded in a call; the first two are the caller's to set. */
struct lane_entry {
    grpc_call *grpc;
    struct lane_method *method;
    enum lane_state state;
    struct lane *lane; /* NULL once it does not count any more: finished, or it had to make room */
    int64_t until;     /* when it is cancelled, unless it got on */
    int64_t latest;    /* for its handler */
    struct lane_entry *newer, *older;               /* all of the lane */
    struct lane_entry *next_waiting, *last_waiting; /* those that wait, first come first */
};

struct lane {
    struct lane_entry *newest;
    struct lane_entry *first, *last; /* waiting */
    unsigned count;
    bool queued; /* for its turn */
    struct lane *next_turn;
};

struct lanes {
    pthread_mutex_t lock;
    struct lane lanes[LANES];
    unsigned count, most;
    unsigned waiting;
    unsigned running, most_running;
    unsigned most_of_method;             /* of those that run */
    struct lane *first_turn, *last_turn; /* lanes in the order of their turns */
};

/* For `most` calls, of which `most_running` may be in a handler. */
void lanes_init(struct lanes *lanes, unsigned most, unsigned most_running);
void lanes_release(struct lanes *lanes);

/* What became of a call that is new. */
struct lane_admission {
    bool admitted;
    struct lane_entry *dropped; /* one that waited and had to make room, or NULL; its grpc call is
                                   cancelled, and the caller has to finish it */
};
/* Counts a call that arrives; `number` is any that its connection has, plus its method's. */
struct lane_admission lanes_admit(struct lanes *lanes, struct lane_entry *entry, uint64_t number);
/* Its message is there: it waits for its turn. False when it had to make room meanwhile. */
bool lanes_wait(struct lanes *lanes, struct lane_entry *entry);
/* The call whose turn it is, to be handled by the caller, who says lanes_done() then and asks
 * again; NULL when none waits, or as many are in handlers as may be, altogether or of the methods
 * of those that wait: one of those who said lanes_done() will find what waits. */
struct lane_entry *lanes_take(struct lanes *lanes);
void lanes_done(struct lanes *lanes, struct lane_method *method);
/* It is answered; the reply may take until then. */
void lanes_answer(struct lanes *lanes, struct lane_entry *entry, int64_t until);
/* It is finished, whichever way. */
void lanes_leave(struct lanes *lanes, struct lane_entry *entry);

/* Cancels what should have arrived, been handled or been taken by now. */
void lanes_sweep(struct lanes *lanes, int64_t now);
