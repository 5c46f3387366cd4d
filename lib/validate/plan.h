/*
 * The compiled form of the rules: what ink_validate() walks. compile.c makes the plans of messages
 * and fields, rules.c the checks of one value; validate.c runs them. Constant once made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf/validate/validate.pb-c.h"
#include "lib/base/arena.h"
#include "lib/contract/contract.h"
#include "lib/validate/pattern.h"
#include "lib/validate/value.h"

enum ink_check_op {
    INK_CHECK_IN, /* also const */
    INK_CHECK_NOT_IN,
    INK_CHECK_RANGE,
    INK_CHECK_FINITE,
    INK_CHECK_CHARACTERS, /* the length in code points */
    INK_CHECK_BYTES,
    INK_CHECK_PATTERN,
    INK_CHECK_PREFIX,
    INK_CHECK_SUFFIX,
    INK_CHECK_CONTAINS,
    INK_CHECK_NOT_CONTAINS,
    INK_CHECK_FORMAT,
    INK_CHECK_DEFINED,
    INK_CHECK_TIME_VALID,
    INK_CHECK_BEFORE_NOW,
    INK_CHECK_AFTER_NOW,
    INK_CHECK_WITHIN,
};

struct ink_bound {
    bool set;
    bool inclusive;
    struct ink_value value;
};

struct ink_check {
    enum ink_check_op op;
    const char *message; /* complete, made at start */
    union {
        struct {
            const struct ink_value *values;
            size_t n_values;
        } set;
        struct {
            struct ink_bound lower;
            struct ink_bound upper;
            bool inverted; /* upper < lower: what lies between them is refused */
        } range;
        struct {
            uint64_t min;
            uint64_t max;
        } count;
        struct ink_value value; /* PREFIX, SUFFIX, CONTAINS, NOT_CONTAINS, WITHIN */
        const struct ink_pattern *pattern;
        bool (*format)(const char *text, size_t size);
        const ProtobufCEnumDescriptor *enum_type;
    };
};

/* What one value must be: a field's, an element's, a map key's. */
struct ink_value_plan {
    enum ink_value_kind kind;
    ProtobufCType type;
    bool wrapped;             /* it is a google.protobuf wrapper, with the value inside */
    unsigned wrapped_offset;  /* where the value is in the wrapper's C struct */
    ProtobufCType outer_type; /* MESSAGE for wrapped values, else `type` */
    bool ignore_zero;         /* of an element: its checks do not apply to a zero value */
    const struct ink_check *checks;
    size_t n_checks;
    const struct ink_message_plan *message; /* of a nested message, NULL when it needs no look */
};

enum ink_field_shape {
    INK_FIELD_SINGLE,
    INK_FIELD_LIST,
    INK_FIELD_MAP,
};

struct ink_field_plan {
    const struct ink_field *field;
    enum ink_field_shape shape;
    bool required;
    bool skip_unset; /* nothing more is asked of a field that is not set */
    bool has_count;  /* `count` and its messages say how many elements there may be */
    struct {
        uint64_t min;
        uint64_t max;
    } count;
    const char *too_few;
    const char *too_many;
    bool unique;                 /* no two elements are equal */
    struct ink_value_plan key;   /* of a map */
    struct ink_value_plan value; /* of each element, for lists and maps */
};

/* At least one, at most one, or exactly one of some fields: a oneof, or a message's `oneof` rule.
 */
struct ink_choice_plan {
    const char *name; /* of the oneof; NULL for a rule of the message */
    const struct ink_field *const *fields;
    size_t n_fields;
    bool required;
    const char *missing; /* messages */
    const char *too_many;
};

struct ink_message_plan {
    const struct ink_message *message;
    bool bare; /* without rules, for what is below an IGNORE_ALWAYS: only its texts are checked */
    bool complete;
    struct ink_choice_plan *choices;
    size_t n_choices;
    struct ink_field_plan *fields;
    size_t n_fields;
    struct ink_message_plan *next; /* in the validator's list */
};

struct ink_validator {
    struct ink_arena arena;
    struct ink_message_plan *plans;
    const struct ink_message_plan **roots; /* sorted by the address of their message */
    size_t n_roots;
    struct ink_pattern **patterns;
    size_t n_patterns;
};

/* Compiling: where we are, and the first thing that was wrong. */
struct ink_compiler {
    const struct ink_contract *contract;
    struct ink_validator *validator;
    struct ink_arena *arena; /* for the error */
    const char *message;     /* full name */
    const char *field;       /* "" outside of a field */
    const char *part;        /* ".items", ".keys", ".values" or "" */
    bool failed;
    struct ink_status error;
};

/* Keeps the first error. */
void ink_compile_refuse(struct ink_compiler *compiler, const char *format, ...) INK_PRINTF(2, 3);
/* Refuses what protobuf-c could not read of an options message: extensions and later rules. */
void ink_compile_unknown(struct ink_compiler *compiler, const ProtobufCMessage *rules);
/* The buf.validate extension of an options message, or NULL when it has none. In the validator's
 * arena. */
ProtobufCMessage *ink_compile_unpack(struct ink_compiler *compiler, const ProtobufCMessage *options,
                                     const ProtobufCMessageDescriptor *type);
/* The rules of a message that are over several of its fields. */
void ink_compile_choices(struct ink_compiler *compiler, struct ink_message_plan *plan);
/* Whether a field is in one of the message's `oneof` rules. */
bool ink_plan_chooses(const struct ink_message_plan *plan, const struct ink_field *field);
/* The checks that the rules of a value's type (StringRules, Int32Rules, ...) ask of it. `rules` may
 * be NULL. */
void ink_compile_checks(struct ink_compiler *compiler, struct ink_value_plan *plan,
                        const ProtobufCEnumDescriptor *enum_type, const ProtobufCMessage *rules);
