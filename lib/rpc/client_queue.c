#include "lib/rpc/client_queue.h"

#include <pthread.h>

#include "lib/rpc/client_internal.h"
#include "lib/rpc/turns.h"

/* One more than have a turn at once on small machines, for when one does wait. */
#define THREADS 4

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned users;
static struct turns turns;

static void land(grpc_event event)
{
    flight_lands(event.tag);
}

grpc_completion_queue *client_queue_take(void)
{
    pthread_mutex_lock(&lock);
    if (users++ == 0) {
        turns_init(&turns, land);
        turns_start(&turns, THREADS);
    }
    pthread_mutex_unlock(&lock);
    return turns.queue;
}

void client_queue_drop(void)
{
    pthread_mutex_lock(&lock);
    if (--users == 0) {
        turns_stop(&turns);
        turns_release(&turns);
    }
    pthread_mutex_unlock(&lock);
}
