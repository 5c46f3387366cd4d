/*
 * What lies in Redis under a key: 19 digits of version, '1' for a value or '0' for the mark of an
 * invalidation, then the value. Such heads are ordered as text just as they replace each other: a
 * newer version an older one, and a value the mark of its own version. Inside lib/cache only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INK_ENTRY_HEAD 20

/* Lua: KEYS[1] takes the entry ARGV[1] for ARGV[2] milliseconds unless its head is not greater than
 * the present one's. Returns 1 when it was stored. */
extern const char ink_cache_put_script[];

/* Writes the head of an entry and a NUL. `version` is not negative. */
void ink_entry_head(int64_t version, bool is_value, char out[INK_ENTRY_HEAD + 1]);
/* True for a value, whose version is then in *ret_version; false for a mark or for something that
 * this module did not write. */
bool ink_entry_read(const char *entry, size_t size, int64_t *ret_version);
