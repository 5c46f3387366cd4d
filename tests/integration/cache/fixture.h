/*
 * What the tests of lib/cache share: a cache on the test's Redis, and a plain connection to look at
 * (and spoil) what it holds.
 */
#pragma once

#include "lib/cache/cache.h"
#include "tests/support/fixture.h"

/* A cache on the test's Redis, unless the settings name another; zero settings are the defaults. */
struct ink_cache *fixture_cache(struct ink_cache_settings settings);

/* The value under `key` as text, or NULL for a miss. `ret_version` may be NULL. */
const char *fixture_get(struct ink_cache *cache, const char *key, int64_t *ret_version);
/* A reader that asks, and offers this unless it finds something. */
bool fixture_offer(struct ink_cache *cache, const char *key, int64_t version, const char *text);
/* A row that changes to this version, and then a reader that offers it. */
bool fixture_put(struct ink_cache *cache, const char *key, int64_t version, const char *text);
bool fixture_invalidate(struct ink_cache *cache, const char *key, int64_t version);

/* Redis's port on 127.0.0.1. */
int fixture_port(void);

/* Sends one command, with `key` for its %s, that must succeed; the reply's number. */
long long fixture_redis(const char *command, const char *key);

/* Empties Redis: a test's set-up. */
int fixture_flush(void **state);

void fixture_sleep(int64_t ms);
