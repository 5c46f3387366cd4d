/*
 * What must be known of a serialized message before protobuf-c unpacks it, because afterwards it
 * cannot be seen or it is too late:
 * - a NUL inside a text: protobuf-c makes a C string of it, which ends there for every reader;
 * - messages nested without end: protobuf-c recurses for each level and has no limit.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/status.h"
#include "lib/contract/contract.h"

/* INK_OK, or INVALID_ARGUMENT with a violation for each text that contains NUL (at most
 * INK_VALIDATE_MAX_VIOLATIONS) or for the first message that is nested deeper than
 * INK_VALIDATE_MAX_DEPTH. Bytes that are not a protobuf message are INVALID_ARGUMENT too. Fields
 * that are not in the contract are skipped. Takes no memory when all is well; thread-safe. */
struct ink_status ink_validate_wire(struct ink_arena *arena, const struct ink_message *type,
                                    const uint8_t *data, size_t size) INK_MUST_CHECK;
