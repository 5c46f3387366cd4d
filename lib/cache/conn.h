/*
 * One connection to Redis: hiredis for the protocol, poll() for the time. Inside lib/cache only; a
 * connection belongs to one thread at a time.
 */
#pragma once

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/macros.h"
#include "lib/cache/url.h"

/* What the server runs for us. */
enum ink_cache_script {
    INK_CACHE_SCRIPT_LEASE, /* entry.h, as the next two */
    INK_CACHE_SCRIPT_PUT,
    INK_CACHE_SCRIPT_MARK,
    INK_CACHE_SCRIPT_TAKE,  /* buckets.h */
    INK_CACHE_SCRIPT_SWEEP, /* sweep.h */
    INK_CACHE_N_SCRIPTS,
};
extern const char ink_cache_take_script[];
extern const char *const ink_cache_scripts[INK_CACHE_N_SCRIPTS];

struct ink_cache_conn {
    redisContext *redis;
    char scripts[INK_CACHE_N_SCRIPTS][41]; /* the SHA-1s by which the server knows them */
    char run_id[41]; /* of the server, another one after each start; "" when it does not tell */
    struct ink_cache_conn *next;
};

void ink_cache_reply_free(redisReply **reply);
#define INK_REPLY INK_CLEANUP(ink_cache_reply_free) redisReply

/* Connects, logs in and selects the database until `deadline`. NULL when that failed. */
struct ink_cache_conn *ink_cache_conn_open(const struct ink_cache_url *url, int64_t deadline);
void ink_cache_conn_close(struct ink_cache_conn *conn);

/* Whether an idle connection still looks good; asks the kernel only. */
bool ink_cache_conn_alive(const struct ink_cache_conn *conn);

/* Adds one command to a request. */
void ink_cache_add_command(struct ink_buf *request, int argc, const char *const *argv,
                           const size_t *sizes);

/* Sends a request that has any number of commands; then take as many replies. False when the
 * connection is of no more use. */
bool ink_cache_conn_send(struct ink_cache_conn *conn, const struct ink_buf *request,
                         int64_t deadline) INK_MUST_CHECK;
/* NULL when the connection is of no more use. */
redisReply *ink_cache_conn_reply(struct ink_cache_conn *conn, int64_t deadline) INK_MUST_CHECK;
