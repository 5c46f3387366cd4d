/*
 * What the tests of this folder share: the contract of every kind of field, and an arena a test.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "all_kinds.pb-c.h"
#include "kinds_contract.h"
#include "lib/base/buf.h"
#include "lib/contract/contract.h"
#include "proto2_kinds.pb-c.h"

static struct ink_arena forever, arena;
static struct ink_contract *contract;

static inline int load(void **state)
{
    (void)state;
    ink_arena_init(&forever);
    struct ink_status status = ink_contract_load(&kinds_contract, &forever, &contract);
    if (!ink_is_ok(status))
        fprintf(stderr, "%s: %s\n", status.message, status.cause);
    return ink_is_ok(status) ? 0 : -1;
}

static inline int unload(void **state)
{
    (void)state;
    ink_contract_free(contract);
    ink_arena_release(&forever);
    return 0;
}

static inline int begin(void **state)
{
    (void)state;
    ink_arena_init(&arena);
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    ink_arena_release(&arena);
    return 0;
}

/* A message type of the contract by its short name, a field by its proto name. */
static inline const struct ink_message *type_named(const char *name)
{
    char full_name[100];
    snprintf(full_name, sizeof(full_name), "inkmesh.test.v1.%s", name);
    const struct ink_message *type = ink_contract_message(contract, full_name);
    assert_non_null(type);
    return type;
}

static inline const struct ink_field *field_named(const char *type, const char *name)
{
    const struct ink_field *field = ink_message_field(type_named(type), name, strlen(name));
    assert_non_null(field);
    return field;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
