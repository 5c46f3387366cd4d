/*
 * Places in protobuf-c structs: where a field's value lies, whether it is there, and how a list
 * grows in an arena. Internal to lib/transcode.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/contract/contract.h"

static inline void *ink_slot(const struct ink_field *field, const ProtobufCMessage *message)
{
    return (char *)(uintptr_t)message + field->c->offset;
}

/* The length of a list or map. */
static inline size_t *ink_slot_count(const struct ink_field *field, const ProtobufCMessage *message)
{
    return (void *)((char *)(uintptr_t)message + field->c->quantifier_offset);
}

static inline bool ink_slot_in_oneof(const struct ink_field *field)
{
    return (field->c->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

/* The number of the oneof's member that is set, or 0. */
static inline uint32_t *ink_slot_case(const struct ink_field *field,
                                      const ProtobufCMessage *message)
{
    return (void *)((char *)(uintptr_t)message + field->c->quantifier_offset);
}

/* Marks a singular field as present where protobuf-c keeps that apart from the value. */
void ink_slot_mark(const struct ink_field *field, ProtobufCMessage *message);

/* Room for one more element at the end of a list or map, whose count the caller then raises. The
 * room doubles at powers of two, so a list that somebody else allocated must be empty. *ret_bytes
 * is what was allocated. */
void *ink_slot_grow(struct ink_arena *arena, const struct ink_field *field,
                    ProtobufCMessage *message, size_t *ret_bytes);
