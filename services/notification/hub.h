/*
 * Who in this process waits for news of which user. A stream joins, and is woken when something was
 * told to its user, here or (through Redis) at another replica. Thread-safe.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/status.h"
#include "lib/base/uuid.h"

struct notification_hub;

/* At most `most` may wait at once, and `most_per_user` for one user. */
struct notification_hub *notification_hub_new(size_t most, size_t most_per_user) INK_MUST_CHECK;
/* Nobody may wait any more. Accepts NULL. */
void notification_hub_free(struct notification_hub *hub);

/* One who waits. Embedded by value; read no field but through the functions below. */
struct notification_watch {
    char user_id[INK_UUID_SIZE];
    bool woken;
    pthread_cond_t changed;
    struct notification_watch *previous, *next;
};

/* RESOURCE_EXHAUSTED, with a reason, when there are too many: of this user's
 * (TOO_MANY_OWN_STREAMS), or in all (SERVER_OVERLOADED). News from now on wake the watch, also
 * while it does not wait. */
struct ink_status notification_hub_join(struct notification_hub *hub,
                                        struct notification_watch *watch,
                                        const char *user_id) INK_MUST_CHECK;
void notification_hub_leave(struct notification_hub *hub, struct notification_watch *watch);

/* Waits up to `timeout_ms` for news. True when there was some since the last call. */
bool notification_hub_wait(struct notification_hub *hub, struct notification_watch *watch,
                           int64_t timeout_ms);

/* Wakes those who wait for news of a user; or, for NULL, all. Never waits. */
void notification_hub_wake(struct notification_hub *hub, const char *user_id);

/* How many wait. */
size_t notification_hub_count(struct notification_hub *hub);
