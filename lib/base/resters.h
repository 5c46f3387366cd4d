/*
 * Threads that rest until somebody calls one of them: who came last is called first, for the
 * processors' caches know most of it. Everything here is done with the lock held that guards them.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

struct ink_rester;

struct ink_resters {
    struct ink_rester *last; /* NULL when nobody rests */
};

/* Rests until this thread is called, with the lock before and after, and without it meanwhile. */
void ink_resters_rest(struct ink_resters *resters, pthread_mutex_t *lock);
/* False when nobody rests. */
bool ink_resters_call(struct ink_resters *resters);
