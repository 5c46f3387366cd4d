/*
 * Scalar fields of protobuf-c structs from text: numbers, bools, enums, strings and bytes as the
 * proto3 JSON mapping and query parameters write them. Internal to lib/transcode.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"

/* How many bytes a value of this type has in a struct or list. */
size_t ink_scalar_size(ProtobufCType type);

/* Reads a value of `field`'s type (no message) into `slot`. `quoted` tells a JSON string, or plain
 * text, from a JSON number: NaN and the infinities have to be quoted. Returns NULL, or what was
 * expected as a sentence part ("must be ..."), a constant or in the arena.
 *
 * A NUL in a string is found, UTF-8 is not checked. */
const char *ink_scalar_read(struct ink_arena *arena, const ProtobufCFieldDescriptor *field,
                            const char *text, size_t size, bool quoted, void *slot);

#define INK_NUL_REFUSED "NUL is not allowed"
