/*
 * News between processes through one Redis channel: a hint that something happened, which may be
 * lost. Redis keeps nothing for whoever does not listen at the moment, so the truth is elsewhere
 * (in PostgreSQL), and a hint only says "look now".
 *
 *     struct ink_pubsub_settings settings = {
 *         .url = redis_url, .channel = "notifications", .heard = wake, .missed = wake_all,
 *         .self = hub};
 *     status = ink_pubsub_new(arena, &settings, &news);
 *     ink_pubsub_publish(news, user_id, strlen(user_id));
 *
 * A thread of its own holds a connection that listens, and one that publishes what it is given: so
 * publishing neither waits nor fails. It connects again, with growing pauses (50 ms to 1 s), and
 * notices within some seconds that a silent server is away. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/macros.h"
#include "lib/base/status.h"

/* How many texts may wait to be published; more are dropped, and counted. */
#define INK_PUBSUB_BACKLOG 4096

struct ink_pubsub;

struct ink_pubsub_settings {
    const char *url;     /* as cache.h's */
    const char *channel; /* all who name the same channel hear each other, and themselves */
    /* Both are called on the thread of the pubsub, one at a time, and must not wait. */
    void (*heard)(void *self, const char *text, size_t size); /* somebody published this */
    void (*missed)(void *self); /* we listen (again): what was said before was not heard */
    void *self;
};

/* Starts the thread. The settings are copied. INVALID_ARGUMENT for a malformed URL, which the
 * message does not repeat. */
struct ink_status ink_pubsub_new(struct ink_arena *arena,
                                 const struct ink_pubsub_settings *settings,
                                 struct ink_pubsub **ret_pubsub) INK_MUST_CHECK;
/* Ends the thread: neither function is called any more. What was not published yet is lost. Accepts
 * NULL. */
void ink_pubsub_free(struct ink_pubsub *pubsub);

/* Has a text published soon. While Redis is away texts wait, up to INK_PUBSUB_BACKLOG. */
void ink_pubsub_publish(struct ink_pubsub *pubsub, const char *text, size_t size);

struct ink_pubsub_stats {
    bool listening;
    uint64_t heard;
    uint64_t published; /* Redis took them */
    uint64_t dropped;   /* there were too many to keep, or the connection broke on the way */
    uint64_t connects;
};
struct ink_pubsub_stats ink_pubsub_stats(struct ink_pubsub *pubsub);
