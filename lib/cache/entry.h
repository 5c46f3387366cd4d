/*
 * What lies in Redis under a key: 19 digits of version, then '1' and a value, or '0' and 16 random
 * digits for the mark of an invalidation or of a read that missed. The first INK_ENTRY_HEAD bytes
 * are ordered as text just as they replace each other: a newer version an older one, and a value
 * the mark of its own version. The random digits tell a mark from one that was made anew after
 * Redis had forgotten the first. Inside lib/cache only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INK_ENTRY_HEAD 20
#define INK_ENTRY_RANDOM 16
#define INK_ENTRY_MARK (INK_ENTRY_HEAD + INK_ENTRY_RANDOM)

/* Lua: what lies under KEYS[1], when that is one of ours; else it is now the mark ARGV[1], for
 * ARGV[2] milliseconds. */
extern const char ink_cache_lease_script[];
/* Lua: KEYS[1] takes the entry ARGV[1] for ARGV[2] milliseconds if it has the mark ARGV[3]. Returns
 * 1 when it did. */
extern const char ink_cache_put_script[];
/* Lua: KEYS take marks, whose heads are ARGV[3] and so on and whose random digits ARGV[2], for
 * ARGV[1] milliseconds, unless what they have is not older. One that Redis has no room for is not
 * needed either, once the value is gone. Returns how many keys there were. */
extern const char ink_cache_mark_script[];

/* Writes the head of an entry and a NUL. `version` is not negative. */
void ink_entry_head(int64_t version, bool is_value, char out[INK_ENTRY_HEAD + 1]);
/* Writes the random digits of a mark, and a NUL. */
void ink_entry_random(char out[INK_ENTRY_RANDOM + 1]);
/* True for a value, whose version is then in *ret_version; false for a mark or for something that
 * this module did not write. */
bool ink_entry_read(const char *entry, size_t size, int64_t *ret_version);
/* True for a mark with its random digits. */
bool ink_entry_is_mark(const char *entry, size_t size);
