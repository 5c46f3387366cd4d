/*
 * What the two halves of to_json share. Internal to lib/transcode.
 *
 * The `ink_to_*` functions return false after an error, which is then in `status`.
 */
#pragma once

#include <stdbool.h>

#include "lib/transcode/place.h"
#include "lib/transcode/to_json.h"

struct ink_to {
    const struct ink_contract *contract;
    struct ink_arena *arena;
    struct ink_buf *out;
    unsigned flags;
    unsigned depth; /* open objects and arrays */
    struct ink_status status;
};

/* INTERNAL with `cause`; false, so that it can be returned. */
bool ink_to_fail(struct ink_to *to, const struct ink_place *place, const char *cause);

/* Opens an object or array; false when that is one too many. */
bool ink_to_open(struct ink_to *to, char bracket, const struct ink_place *place);
void ink_to_close(struct ink_to *to, char bracket);

/* A message of any type; NULL stands for one with no field set. */
bool ink_to_message(struct ink_to *to, const struct ink_message *type,
                    const ProtobufCMessage *message, const struct ink_place *place);

/* The members of a message into the open object, a comma before each but the first in it. */
bool ink_to_members(struct ink_to *to, const struct ink_message *type,
                    const ProtobufCMessage *message, const struct ink_place *place);

/* A whole list or map. */
bool ink_to_list(struct ink_to *to, const struct ink_field *field, const ProtobufCMessage *message,
                 const struct ink_place *place);
bool ink_to_map(struct ink_to *to, const struct ink_field *field, const ProtobufCMessage *message,
                const struct ink_place *place);

/* A well-known type in its own form. */
bool ink_to_well_known(struct ink_to *to, const struct ink_message *type,
                       const ProtobufCMessage *message, const struct ink_place *place);

/* A scalar as JSON. */
void ink_to_scalar(struct ink_buf *out, const ProtobufCFieldDescriptor *field, const void *slot);
/* A map's key: a scalar, always in quotes. */
void ink_to_key(struct ink_buf *out, const ProtobufCFieldDescriptor *field, const void *slot);
