/*
 * For ThreadSanitizer, which knows the threads and locks that it sees in pthread's functions.
 * librdkafka uses C11's, of which glibc makes the same by names of its own, so that nobody sees
 * them; and we wait for a thread's end by a function that GCC 12's does not know. These stand
 * before glibc's and use the others. Nothing in other builds.
 */
#ifdef __SANITIZE_THREAD__
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

#include "lib/base/alloc.h"

struct start {
    thrd_start_t function;
    void *arg;
};

static void *run(void *data)
{
    struct start start = *(struct start *)data;
    free(data);
    return (void *)(intptr_t)start.function(start.arg);
}

static int result(int error)
{
    switch (error) {
    case 0:
        return thrd_success;
    case ETIMEDOUT:
        return thrd_timedout;
    default:
        return thrd_error;
    }
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *arg)
{
    struct start *start = ink_malloc(sizeof(*start));
    *start = (struct start){function, arg};
    int error = pthread_create(thread, NULL, run, start);
    if (error != 0)
        free(start);
    return result(error);
}

int pthread_clockjoin_np(pthread_t thread, void **ret, clockid_t clock,
                         const struct timespec *until)
{
    static const struct timespec pause = {.tv_nsec = 1000000};
    struct timespec now;
    int error;
    while ((error = pthread_tryjoin_np(thread, ret)) == EBUSY) {
        clock_gettime(clock, &now);
        if (now.tv_sec > until->tv_sec ||
            (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec))
            return ETIMEDOUT;
        nanosleep(&pause, NULL);
    }
    return error;
}

int thrd_join(thrd_t thread, int *ret)
{
    void *value = NULL;
    int error = pthread_join(thread, &value);
    if (error == 0 && ret != NULL)
        *ret = (int)(intptr_t)value;
    return result(error);
}

/* In glibc the one is the other. */
static pthread_mutex_t *mutex(mtx_t *lock)
{
    return (pthread_mutex_t *)lock;
}

int mtx_lock(mtx_t *lock)
{
    return result(pthread_mutex_lock(mutex(lock)));
}

int mtx_unlock(mtx_t *lock)
{
    return result(pthread_mutex_unlock(mutex(lock)));
}

int cnd_wait(cnd_t *condition, mtx_t *lock)
{
    return result(pthread_cond_wait((pthread_cond_t *)condition, mutex(lock)));
}

int cnd_timedwait(cnd_t *condition, mtx_t *lock, const struct timespec *until)
{
    return result(pthread_cond_timedwait((pthread_cond_t *)condition, mutex(lock), until));
}
#endif
