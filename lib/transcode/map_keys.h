/*
 * Finds a key that a map has twice. Internal to lib/transcode.
 */
#pragma once

#include "lib/base/arena.h"
#include "lib/contract/contract.h"

/* The key as text (in the arena) that two entries of the map share, or NULL. O(n log n). */
const char *ink_map_key_twice(struct ink_arena *arena, const struct ink_field *field,
                              const ProtobufCMessage *message);
