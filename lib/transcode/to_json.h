/*
 * Messages into JSON by the proto3 JSON mapping, driven by descriptors and appended straight to a
 * buffer: lowerCamelCase names in the order of the .proto file, no white space, 64-bit integers as
 * strings, the shortest text of a float that reads back the same, "NaN" and "Infinity" as strings,
 * bytes as base64, enums by name (unknown numbers as numbers), maps as objects, and the well-known
 * types in their own forms. Fields with zero values are written; absent messages, oneof members and
 * proto2 optionals are left out.
 *
 * A message that has no JSON form (a Timestamp out of range, an Any of a type that the contract
 * does not know, a FieldMask path that does not survive camelCase, nesting deeper than
 * INK_JSON_DEPTH) is INTERNAL with a cause that names the field; the buffer is then as it was
 * before the call. Bytes of a text that are not UTF-8 come out as U+FFFD.
 *
 * Thread-safe as long as each thread has its own arena and buffer. The arena holds what an Any
 * unpacks to, and causes. The process must keep the "C" locale.
 */
#pragma once

#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/status.h"
#include "lib/contract/contract.h"

/* Objects and arrays that may be open at once: more than are read (INK_JSON_DEPTH), because empty
 * lists are written that were not there. */
#define INK_TO_JSON_DEPTH 100

enum ink_to_json_flags {
    INK_TO_JSON_OMIT_ZERO = 1,   /* leave out zero values, empty lists and empty maps */
    INK_TO_JSON_PROTO_NAMES = 2, /* created_at instead of createdAt */
};

/* Appends `message`, which is of `type`, without fields that travel in a header. `flags` are of
 * enum ink_to_json_flags, 0 for none. */
struct ink_status ink_to_json(const struct ink_contract *contract, struct ink_arena *arena,
                              const struct ink_message *type, const ProtobufCMessage *message,
                              unsigned flags, struct ink_buf *out) INK_MUST_CHECK;

/* Appends the value of one field alone (`response_body` in google.api.http): a list is a bare JSON
 * array, an absent message is null. */
struct ink_status ink_to_json_field(const struct ink_contract *contract, struct ink_arena *arena,
                                    const struct ink_field *field, const ProtobufCMessage *message,
                                    unsigned flags, struct ink_buf *out) INK_MUST_CHECK;
