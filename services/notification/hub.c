#include "services/notification/hub.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/cond.h"

#define N_BUCKETS 256
#define RETRY_MS 5000

struct notification_hub {
    size_t most, most_per_user;
    pthread_mutex_t lock; /* guards all below, and all watches that joined */
    size_t count;
    struct notification_watch *buckets[N_BUCKETS]; /* by the user's id */
};

struct notification_hub *notification_hub_new(size_t most, size_t most_per_user)
{
    struct notification_hub *hub = ink_calloc(1, sizeof(*hub));
    hub->most = most;
    hub->most_per_user = most_per_user;
    pthread_mutex_init(&hub->lock, NULL);
    return hub;
}

void notification_hub_free(struct notification_hub *hub)
{
    if (hub == NULL)
        return;
    pthread_mutex_destroy(&hub->lock);
    free(hub);
}

/* FNV-1a. */
static struct notification_watch **bucket_of(struct notification_hub *hub, const char *user_id)
{
    uint32_t hash = 2166136261u;
    for (; *user_id != '\0'; user_id++)
        hash = (hash ^ (unsigned char)*user_id) * 16777619u;
    return &hub->buckets[hash % N_BUCKETS];
}

static void init_watch(struct notification_watch *watch, const char *user_id)
{
    *watch = (struct notification_watch){0};
    strncpy(watch->user_id, user_id, sizeof(watch->user_id) - 1);
    pthread_cond_init(&watch->changed, NULL);
}

static struct ink_status too_many_own(void)
{
    struct ink_status status = ink_error(INK_RESOURCE_EXHAUSTED, "you have too many streams open");
    status.reason = "TOO_MANY_OWN_STREAMS";
    status.retry_after_ms = RETRY_MS;
    return status;
}

/* With the lock held. */
static struct ink_status check_room(const struct notification_hub *hub,
                                    const struct notification_watch *bucket, const char *user_id)
{
    size_t own = 0;
    for (const struct notification_watch *w = bucket; w != NULL; w = w->next)
        own += strcmp(w->user_id, user_id) == 0;
    if (own >= hub->most_per_user)
        return too_many_own();
    if (hub->count >= hub->most)
        return ink_overloaded("too many streams are open", RETRY_MS);
    return ink_ok();
}

struct ink_status notification_hub_join(struct notification_hub *hub,
                                        struct notification_watch *watch, const char *user_id)
{
    struct notification_watch **bucket = bucket_of(hub, user_id);
    pthread_mutex_lock(&hub->lock);
    struct ink_status status = check_room(hub, *bucket, user_id);
    if (ink_is_ok(status)) {
        init_watch(watch, user_id);
        watch->next = *bucket;
        if (watch->next != NULL)
            watch->next->previous = watch;
        *bucket = watch;
        hub->count++;
    }
    pthread_mutex_unlock(&hub->lock);
    return status;
}

void notification_hub_leave(struct notification_hub *hub, struct notification_watch *watch)
{
    pthread_mutex_lock(&hub->lock);
    if (watch->previous != NULL)
        watch->previous->next = watch->next;
    else
        *bucket_of(hub, watch->user_id) = watch->next;
    if (watch->next != NULL)
        watch->next->previous = watch->previous;
    hub->count--;
    pthread_mutex_unlock(&hub->lock);
    pthread_cond_destroy(&watch->changed);
}

bool notification_hub_wait(struct notification_hub *hub, struct notification_watch *watch,
                           int64_t timeout_ms)
{
    int64_t end = ink_now() + timeout_ms * INK_MILLISECOND;
    pthread_mutex_lock(&hub->lock);
    while (!watch->woken && ink_cond_wait_until(&watch->changed, &hub->lock, end))
        ;
    bool woken = watch->woken;
    watch->woken = false;
    pthread_mutex_unlock(&hub->lock);
    return woken;
}

/* With the lock held. */
static void wake_bucket(struct notification_watch *bucket, const char *user_id)
{
    for (struct notification_watch *watch = bucket; watch != NULL; watch = watch->next) {
        if (user_id != NULL && strcmp(watch->user_id, user_id) != 0)
            continue;
        watch->woken = true;
        pthread_cond_signal(&watch->changed);
    }
}

void notification_hub_wake(struct notification_hub *hub, const char *user_id)
{
    pthread_mutex_lock(&hub->lock);
    if (user_id != NULL)
        wake_bucket(*bucket_of(hub, user_id), user_id);
    else
        for (size_t i = 0; i < N_BUCKETS; i++)
            wake_bucket(hub->buckets[i], NULL);
    pthread_mutex_unlock(&hub->lock);
}

size_t notification_hub_count(struct notification_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    size_t count = hub->count;
    pthread_mutex_unlock(&hub->lock);
    return count;
}
