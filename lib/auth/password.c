#include "lib/auth/password.h"
#include "lib/base/blocks.h"

#include <crypt.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/cond.h"
#include "lib/base/random.h"
#include "lib/base/text.h"

#define PREFIX "$2b$"
#define HASH_SIZE 61 /* 60 characters and a NUL */
#define THREADS_MAX 256
#define QUEUE_MAX 65536

/* Where processors are scarce, those who only read come first. */
#define NICENESS 5

/* How often a caller in the queue looks whether its client has gone. */
#define CANCEL_CHECK (50 * INK_MILLISECOND)

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE };

/* A hash to be computed. It lives on its caller's stack, who waits for JOB_DONE or takes it out of
 * the queue again. */
struct job {
    const char *password;
    const char *setting; /* salt and cost: what crypt_gensalt made, or a whole hash */
    enum job_state state;
    bool failed;
    char hash[HASH_SIZE];
    pthread_cond_t done;
    struct job *next;
};

struct ink_password_pool {
    unsigned cost;
    unsigned queue_max;
    int64_t patience; /* ns, or 0 */
    char dummy_setting[CRYPT_GENSALT_OUTPUT_SIZE];

    pthread_mutex_t lock; /* guards all below, and every job's state */
    pthread_cond_t work;
    struct job *first;
    struct job **last;
    bool stopping;
    int64_t took; /* ns by a hash, lately; 0 before the first */
    struct ink_password_stats stats;

    unsigned n_started;
    pthread_t threads[];
};

static bool make_setting(unsigned cost, char out[CRYPT_GENSALT_OUTPUT_SIZE])
{
    char salt[16];
    ink_random(salt, sizeof(salt));
    return crypt_gensalt_rn(PREFIX, cost, salt, sizeof(salt), out, CRYPT_GENSALT_OUTPUT_SIZE) !=
           NULL;
}

static void compute(struct job *job, struct crypt_data *data)
{
    memset(data, 0, sizeof(*data));
    const char *hash = crypt_rn(job->password, job->setting, data, sizeof(*data));
    job->failed = hash == NULL || strlen(hash) != HASH_SIZE - 1;
    if (!job->failed)
        memcpy(job->hash, hash, HASH_SIZE);
    explicit_bzero(data, sizeof(*data));
}

static struct job *take_first(struct ink_password_pool *pool)
{
    struct job *job = pool->first;
    pool->first = job->next;
    if (pool->first == NULL)
        pool->last = &pool->first;
    pool->stats.waiting--;
    return job;
}

/* An average that forgets: where other work has the processors, hashes take many times as long. */
static void note_time(struct ink_password_pool *pool, int64_t took)
{
    pool->took = pool->took == 0 ? took : pool->took + (took - pool->took) / 4;
}

static void *run(void *arg)
{
    struct ink_password_pool *pool = arg;
    struct crypt_data *data = ink_calloc(1, sizeof(*data));
    /* This thread only (Linux). Where it fails, hashing merely competes with the rest. */
    (void)setpriority(PRIO_PROCESS, 0, NICENESS);
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->first == NULL && !pool->stopping)
            pthread_cond_wait(&pool->work, &pool->lock);
        if (pool->first == NULL)
            break;
        struct job *job = take_first(pool);
        job->state = JOB_RUNNING;
        pool->stats.running++;
        pthread_mutex_unlock(&pool->lock);
        int64_t begun = ink_now();
        compute(job, data);
        int64_t took = ink_now() - begun;
        pthread_mutex_lock(&pool->lock);
        note_time(pool, took);
        pool->stats.running--;
        pool->stats.computed += !job->failed;
        job->state = JOB_DONE;
        pthread_cond_signal(&job->done);
    }
    pthread_mutex_unlock(&pool->lock);
    free(data);
    return NULL;
}

static struct ink_status check_options(const struct ink_password_options *options,
                                       struct ink_arena *arena)
{
    if (options->cost != 0 &&
        (options->cost < INK_PASSWORD_COST_MIN || options->cost > INK_PASSWORD_COST_MAX))
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "BCRYPT_COST must be %d to %d, not %u",
                          INK_PASSWORD_COST_MIN, INK_PASSWORD_COST_MAX, options->cost);
    if (options->threads > THREADS_MAX || options->queue > QUEUE_MAX)
        return ink_errorf(arena, INK_INVALID_ARGUMENT,
                          "at most %d threads can hash passwords, and %d calls wait for them",
                          THREADS_MAX, QUEUE_MAX);
    return ink_ok();
}

static unsigned processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : (unsigned)count;
}

struct ink_status ink_password_pool_new(const struct ink_password_options *options,
                                        struct ink_arena *arena,
                                        struct ink_password_pool **ret_pool)
{
    struct ink_status status = check_options(options, arena);
    if (!ink_is_ok(status))
        return status;
    unsigned threads = options->threads == 0 ? processors() : options->threads;
    struct ink_password_pool *pool =
        ink_calloc(1, sizeof(*pool) + threads * sizeof(pool->threads[0]));
    pool->cost = options->cost == 0 ? INK_PASSWORD_COST_DEFAULT : options->cost;
    pool->queue_max = options->queue == 0 ? threads * 64 : options->queue;
    pool->patience = options->patience_ms * INK_MILLISECOND;
    pool->last = &pool->first;
    pool->stats.threads = threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    if (!make_setting(pool->cost, pool->dummy_setting))
        status = ink_error_cause(arena, INK_INTERNAL, "bcrypt is not to be had",
                                 "crypt_gensalt_rn: %s", strerror(errno));
    while (ink_is_ok(status) && pool->n_started < threads) {
        int error = pthread_create(&pool->threads[pool->n_started], NULL, run, pool);
        if (error != 0)
            status = ink_error_cause(arena, INK_INTERNAL, "no threads to hash passwords",
                                     "pthread_create: %s", strerror(error));
        else
            pool->n_started++;
    }
    if (ink_is_ok(status))
        *ret_pool = pool;
    else
        ink_password_pool_free(pool);
    return status;
}

void ink_password_pool_free(struct ink_password_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->n_started; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static void take_out(struct ink_password_pool *pool, struct job *job)
{
    struct job **link = &pool->first;
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    if (job->next == NULL)
        pool->last = link;
    pool->stats.waiting--;
}

static int64_t next_look(const struct ink_ctx *ctx)
{
    int64_t look = ctx->cancelled == NULL ? INK_NO_DEADLINE : ink_now() + CANCEL_CHECK;
    return look < ctx->deadline ? look : ctx->deadline;
}

/* Waits for the job, holding the lock. A job that waits is given up with its context; one that runs
 * is waited for, since it works on its caller's memory. */
static struct ink_status wait_for(struct ink_password_pool *pool, const struct ink_ctx *ctx,
                                  struct job *job)
{
    ink_blocks();
    while (job->state != JOB_DONE) {
        int64_t until = job->state == JOB_WAITING ? next_look(ctx) : INK_NO_DEADLINE;
        if (until == INK_NO_DEADLINE)
            pthread_cond_wait(&job->done, &pool->lock);
        else
            (void)ink_cond_wait_until(&job->done, &pool->lock, until);
        struct ink_status status = ink_ctx_check(ctx);
        if (job->state == JOB_WAITING && !ink_is_ok(status)) {
            take_out(pool, job);
            return status;
        }
    }
    return ink_ok();
}

/* When the queue has moved on by about half. */
static int64_t retry_after(const struct ink_password_pool *pool)
{
    int64_t hash_ms = INT64_C(50) << pool->cost >> INK_PASSWORD_COST_DEFAULT;
    int64_t wait_ms = hash_ms * pool->queue_max / pool->stats.threads / 2;
    return wait_ms < 1000 ? 1000 : wait_ms > 30000 ? 30000 : wait_ms;
}

static struct ink_status queue_full(struct ink_password_pool *pool)
{
    pool->stats.refused++;
    return ink_overloaded("too many people are signing in; try again later", retry_after(pool));
}

/* Whoever has nobody in front of them is not refused for that, or one slow hash would be the last.
 */
static bool is_too_slow(const struct ink_password_pool *pool)
{
    return pool->patience != 0 &&
           pool->took / pool->stats.threads * pool->stats.waiting > pool->patience;
}

/* The threads are all at work or being woken for what waits, so `queue_max` jobs may wait besides
 * those that a free thread will take. */
static bool is_full(const struct ink_password_pool *pool)
{
    return pool->stats.waiting + pool->stats.running >= pool->queue_max + pool->stats.threads;
}

struct ink_status ink_password_admit(struct ink_password_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct ink_status status = is_full(pool) || is_too_slow(pool) ? queue_full(pool) : ink_ok();
    pthread_mutex_unlock(&pool->lock);
    return status;
}

/* Computes `job->hash` on a thread of the pool. */
static struct ink_status submit(struct ink_password_pool *pool, const struct ink_ctx *ctx,
                                struct job *job)
{
    struct ink_status status = ink_ctx_check(ctx);
    if (!ink_is_ok(status))
        return status;
    pthread_cond_init(&job->done, NULL);
    pthread_mutex_lock(&pool->lock);
    if (is_full(pool) || is_too_slow(pool)) {
        status = queue_full(pool);
    } else {
        *pool->last = job;
        pool->last = &job->next;
        pool->stats.waiting++;
        pthread_cond_signal(&pool->work);
        status = wait_for(pool, ctx, job);
    }
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&job->done);
    if (ink_is_ok(status) && job->failed)
        return ink_error_cause(ctx->arena, INK_INTERNAL, "internal error",
                               "bcrypt refused its setting");
    return status;
}

struct ink_status ink_password_hash(struct ink_password_pool *pool, const struct ink_ctx *ctx,
                                    const char *password, const char **ret_hash)
{
    if (strnlen(password, INK_PASSWORD_MAX + 1) > INK_PASSWORD_MAX)
        return ink_invalid_field(ctx->arena, "password", "must be at most %d bytes",
                                 INK_PASSWORD_MAX);
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (!make_setting(pool->cost, setting))
        return ink_error_cause(ctx->arena, INK_INTERNAL, "internal error", "crypt_gensalt_rn: %s",
                               strerror(errno));
    struct job job = {.password = password, .setting = setting};
    struct ink_status status = submit(pool, ctx, &job);
    if (ink_is_ok(status))
        *ret_hash = ink_arena_strdup(ctx->arena, job.hash);
    return status;
}

/* $2a$ and $2y$ are what other programs call the same (correct) algorithm. */
static bool is_bcrypt(const char *hash)
{
    return strlen(hash) == HASH_SIZE - 1 && strncmp(hash, "$2", 2) == 0 &&
           memchr("aby", hash[2], 3) != NULL && hash[3] == '$';
}

struct ink_status ink_password_verify(struct ink_password_pool *pool, const struct ink_ctx *ctx,
                                      const char *password, const char *hash, bool *ret_match)
{
    bool comparable = hash != NULL;
    struct job job = {.password = password, .setting = hash};
    if (hash == NULL) {
        job.setting = pool->dummy_setting;
    } else if (!is_bcrypt(hash)) {
        return ink_error_cause(ctx->arena, INK_INTERNAL, "internal error",
                               "a stored password hash is not bcrypt's");
    }
    /* bcrypt would cut it, and match what it cut. */
    if (strnlen(password, INK_PASSWORD_MAX + 1) > INK_PASSWORD_MAX) {
        job.password = "too long";
        comparable = false;
    }
    struct ink_status status = submit(pool, ctx, &job);
    if (ink_is_ok(status))
        *ret_match = comparable && ink_equal_constant_time(job.hash, hash, HASH_SIZE - 1);
    return status;
}

bool ink_password_outdated(const struct ink_password_pool *pool, const char *hash)
{
    char setting[sizeof(PREFIX "16$")];
    snprintf(setting, sizeof(setting), PREFIX "%02u$", pool->cost % 100);
    return strncmp(hash, setting, sizeof(setting) - 1) != 0;
}

void ink_password_pool_stats(struct ink_password_pool *pool, struct ink_password_stats *ret_stats)
{
    pthread_mutex_lock(&pool->lock);
    *ret_stats = pool->stats;
    pthread_mutex_unlock(&pool->lock);
}
