#include "lib/rpc/turns.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/blocks.h"
#include "lib/base/tsan.h"

static _Thread_local bool has_turn;

static unsigned half_the_processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN) / 2;
    return count < 1 ? 1 : (unsigned)count;
}

void turns_init(struct turns *turns, void (*happens)(grpc_event event))
{
    memset(turns, 0, sizeof(*turns));
    turns->queue = grpc_completion_queue_create_for_next(NULL);
    turns->happens = happens;
    turns->most = half_the_processors();
    pthread_mutex_init(&turns->lock, NULL);
}

void turns_release(struct turns *turns)
{
    grpc_completion_queue_destroy(turns->queue);
    pthread_mutex_destroy(&turns->lock);
    free(turns->threads);
}

/* With the lock held: it is one more rester's turn. False when there is none. */
static bool call_one(struct turns *turns)
{
    bool called = ink_resters_call(&turns->resters);
    if (called)
        atomic_fetch_add(&turns->count, 1);
    return called;
}

static void give_up(void *self)
{
    struct turns *turns = self;
    has_turn = false;
    pthread_mutex_lock(&turns->lock);
    if (atomic_fetch_sub(&turns->count, 1) <= turns->most)
        (void)call_one(turns);
    pthread_mutex_unlock(&turns->lock);
}

/* False at the end. */
static bool take_turn(struct turns *turns)
{
    if (has_turn && atomic_load_explicit(&turns->count, memory_order_relaxed) <= turns->most)
        return true;
    ink_blocks(); /* it took long, and others were called meanwhile */
    pthread_mutex_lock(&turns->lock);
    if (!turns->ended && atomic_load(&turns->count) >= turns->most)
        ink_resters_rest(&turns->resters, &turns->lock);
    else
        atomic_fetch_add(&turns->count, 1);
    has_turn = !turns->ended;
    pthread_mutex_unlock(&turns->lock);
    ink_blocks_call(has_turn ? give_up : NULL, turns);
    return has_turn;
}

static grpc_event next_event(struct turns *turns)
{
    atomic_fetch_add_explicit(&turns->waiting, 1, memory_order_relaxed);
    grpc_event event =
        grpc_completion_queue_next(turns->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    atomic_fetch_sub_explicit(&turns->waiting, 1, memory_order_relaxed);
    return event;
}

static void end(struct turns *turns)
{
    pthread_mutex_lock(&turns->lock);
    turns->ended = true;
    while (call_one(turns))
        ;
    pthread_mutex_unlock(&turns->lock);
}

static void *serve(void *self)
{
    struct turns *turns = self;
    while (take_turn(turns)) {
        grpc_event event = next_event(turns);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            break;
        INK_TAKE_OVER(event.tag);
        turns->happens(event);
    }
    end(turns);
    has_turn = false;
    ink_blocks_call(NULL, NULL);
    return NULL;
}

void turns_start(struct turns *turns, unsigned threads)
{
    turns->n_threads = threads;
    turns->threads = ink_calloc(threads, sizeof(*turns->threads));
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&turns->threads[i], NULL, serve, turns) != 0)
            abort();
}

void turns_look(struct turns *turns)
{
    if (atomic_load_explicit(&turns->waiting, memory_order_relaxed) > 0)
        return;
    pthread_mutex_lock(&turns->lock);
    (void)call_one(turns);
    pthread_mutex_unlock(&turns->lock);
}

void turns_stop(struct turns *turns)
{
    grpc_completion_queue_shutdown(turns->queue);
    if (turns->n_threads == 0)
        serve(turns);
    for (unsigned i = 0; i < turns->n_threads; i++)
        pthread_join(turns->threads[i], NULL);
}
