/*
 * What unit tests share that need an arena and nothing else.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/arena.h"

/* Empty when the test or the group of tests begins that it is set up for. */
extern struct ink_arena arena;

int arena_set_up(void **state);
int arena_tear_down(void **state);

/* A test with an arena of its own. */
#define ARENA_TEST(name) cmocka_unit_test_setup_teardown(name, arena_set_up, arena_tear_down)
