#include "lib/base/resters.h"

#include <semaphore.h>
#include <stddef.h>

struct ink_rester {
    sem_t called;
    struct ink_rester *before;
};

void ink_resters_rest(struct ink_resters *resters, pthread_mutex_t *lock)
{
    struct ink_rester me = {.before = resters->last};
    sem_init(&me.called, 0, 0);
    resters->last = &me;
    pthread_mutex_unlock(lock);
    while (sem_wait(&me.called) != 0)
        ;
    sem_destroy(&me.called);
    pthread_mutex_lock(lock);
}

bool ink_resters_call(struct ink_resters *resters)
{
    struct ink_rester *rester = resters->last;
    if (rester == NULL)
        return false;
    resters->last = rester->before;
    sem_post(&rester->called);
    return true;
}
