/* Which thread has which event: events are ends of the C core's waits for a
 * channel's state, which end at once. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "lib/base/blocks.h"
#include "lib/base/tsan.h"
#include "lib/rpc/turns.h"

#define THREADS 4

/* An event: what its handler does, and how it went. */
struct occasion {
    void (*before_wait)(void);
    sem_t *waits_for; /* or NULL */
    sem_t begun, done;
    pthread_t thread;
};

static void happens(grpc_event event)
{
    struct occasion *occasion = event.tag;
    occasion->thread = pthread_self();
    sem_post(&occasion->begun);
    if (occasion->before_wait != NULL)
        occasion->before_wait();
    while (occasion->waits_for != NULL && sem_wait(occasion->waits_for) != 0)
        ;
    sem_post(&occasion->done);
}

static void say_nothing(void)
{
}

static void await(sem_t *sem)
{
    while (sem_wait(sem) != 0)
        ;
}

static grpc_channel *channel;

static void take_place(struct turns *turns, struct occasion *occasion)
{
    sem_init(&occasion->begun, 0, 0);
    sem_init(&occasion->done, 0, 0);
    INK_HAND_OVER(occasion);
    grpc_channel_watch_connectivity_state(
        channel, GRPC_CHANNEL_IDLE, gpr_inf_past(GPR_CLOCK_MONOTONIC), turns->queue, occasion);
}

/* An event that waits for nothing: which thread had it. */
static pthread_t pass(struct turns *turns)
{
    struct occasion occasion = {0};
    take_place(turns, &occasion);
    await(&occasion.done);
    return occasion.thread;
}

static void open_queue(struct turns *turns, unsigned threads)
{
    turns_init(turns, happens);
    turns->most = 1;
    turns_start(turns, threads);
}

static void close_queue(struct turns *turns)
{
    turns_stop(turns);
    turns_release(turns);
}

static void await_rest(struct turns *turns)
{
    while (atomic_load(&turns->waiting) != 1 || atomic_load(&turns->count) != 1)
        sched_yield();
}

static void one_thread_has_what_waits_for_nothing(void **state)
{
    (void)state;
    struct turns turns;
    open_queue(&turns, THREADS);
    pthread_t first = pass(&turns);
    for (int i = 0; i < 200; i++)
        assert_true(pthread_equal(pass(&turns), first));
    close_queue(&turns);
}

/* As many as all threads but one wait, and each is followed by another. */
static void who_waits_is_followed_by_another(void **state)
{
    (void)state;
    struct turns turns;
    struct occasion slow[THREADS - 1];
    sem_t gate;
    sem_init(&gate, 0, 0);
    open_queue(&turns, THREADS);
    for (int i = 0; i < THREADS - 1; i++) {
        slow[i] = (struct occasion){.before_wait = ink_blocks, .waits_for = &gate};
        take_place(&turns, &slow[i]);
        await(&slow[i].begun);
        pthread_t next = pass(&turns);
        for (int k = 0; k <= i; k++)
            assert_false(pthread_equal(next, slow[k].thread));
    }
    for (int i = 0; i < THREADS - 1; i++)
        sem_post(&gate);
    for (int i = 0; i < THREADS - 1; i++)
        await(&slow[i].done);
    await_rest(&turns);
    (void)pass(&turns);
    close_queue(&turns);
}

static void who_waits_and_says_nothing_is_noticed(void **state)
{
    (void)state;
    struct turns turns;
    sem_t gate;
    sem_init(&gate, 0, 0);
    struct occasion silent = {.before_wait = say_nothing, .waits_for = &gate}, other = {0};
    open_queue(&turns, THREADS);
    take_place(&turns, &silent);
    await(&silent.begun);
    take_place(&turns, &other);
    while (sem_trywait(&other.done) != 0) {
        turns_look(&turns);
        sched_yield();
    }
    assert_false(pthread_equal(other.thread, silent.thread));
    sem_post(&gate);
    await(&silent.done);
    await_rest(&turns); /* there is one turn again, as before */
    close_queue(&turns);
}

static void queue_without_threads_is_emptied_at_the_end(void **state)
{
    (void)state;
    struct turns turns;
    struct occasion left = {0};
    turns_init(&turns, happens);
    take_place(&turns, &left);
    turns_stop(&turns);
    assert_int_equal(sem_trywait(&left.done), 0);
    turns_release(&turns);
}

static int open_channel(void **state)
{
    (void)state;
    grpc_init();
    grpc_channel_credentials *none = grpc_insecure_credentials_create();
    channel = grpc_channel_create("ipv4:127.0.0.1:9", none, NULL);
    grpc_channel_credentials_release(none);
    return 0;
}

static int close_channel(void **state)
{
    (void)state;
    grpc_channel_destroy(channel);
    grpc_shutdown_blocking();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_has_what_waits_for_nothing),
        cmocka_unit_test(who_waits_is_followed_by_another),
        cmocka_unit_test(who_waits_and_says_nothing_is_noticed),
        cmocka_unit_test(queue_without_threads_is_emptied_at_the_end),
    };
    return cmocka_run_group_tests(tests, open_channel, close_channel);
}
