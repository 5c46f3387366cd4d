#include "tests/unit/validate/expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/validate/value.h"
#include "validate_contract.h"

static struct ink_contract *contract;

const struct ink_contract *test_contract(void)
{
    if (contract != NULL)
        return contract;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_status status = ink_contract_load(&validate_contract, &arena, &contract);
    if (!ink_is_ok(status))
        fail_msg("%s (%s)", status.message, status.cause);
    ink_arena_release(&arena);
    return contract;
}

void test_contract_release(void)
{
    ink_contract_free(contract);
    contract = NULL;
}

const char *violations_text(struct ink_arena *arena, struct ink_status status)
{
    const char *text = "";
    for (const struct ink_violation *v = status.violations; v != NULL; v = v->next)
        text = ink_arena_printf(arena, "%s%s%s: %s", text, text[0] == '\0' ? "" : "; ", v->field,
                                v->message);
    return text;
}

void expect_violations(const ProtobufCMessage *message, const char *violations)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    const struct ink_message *type = ink_contract_message_of(test_contract(), message->descriptor);
    struct ink_validator *validator = NULL;
    assert_non_null(type);
    struct ink_status status = ink_validator_new_for(contract, &type, 1, &arena, &validator);
    if (!ink_is_ok(status))
        fail_msg("%s", status.message);
    status = ink_validate(validator, &arena, type, message);
    assert_string_equal(violations_text(&arena, status), violations);
    assert_int_equal(status.code, violations[0] == '\0' ? INK_OK : INK_INVALID_ARGUMENT);
    ink_validator_free(validator);
    ink_arena_release(&arena);
}

/* A new message and where its `v` is. */
static ProtobufCMessage *new_message(struct ink_arena *arena, const char *name,
                                     const ProtobufCFieldDescriptor **ret_field, void **ret_member)
{
    const char *full = ink_arena_printf(arena, "inkmesh.test.validate.%s", name);
    const struct ink_message *type = ink_contract_message(test_contract(), full);
    if (type == NULL)
        fail_msg("no message %s", full);
    ProtobufCMessage *message = ink_arena_calloc(arena, 1, type->c->sizeof_message);
    protobuf_c_message_init(type->c, message);
    *ret_field = type->fields[0].c;
    *ret_member = (char *)message + (*ret_field)->offset;
    return message;
}

static void expect_one(struct ink_arena *arena, const ProtobufCMessage *message, const char *type,
                       const char *value, const char *wrong)
{
    print_message("%s %s\n", type, value); /* shown when the test fails */
    expect_violations(message, wrong == NULL ? "" : ink_arena_printf(arena, "v: %s", wrong));
    ink_arena_release(arena);
}

void check_string(const struct string_case *c)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    const ProtobufCFieldDescriptor *field;
    void *member;
    ProtobufCMessage *message = new_message(&arena, c->type, &field, &member);
    *(char **)member = ink_arena_strdup(&arena, c->value);
    expect_one(&arena, message, c->type, c->value, c->wrong);
}

void check_bytes(const struct bytes_case *c)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    const ProtobufCFieldDescriptor *field;
    void *member;
    ProtobufCMessage *message = new_message(&arena, c->type, &field, &member);
    ProtobufCBinaryData *bytes = member;
    bytes->len = c->size;
    bytes->data = c->size == 0 ? NULL : ink_arena_memdup(&arena, c->value, c->size);
    expect_one(&arena, message, c->type, "(bytes)", c->wrong);
}

void check_int(const struct int_case *c)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    const ProtobufCFieldDescriptor *field;
    void *member;
    ProtobufCMessage *message = new_message(&arena, c->type, &field, &member);
    if (ink_value_stride(field->type) == 8)
        *(int64_t *)member = c->value;
    else
        *(int32_t *)member = (int32_t)c->value;
    expect_one(&arena, message, c->type, ink_arena_printf(&arena, "%lld", (long long)c->value),
               c->wrong);
}

void check_double(const struct double_case *c)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    const ProtobufCFieldDescriptor *field;
    void *member;
    ProtobufCMessage *message = new_message(&arena, c->type, &field, &member);
    if (field->type == PROTOBUF_C_TYPE_FLOAT)
        *(float *)member = (float)c->value;
    else
        *(double *)member = c->value;
    expect_one(&arena, message, c->type, ink_arena_printf(&arena, "%g", c->value), c->wrong);
}
