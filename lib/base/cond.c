#define _GNU_SOURCE /* pthread_cond_clockwait() */
#include "lib/base/cond.h"

#include <time.h>

#include "lib/base/clock.h"

bool ink_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline)
{
    struct timespec end = {.tv_sec = deadline / INK_SECOND, .tv_nsec = deadline % INK_SECOND};
    return pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, &end) == 0;
}
