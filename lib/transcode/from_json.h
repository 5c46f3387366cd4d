/*
 * JSON into messages by the proto3 JSON mapping, driven by descriptors: the body, path and query of
 * an HTTP request become protobuf-c structs whose memory, strings included, is the arena's.
 *
 * Stricter than the mapping asks, because a client's mistake is better named than guessed at:
 * unknown fields, a field given twice (also once by each of its names), two members of a oneof, a
 * map key given twice, and NUL in any text are refused. All of the mapping is accepted: camelCase
 * and original names, numbers as strings, integers as 1.0 or 1e2, null for absent, and the
 * well-known types; google.protobuf.Any takes the types of the contract.
 *
 * Errors are INVALID_ARGUMENT with one violation. Its field is the proto path of the value, as in
 * google.rpc.BadRequest ("items[2].created_at", "labels[\"a\"].name"; "" when the JSON itself is
 * malformed, with line and column in the message); an unknown member stands there as it was
 * written. ink_path_to_json() in problem.h makes the JSON form of a path. A body whose message
 * would need more than INK_FROM_JSON_MEMORY is RESOURCE_EXHAUSTED. *ret_... are untouched on
 * failure.
 *
 * The functions are thread-safe as long as each thread has its own arena. Numbers are read by
 * strtod(): the process must keep the "C" locale that every C program starts in.
 */
#pragma once

#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/status.h"
#include "lib/contract/contract.h"

/* What one body may take in structs and lists (not texts, which its size bounds): a few bytes of
 * JSON, as in [{},{},{}], can ask for hundreds. */
#define INK_FROM_JSON_MEMORY (64u << 20)

/* Which fields a body had, as paths for a FieldMask: the proto names of its leaves in the order of
 * the body ("title", "author.name"). A list, a map, a well-known type, an empty object and a null
 * are leaves. The paths live in the arena. */
struct ink_json_paths {
    char **paths;
    size_t count;
};

/* Reads one message of `type`. */
struct ink_status ink_from_json(const struct ink_contract *contract, struct ink_arena *arena,
                                const struct ink_message *type, const char *json, size_t size,
                                ProtobufCMessage **ret_message) INK_MUST_CHECK;

/* The same, and tells which fields were there. */
struct ink_status ink_from_json_paths(const struct ink_contract *contract, struct ink_arena *arena,
                                      const struct ink_message *type, const char *json, size_t size,
                                      struct ink_json_paths *ret_paths,
                                      ProtobufCMessage **ret_message) INK_MUST_CHECK;

/* Reads the JSON value of one field (`body: "field"` in google.api.http) into `message`, which is
 * of the field's parent type and in which the field is not yet set. Paths of violations start with
 * the field's name; *ret_paths (or NULL) are relative to the field's message. On failure the
 * field's content is unspecified. */
struct ink_status ink_from_json_field(const struct ink_contract *contract, struct ink_arena *arena,
                                      const struct ink_field *field, const char *json, size_t size,
                                      struct ink_json_paths *ret_paths,
                                      ProtobufCMessage *message) INK_MUST_CHECK;

/* Reads plain text (a path segment or a query parameter, decoded) into a field of `message`, which
 * is of the field's parent type: scalars, enums by name or number, bytes as base64 of either
 * alphabet, "true" and "false", wrappers, Timestamp, Duration and FieldMask. A repeated field gets
 * one more element (its list must come from this module or be empty); maps and other messages are
 * refused, and so is a second member of a oneof. Whether a singular field was set before is the
 * caller's to know. `path` names the field in a violation; NULL means its own name. */
struct ink_status ink_field_from_text(struct ink_arena *arena, const struct ink_field *field,
                                      const char *text, size_t size, const char *path,
                                      ProtobufCMessage *message) INK_MUST_CHECK;

/* Makes an empty message of `type`. Never NULL. */
ProtobufCMessage *ink_message_new(struct ink_arena *arena,
                                  const struct ink_message *type) INK_MUST_CHECK;

/* The message that a singular message field of `message` points to, made empty and put there (with
 * the oneof's case) when it was absent: the way down to "a.b.c". Refused, with `path` (NULL: the
 * field's name) as the violation's field, when another member of its oneof is set. */
struct ink_status ink_field_message(struct ink_arena *arena, const struct ink_field *field,
                                    const char *path, ProtobufCMessage *message,
                                    ProtobufCMessage **ret_child) INK_MUST_CHECK;
