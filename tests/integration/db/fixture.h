/*
 * What the tests of lib/db share: a pool on the test's server, and contexts with a deadline.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/arena.h"
#include "lib/base/ctx.h"
#include "lib/db/db.h"
#include "tests/support/control.h"

/* A pool on the test's PostgreSQL; zero settings are the defaults. */
struct ink_db *fixture_pool(struct ink_db_settings settings);

/* A context whose deadline is `ms` away; its arena is emptied by the next fixture_ctx() of the same
 * thread. */
struct ink_ctx *fixture_ctx(int64_t ms);

/* Runs SQL that must succeed. */
void fixture_run(struct ink_db *db, const struct ink_db_statement *statement);

/* Fails the test with the status's texts unless it has this code. */
void fixture_expect(struct ink_status status, enum ink_code code);

/* Milliseconds since `start` (ink_now()). */
int64_t fixture_elapsed_ms(int64_t start);

/* Asks until the database answers again; fails the test after `ms`. */
void fixture_await(struct ink_db *db, int64_t ms);

/* Runs `body(arg)` in `count` threads and waits for all. */
void fixture_threads(int count, void *(*body)(void *), void *arg);
