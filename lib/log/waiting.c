#define _GNU_SOURCE
#include "lib/log/waiting.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/macros.h"
#include "lib/log/out.h"

/* A few hundred lines. */
#define ROOM 65536
#define WAIT (10 * INK_MILLISECOND)
/* How long a process that crashes waits for threads that write. */
#define CRASH_WAIT (50 * INK_MILLISECOND)

struct buffer {
    size_t size;
    char text[ROOM];
};

/* Two buffers take turns: one fills while the other is written out. Who needs both locks takes
 * `writing` first. */
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER; /* gives what is written its order */
static pthread_mutex_t filling = PTHREAD_MUTEX_INITIALIZER; /* for what follows */
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static struct buffer buffers[2], *waiting = buffers;
static bool stopping;

static bool started;
static pthread_t flusher;

/* Under both locks. */
static struct buffer *take_turns(void)
{
    struct buffer *full = waiting;
    waiting = &buffers[full == buffers];
    return full;
}

/* Under `writing`. */
static void write_out(struct buffer *full, bool patient)
{
    ink_log_out(full->text, full->size, patient);
    full->size = 0;
}

void ink_log_waiting_flush(void)
{
    pthread_mutex_lock(&writing);
    pthread_mutex_lock(&filling);
    struct buffer *full = take_turns();
    pthread_mutex_unlock(&filling);
    write_out(full, true);
    pthread_mutex_unlock(&writing);
}

void ink_log_waiting_add(const char *line, size_t size, bool urgent)
{
    pthread_mutex_lock(&filling);
    while (waiting->size + size > ROOM) {
        pthread_mutex_unlock(&filling);
        ink_log_waiting_flush();
        pthread_mutex_lock(&filling);
    }
    bool first = waiting->size == 0;
    memcpy(waiting->text + waiting->size, line, size);
    waiting->size += size;
    pthread_mutex_unlock(&filling);
    if (urgent || !started)
        ink_log_waiting_flush();
    else if (first)
        pthread_cond_signal(&news);
}

/* Writes what waits once a while, and sleeps as long as there is nothing. */
static void *keep_flushing(void *unused)
{
    const struct timespec a_moment = {.tv_nsec = WAIT};
    (void)unused;
    pthread_mutex_lock(&filling);
    for (;;) {
        while (waiting->size == 0 && !stopping)
            pthread_cond_wait(&news, &filling);
        if (stopping)
            break;
        pthread_mutex_unlock(&filling);
        nanosleep(&a_moment, NULL);
        ink_log_waiting_flush();
        pthread_mutex_lock(&filling);
    }
    pthread_mutex_unlock(&filling);
    return NULL;
}

static bool lock_soon(pthread_mutex_t *lock)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += CRASH_WAIT;
    until.tv_sec += until.tv_nsec / INK_SECOND;
    until.tv_nsec %= INK_SECOND;
    return pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &until) == 0;
}

/* The process is about to die: the locks are never given back. What holds one of them now, say the
 * thread that crashed, or a reader that does not read, costs lines and not the end. */
static void on_crash(int number)
{
    if (lock_soon(&writing) && lock_soon(&filling))
        write_out(take_turns(), false);
    raise(number);
}

/* Not where a sanitizer has a handler of its own. */
static void prepare_for_crashes(void)
{
    static const int crashes[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    const struct sigaction action = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND};
    for (size_t i = 0; i < INK_COUNT(crashes); i++) {
        struct sigaction before;
        if (sigaction(crashes[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(crashes[i], &action, NULL);
    }
}

void ink_log_waiting_start(void)
{
    stopping = false;
    if (pthread_create(&flusher, NULL, keep_flushing, NULL) != 0)
        abort(); /* a process that cannot do this can do nothing */
    started = true;
    prepare_for_crashes();
}

void ink_log_waiting_stop(void)
{
    if (!started)
        return;
    started = false;
    pthread_mutex_lock(&filling);
    stopping = true;
    pthread_mutex_unlock(&filling);
    pthread_cond_signal(&news);
    pthread_join(flusher, NULL);
    ink_log_waiting_flush();
}

/* exit() anywhere. */
__attribute__((destructor)) static void on_exit_of_process(void)
{
    ink_log_waiting_flush();
}
