/*
 * What the cache does before its first read or write: values that Redis has from before this
 * process become marks of their versions. A process that died may have owed Redis invalidations (it
 * was away, or too slow), and those died with it; so what it left is read again from the rows.
 * Marks are replaced as well: what was read before, by whomever, and is still on its way to Redis,
 * may be as old, and finds the mark of its lease gone. Inside lib/cache only.
 */
#pragma once

#include "lib/cache/pool.h"

/* Lua: ARGV[1] is where to go on among all keys ("0": begin), ARGV[2] the pattern of those to look
 * at, ARGV[3] the random digits of the marks. Returns where to go on, "0" at the end. */
extern const char ink_cache_sweep_script[];

enum ink_sweep { INK_SWEEP_DONE, INK_SWEEP_MORE, INK_SWEEP_FAILED };

/* Some of it, unless it is done or another call is at it. DONE: what is read now can be trusted. */
enum ink_sweep ink_cache_sweep(struct ink_cache_call *call) INK_MUST_CHECK;
/* All of it once more: invalidations were forgotten, or Redis is another one. With the cache's lock
 * held. */
void ink_cache_sweep_again(struct ink_cache *cache);
