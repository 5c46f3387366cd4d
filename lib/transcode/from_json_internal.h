/*
 * What the two halves of from_json share: the state of one body and the functions that call each
 * other across files. Internal to lib/transcode.
 *
 * All `read_*` functions return false after an error, which is then in the reader (malformed JSON)
 * or in `status` (a value that does not fit).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/transcode/from_json.h"
#include "lib/transcode/json_reader.h"
#include "lib/transcode/place.h"

struct ink_from {
    struct ink_json_reader reader;
    struct ink_arena *arena;
    const struct ink_contract *contract;
    struct ink_status status;
    size_t memory;                /* used so far of INK_FROM_JSON_MEMORY */
    struct ink_json_paths *paths; /* which fields were there; NULL when nobody asks */
    const struct ink_place *root; /* those paths start below it */
};

/* INVALID_ARGUMENT at `place`; false, so that it can be returned. */
bool ink_from_fail(struct ink_from *from, const struct ink_place *place, const char *format, ...)
    INK_PRINTF(3, 4);

/* Counts memory; false when the body asks for too much. */
bool ink_from_count(struct ink_from *from, size_t bytes);

/* Whether the next value is of this kind; else "must be `what`". */
bool ink_from_expect(struct ink_from *from, const struct ink_place *place, enum ink_json_kind kind,
                     const char *what);

/* A message of any type, well-known ones included. */
bool ink_from_message(struct ink_from *from, const struct ink_message *type,
                      const struct ink_place *place, ProtobufCMessage **ret_message);

/* The members of an object into `message`, of which `skip` (or NULL: none) is passed over once.
 * With `leaves` the fields that are there are added to from->paths. */
bool ink_from_object(struct ink_from *from, const struct ink_message *type,
                     ProtobufCMessage *message, const char *skip, bool leaves,
                     const struct ink_place *place);

/* One field's value, which is not null. */
bool ink_from_field(struct ink_from *from, const struct ink_field *field, ProtobufCMessage *message,
                    bool leaves, const struct ink_place *place);

/* A well-known type's own form into `message`. */
bool ink_from_well_known(struct ink_from *from, const struct ink_message *type,
                         ProtobufCMessage *message, const struct ink_place *place);

/* A string or number into a scalar slot, as `field` says. */
bool ink_from_scalar(struct ink_from *from, const struct ink_field *field, void *slot,
                     const struct ink_place *place);
