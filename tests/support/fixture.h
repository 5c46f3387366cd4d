/*
 * What C tests on real servers share.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/arena.h"
#include "lib/base/ctx.h"
#include "lib/base/status.h"
#include "tests/support/control.h"

/* A context with a trace, whose deadline is `ms` away; its arena is emptied by the next
 * fixture_ctx() of the same thread. */
struct ink_ctx *fixture_ctx(int64_t ms);

/* Fails the test with the status's texts unless it has this code. */
void fixture_expect(struct ink_status status, enum ink_code code);

/* Milliseconds since `start` (ink_now()). */
int64_t fixture_elapsed_ms(int64_t start);
