/*
 * Enforces the standard rules of buf.validate (protovalidate 1.0) on protobuf-c messages. The rules
 * are read from the contract once, at start, and compiled into a flat plan for each message type;
 * checking a message then walks its plan.
 *
 * What cannot be enforced refuses the start instead of being skipped: `cel` and other expressions,
 * predefined rules, rules that this build does not know, rules of the wrong type for their field,
 * patterns that do not compile. Besides the rules, every text must be valid UTF-8 (protobuf-c does
 * not look), whatever the options say.
 *
 * `pattern` is RE2 syntax in buf.validate. It is matched by PCRE2 in UTF mode with `$` only at the
 * very end; what PCRE2 has beyond RE2 (look-around, back references, possessive quantifiers, ...)
 * refuses the start. A match that takes too many steps counts as no match, so hostile text costs
 * a bounded time. Only a pattern and `unique` on a long list take memory when all is well.
 *
 * Presence follows protovalidate: absent messages, absent wrappers and unset oneof members are
 * checked for `required` only; all other fields are always checked. Map entries are counted as they
 * came. NUL cannot be seen here, since a C string ends at it: lib/rpc refuses it on the wire.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/status.h"
#include "lib/contract/contract.h"

/* How many violations are reported of one message; checking stops there. */
#define INK_VALIDATE_MAX_VIOLATIONS 100
/* How deep messages may be nested (the default of other protobuf implementations). */
#define INK_VALIDATE_MAX_DEPTH 100

struct ink_validator;

/* Compiles the rules of all that the methods' inputs can contain. FAILED_PRECONDITION when a rule
 * cannot be enforced, with a message that names message, field and rule: "inkmesh.user.v1.User.id:
 * the rule cel is not supported". The contract must outlive the validator; `arena` holds the
 * error's text only. */
struct ink_status ink_validator_new(const struct ink_contract *contract, struct ink_arena *arena,
                                    struct ink_validator **ret_validator) INK_MUST_CHECK;

/* The same for some message types and all that they can contain. */
struct ink_status ink_validator_new_for(const struct ink_contract *contract,
                                        const struct ink_message *const *types, size_t n_types,
                                        struct ink_arena *arena,
                                        struct ink_validator **ret_validator) INK_MUST_CHECK;

/* Accepts NULL. */
void ink_validator_free(struct ink_validator *validator);

/* INK_OK, or INVALID_ARGUMENT with every violation in the order of the fields, by proto path:
 * "items[2].name", "labels[\"a\"].size". The status lives in `arena`. INTERNAL for a type that the
 * validator was not made for. Thread-safe. `message` must be of the C type of `type`. */
struct ink_status ink_validate(const struct ink_validator *validator, struct ink_arena *arena,
                               const struct ink_message *type,
                               const ProtobufCMessage *message) INK_MUST_CHECK;
