/*
 * What the tests of lib/db share: a pool on the test's server.
 */
#pragma once

#include "lib/db/db.h"
#include "tests/support/fixture.h"

/* A pool on the test's PostgreSQL; zero settings are the defaults. */
struct ink_db *fixture_pool(struct ink_db_settings settings);

/* Runs SQL that must succeed. */
void fixture_run(struct ink_db *db, const struct ink_db_statement *statement);

/* Asks until the database answers again; fails the test after `ms`. */
void fixture_await(struct ink_db *db, int64_t ms);

/* Runs `body(arg)` in `count` threads and waits for all. */
void fixture_threads(int count, void *(*body)(void *), void *arg);
