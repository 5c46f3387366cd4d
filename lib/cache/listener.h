/*
 * A thread that keeps one connection to Redis and listens to what comes over it. It connects again,
 * with growing pauses (from 50 ms), and asks the server now and then whether it is there:
 * one that does not answer in time is left. Inside lib/cache only.
 *
 * All functions are called on the listener's thread, one at a time, and must not wait for long.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/cache/conn.h"

struct ink_listener;

struct ink_listener_settings {
    const struct ink_cache_url *url; /* the caller's, for as long as the listener lives */
    int64_t ping_ms;          /* how often the server is asked, and how long it has to answer */
    int64_t longest_pause_ms; /* before it connects again; 0 means 1000 */
    /* A new connection: subscribe to something. False closes it. */
    bool (*connected)(void *self, struct ink_cache_conn *conn);
    /* The connection is gone, or could not be made. */
    void (*closed)(void *self);
    /* Something was pushed, or answered. */
    void (*heard)(void *self, const redisReply *reply);
    /* The server answered what it was asked at `asked` (ink_now()). May be NULL. */
    void (*alive)(void *self, int64_t asked);
    /* Before each wait, and after ink_listener_wake(). False closes the connection. May be NULL. */
    bool (*turn)(void *self);
    void *self;
};

/* Starts the thread. The settings are copied. */
struct ink_listener *ink_listener_new(const struct ink_listener_settings *settings);
/* Ends the thread. Accepts NULL. */
void ink_listener_free(struct ink_listener *listener);
/* Has turn() called soon. Thread-safe. */
void ink_listener_wake(struct ink_listener *listener);

/* Sends one command on a connection. */
bool ink_listener_send(struct ink_cache_conn *conn, int argc,
                       const char *const *argv) INK_MUST_CHECK;
/* How long one exchange may take on a new connection. */
int64_t ink_listener_deadline(void);
