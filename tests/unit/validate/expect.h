/*
 * What the tests of lib/validate share: the test contract, and violations as one line of text.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/status.h"
#include "lib/contract/contract.h"
#include "lib/validate/validate.h"

/* Loaded once; released after the last test. */
const struct ink_contract *test_contract(void);
void test_contract_release(void);

/* "FIELD: MESSAGE; FIELD: MESSAGE", "" when all is well. In the arena. */
const char *violations_text(struct ink_arena *arena, struct ink_status status);

/* Checks a message against the rules of its type and compares the violations. */
void expect_violations(const ProtobufCMessage *message, const char *violations);
/* `m` is a struct of any generated message type. */
#define EXPECT(m, violations) expect_violations(&(m).base, violations)

/* A message of rules.proto (by its short name) with its one field `v` set: the value is fine when
 * `wrong` is NULL, otherwise it breaks one rule with this message. */
struct string_case {
    const char *type;
    const char *value;
    const char *wrong;
};
void check_string(const struct string_case *c);

struct bytes_case {
    const char *type;
    const char *value;
    size_t size;
    const char *wrong;
};
void check_bytes(const struct bytes_case *c);

/* For integers of every size, enums and bools. */
struct int_case {
    const char *type;
    int64_t value;
    const char *wrong;
};
void check_int(const struct int_case *c);

struct double_case {
    const char *type;
    double value;
    const char *wrong;
};
void check_double(const struct double_case *c);
