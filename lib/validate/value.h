/*
 * A field's value in one shape, whatever its protobuf type: what rules and messages are both read
 * into, so that they can be compared. Pure values that point into the message they came from.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

enum ink_value_kind {
    INK_VALUE_INT, /* every signed integer */
    INK_VALUE_UINT,
    INK_VALUE_FLOAT,
    INK_VALUE_BOOL,
    INK_VALUE_ENUM,
    INK_VALUE_STRING,
    INK_VALUE_BYTES,
    INK_VALUE_TIMESTAMP,
    INK_VALUE_DURATION,
    INK_VALUE_ANY, /* its `text` is the type URL */
    INK_VALUE_MESSAGE,
};

struct ink_value {
    union {
        int64_t i; /* INT, ENUM, BOOL */
        uint64_t u;
        double d;
        struct {
            const char *data;
            size_t size;
        } text; /* STRING, BYTES, ANY */
        struct {
            int64_t seconds;
            int32_t nanos;
        } time; /* TIMESTAMP, DURATION */
    };
};

/* The kind that a protobuf-c field's values have. */
enum ink_value_kind ink_value_kind_of(const ProtobufCFieldDescriptor *field);
/* Reads what lies at `at`: a member of the message's struct, or an element of a repeated one. A
 * message that is not there reads as its zero value. */
struct ink_value ink_value_load(enum ink_value_kind kind, ProtobufCType type, const void *at);
/* The size of one element of a repeated field. */
size_t ink_value_stride(ProtobufCType type);

/* Whether a field of a message holds something: by its presence where it has one, otherwise whether
 * it differs from zero (scalars) or is not empty (lists and maps). */
bool ink_field_is_set(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message);
/* Whether the field can tell "absent" from "zero". */
bool ink_field_has_presence(const ProtobufCFieldDescriptor *field);

bool ink_value_is_zero(enum ink_value_kind kind, const struct ink_value *value);
/* Below, equal or above: -1, 0, 1; 2 where a NaN is involved. */
int ink_value_compare(enum ink_value_kind kind, const struct ink_value *a,
                      const struct ink_value *b);
/* For people: numbers as they are, texts quoted and cut when long, enums by name. `enum_type` may
 * be NULL. */
void ink_value_print(struct ink_buf *buf, enum ink_value_kind kind,
                     const ProtobufCEnumDescriptor *enum_type, const struct ink_value *value);
