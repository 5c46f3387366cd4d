#include "lib/mesh/health.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/cond.h"
#include "lib/log/log.h"

/* What is remembered of a failed check's message. */
#define MESSAGE_MAX 128
#define PERIOD_SECONDS 1

struct check {
    const char *name;
    bool needed;
    ink_mesh_check_fn *ask;
    void *self;
    struct check *next;
    /* Of the last round, under the lock. */
    bool ok;
    char message[MESSAGE_MAX];
};

struct ink_mesh_health {
    struct check *checks, **last;
    ink_mesh_told_fn *told;
    void *self;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t stopped;
    bool asked;
    bool stopping;
};

struct ink_mesh_health *ink_mesh_health_new(void)
{
    struct ink_mesh_health *health = ink_calloc(1, sizeof(*health));
    health->last = &health->checks;
    pthread_mutex_init(&health->lock, NULL);
    pthread_cond_init(&health->stopped, NULL);
    return health;
}

void ink_mesh_health_free(struct ink_mesh_health *health)
{
    if (health == NULL)
        return;
    ink_mesh_health_join(health);
    while (health->checks != NULL) {
        struct check *check = health->checks;
        health->checks = check->next;
        free(check);
    }
    pthread_cond_destroy(&health->stopped);
    pthread_mutex_destroy(&health->lock);
    free(health);
}

void ink_mesh_health_add(struct ink_mesh_health *health, const char *name, bool needed,
                         ink_mesh_check_fn *ask, void *self)
{
    struct check *check = ink_calloc(1, sizeof(*check));
    *check = (struct check){.name = name, .needed = needed, .ask = ask, .self = self, .ok = true};
    *health->last = check;
    health->last = &check->next;
}

static void tell(const struct check *check, struct ink_status status)
{
    if (ink_is_ok(status))
        ink_log(INK_LOG_INFO, NULL, "check passes again", INK_LOG_STR("check", check->name));
    else
        ink_log(INK_LOG_WARN, NULL, "check fails", INK_LOG_STR("check", check->name),
                INK_LOG_BOOL("needed", check->needed), INK_LOG_STATUS(status));
}

static void ask(struct ink_mesh_health *health, struct check *check, struct ink_arena *arena)
{
    struct ink_status status = check->ask(check->self, arena);
    const char *message = status.message != NULL ? status.message : ink_code_name(status.code);
    bool was = check->ok; /* only this thread writes it */
    pthread_mutex_lock(&health->lock);
    check->ok = ink_is_ok(status);
    snprintf(check->message, sizeof(check->message), "%s", message);
    pthread_mutex_unlock(&health->lock);
    if (was != ink_is_ok(status))
        tell(check, status);
}

bool ink_mesh_health_round(struct ink_mesh_health *health)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    for (struct check *check = health->checks; check != NULL; check = check->next)
        ask(health, check, &arena);
    ink_arena_release(&arena);
    pthread_mutex_lock(&health->lock);
    health->asked = true;
    pthread_mutex_unlock(&health->lock);
    return ink_mesh_health_ready(health);
}

/* Waits for the next round. False when there is none. */
static bool pause_between_rounds(struct ink_mesh_health *health)
{
    int64_t end = ink_now() + PERIOD_SECONDS * INK_SECOND;
    pthread_mutex_lock(&health->lock);
    while (!health->stopping && ink_cond_wait_until(&health->stopped, &health->lock, end))
        ;
    bool more = !health->stopping;
    pthread_mutex_unlock(&health->lock);
    return more;
}

static void *make_rounds(void *arg)
{
    struct ink_mesh_health *health = arg;
    do
        health->told(health->self, ink_mesh_health_round(health));
    while (pause_between_rounds(health));
    return NULL;
}

void ink_mesh_health_start(struct ink_mesh_health *health, ink_mesh_told_fn *told, void *self)
{
    health->told = told;
    health->self = self;
    health->started = true;
    if (pthread_create(&health->thread, NULL, make_rounds, health) != 0)
        abort();
}

void ink_mesh_health_stop(struct ink_mesh_health *health)
{
    pthread_mutex_lock(&health->lock);
    health->stopping = true;
    pthread_cond_signal(&health->stopped);
    pthread_mutex_unlock(&health->lock);
}

void ink_mesh_health_join(struct ink_mesh_health *health)
{
    ink_mesh_health_stop(health);
    if (health->started)
        pthread_join(health->thread, NULL);
    health->started = false;
}

/* The status in a word; the lock is held. */
static const char *word(const struct ink_mesh_health *health, bool *ret_ready)
{
    *ret_ready = false;
    if (health->stopping)
        return "stopping";
    if (!health->asked)
        return "starting";
    for (const struct check *check = health->checks; check != NULL; check = check->next)
        if (check->needed && !check->ok)
            return "not ready";
    *ret_ready = true;
    return "ready";
}

bool ink_mesh_health_ready(struct ink_mesh_health *health)
{
    bool ready;
    pthread_mutex_lock(&health->lock);
    word(health, &ready);
    pthread_mutex_unlock(&health->lock);
    return ready;
}

static void put_checks(const struct ink_mesh_health *health, struct ink_buf *out)
{
    for (const struct check *check = health->checks; check != NULL; check = check->next) {
        const char *message = check->ok ? "ok" : check->message;
        ink_buf_puts(out, check == health->checks ? "" : ",");
        ink_buf_json_string(out, check->name, strlen(check->name));
        ink_buf_putc(out, ':');
        ink_buf_json_string(out, message, strlen(message));
    }
}

bool ink_mesh_health_write(struct ink_mesh_health *health, struct ink_buf *out)
{
    bool ready;
    pthread_mutex_lock(&health->lock);
    ink_buf_printf(out, "{\"status\":\"%s\",\"checks\":{", word(health, &ready));
    if (health->asked)
        put_checks(health, out);
    ink_buf_puts(out, "}}\n");
    pthread_mutex_unlock(&health->lock);
    return ready;
}
