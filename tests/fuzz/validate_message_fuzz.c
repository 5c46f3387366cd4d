/* Any bytes that protobuf-c unpacks must be safe to check, however the message looks. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/contract/contract.h"
#include "lib/validate/validate.h"
#include "tests/fuzz/fuzz.h"
#include "validate_contract.h"

static const char *const types[] = {
    "inkmesh.test.validate.Order",         "inkmesh.test.validate.Tree",
    "inkmesh.test.validate.OneofRequired", "inkmesh.test.validate.ListUnique",
    "inkmesh.test.validate.MapRulesBoth",  "inkmesh.test.validate.StrPattern",
};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

static const struct ink_message *messages[TYPES];
static struct ink_contract *contract; /* for the whole run */
static struct ink_validator *validator;

static void set_up(void)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    CHECK(ink_is_ok(ink_contract_load(&validate_contract, &arena, &contract)));
    for (size_t i = 0; i < TYPES; i++)
        messages[i] = ink_contract_message(contract, types[i]);
    CHECK(ink_is_ok(ink_validator_new_for(contract, messages, TYPES, &arena, &validator)));
    ink_arena_release(&arena);
}

static void check(struct ink_arena *arena, const struct ink_message *type, const uint8_t *data,
                  size_t size)
{
    ProtobufCMessage *message =
        protobuf_c_message_unpack(type->c, ink_arena_allocator(arena), size, data);
    if (message == NULL)
        return;
    struct ink_status status = ink_validate(validator, arena, type, message);
    CHECK(status.code == INK_OK || status.code == INK_INVALID_ARGUMENT);
}

/* The first byte chooses the type. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (validator == NULL)
        set_up();
    if (size == 0)
        return 0;
    struct ink_arena arena;
    ink_arena_init(&arena);
    check(&arena, messages[data[0] % TYPES], data + 1, size - 1);
    ink_arena_release(&arena);
    return 0;
}
