/*
 * Threads that take turns at a completion queue: one waits in it and goes on with what it finds, a
 * handler included. Only before that waits for something (ink_blocks()) the next thread is called
 * to the queue, so an event whose handler has nothing to wait for costs no change of threads. Were
 * all of them in the queue, the C core would wake another one for each event, and one more for each
 * answer. Internal to lib/rpc.
 *
 * On more than three processors several threads have a turn at once, as many as half the
 * processors. A server lets all of its threads have one.
 */
#pragma once

#include <grpc/grpc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "lib/base/resters.h"

struct turns {
    grpc_completion_queue *queue;
    void (*happens)(grpc_event event);
    unsigned most; /* threads that have a turn at once */
    pthread_t *threads;
    unsigned n_threads;
    atomic_uint waiting; /* threads in the queue */
    pthread_mutex_t lock;
    atomic_uint count; /* threads that have a turn; written with the lock held */
    bool ended;
    struct ink_resters resters; /* whose turn it is not */
};

/* Makes the queue. `happens` is called with each event, by the thread that found it. */
void turns_init(struct turns *turns, void (*happens)(grpc_event event));
void turns_start(struct turns *turns, unsigned threads);
/* To be called now and then: calls one more thread when nobody is in the queue, for whoever has its
 * turn may wait for something and did not say so. */
void turns_look(struct turns *turns);
/* Shuts the queue down and returns when it is empty and the threads have ended; without threads the
 * caller empties it. Nothing may be begun in the queue any more. */
void turns_stop(struct turns *turns);
/* After turns_stop(). */
void turns_release(struct turns *turns);
