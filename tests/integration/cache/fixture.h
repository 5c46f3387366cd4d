/*
 * What the tests of lib/cache share: contexts, a cache on the test's Redis, and a plain connection
 * to look at (and spoil) what it holds.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/arena.h"
#include "lib/base/ctx.h"
#include "lib/cache/cache.h"
#include "tests/support/control.h"

/* A context whose deadline is `ms` away; its arena is emptied by the next call of the same thread.
 */
struct ink_ctx *fixture_ctx(int64_t ms);

/* A cache on the test's Redis, unless the settings name another; zero settings are the defaults. */
struct ink_cache *fixture_cache(struct ink_cache_settings settings);

/* The value under `key` as text, or NULL for a miss. `ret_version` may be NULL. */
const char *fixture_get(struct ink_cache *cache, const char *key, int64_t *ret_version);
bool fixture_put(struct ink_cache *cache, const char *key, int64_t version, const char *text);
bool fixture_invalidate(struct ink_cache *cache, const char *key, int64_t version);

/* Redis's port on 127.0.0.1. */
int fixture_port(void);

/* Sends one command, with `key` for its %s, that must succeed; the reply's number. */
long long fixture_redis(const char *command, const char *key);

/* Empties Redis: a test's set-up. */
int fixture_flush(void **state);

/* Milliseconds since `start` (ink_now()). */
int64_t fixture_elapsed_ms(int64_t start);
void fixture_sleep(int64_t ms);
