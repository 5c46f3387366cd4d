/*
 * Passwords: bcrypt (`$2b$`, by libxcrypt) on a pool of threads of its own. Hashing is slow on
 * purpose, so it must not run on the threads that serve everything else: the pool bounds how many
 * are computed at once and how many wait; beyond that callers are told to come back later.
 *
 * bcrypt reads no more than 72 bytes. A longer password is refused when it is set and never matches
 * when it is checked; it is never cut. A password is a C string: whoever reads it off the wire has
 * refused NUL bytes before.
 *
 * No copy of a password is made, and what bcrypt worked on is wiped. All functions are thread-safe;
 * hash and verify block until their work is done.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"

#define INK_PASSWORD_MAX 72 /* bytes */
#define INK_PASSWORD_COST_MIN 4
#define INK_PASSWORD_COST_MAX 16
#define INK_PASSWORD_COST_DEFAULT 10

struct ink_password_pool;

struct ink_password_options {
    unsigned cost;       /* 2^cost rounds; 0 means INK_PASSWORD_COST_DEFAULT */
    unsigned threads;    /* how many hashes at once, at most 256; 0 means one a processor */
    unsigned queue;      /* how many may wait besides those; 0 means 64 a thread */
    int64_t patience_ms; /* a call that would wait longer, by what hashes took lately, is refused as
                            if the queue were full; 0 means that it waits */
};

/* Starts the threads. INVALID_ARGUMENT, naming the setting, for a cost out of bounds. */
struct ink_status ink_password_pool_new(const struct ink_password_options *options,
                                        struct ink_arena *arena,
                                        struct ink_password_pool **ret_pool) INK_MUST_CHECK;
/* Ends the threads. No call may be under way. Accepts NULL. */
void ink_password_pool_free(struct ink_password_pool *pool);

/* Whether a password would be taken now, for callers that have work to do before they need its
 * hash: RESOURCE_EXHAUSTED as below. Others may come in between. */
struct ink_status ink_password_admit(struct ink_password_pool *pool) INK_MUST_CHECK;

/*
 * Hashes a password; the hash (60 characters) lives in ctx->arena. Errors:
 *   INVALID_ARGUMENT    over INK_PASSWORD_MAX bytes: a violation on the field `password`
 *   RESOURCE_EXHAUSTED  the queue is full or too slow, with retry_after_ms and the reason
 * SERVER_OVERLOADED CANCELLED, DEADLINE_EXCEEDED  while it waited in the queue; it was then not
 * started
 */
struct ink_status ink_password_hash(struct ink_password_pool *pool, const struct ink_ctx *ctx,
                                    const char *password, const char **ret_hash) INK_MUST_CHECK;

/*
 * Whether `hash` was made of `password`. Without a hash (NULL: there is no such account) and for a
 * password that is too long, the same work is done and the answer is no, so that neither the answer
 * nor its time tells which it was. Errors are those of ink_password_hash() but for the length, and
 * INTERNAL for a hash that is not bcrypt's.
 */
struct ink_status ink_password_verify(struct ink_password_pool *pool, const struct ink_ctx *ctx,
                                      const char *password, const char *hash,
                                      bool *ret_match) INK_MUST_CHECK;

/* Whether `hash` was made at another cost than the pool's: make a new one while the password is at
 * hand. */
bool ink_password_outdated(const struct ink_password_pool *pool, const char *hash);

/* For metrics, as of now. */
struct ink_password_stats {
    unsigned threads;
    unsigned running;  /* hashes being computed */
    unsigned waiting;  /* in the queue */
    uint64_t computed; /* since the start: hashes that bcrypt has computed */
    uint64_t refused;  /* because the queue was full */
};
void ink_password_pool_stats(struct ink_password_pool *pool, struct ink_password_stats *ret_stats);
