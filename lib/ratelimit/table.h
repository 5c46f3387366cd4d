/*
 * Times by key, in a table of fixed size: where a set of places is full, the earliest time gives
 * way. Keys are told apart by 64 bits of a hash that is seeded at random, so nobody can choose keys
 * that meet. Inside lib/ratelimit only; the caller brings the locking.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/macros.h"

struct ink_time_table;

/* With `size` places, a power of two. */
struct ink_time_table *ink_time_table_new(size_t size) INK_MUST_CHECK;
void ink_time_table_free(struct ink_time_table *table);

/* The time of a key, or 0. */
int64_t ink_time_table_get(const struct ink_time_table *table, const char *key);
void ink_time_table_set(struct ink_time_table *table, const char *key, int64_t time);
