/* What must be seen before protobuf-c unpacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/validate/wire.h"
#include "rules.pb-c.h"
#include "tests/unit/validate/expect.h"

static void expect_wire(const char *name, const char *data, size_t size, enum ink_code code,
                        const char *violations)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    const char *full = ink_arena_printf(&arena, "inkmesh.test.validate.%s", name);
    const struct ink_message *type = ink_contract_message(test_contract(), full);
    struct ink_status status = ink_validate_wire(&arena, type, (const uint8_t *)data, size);
    assert_string_equal(violations_text(&arena, status), violations);
    assert_int_equal(status.code, code);
    ink_arena_release(&arena);
}

#define BYTES(text) text, sizeof(text) - 1
#define GOOD(name, text) expect_wire(name, BYTES(text), INK_OK, "")
#define WRONG(name, text, violations)                                                              \
    expect_wire(name, BYTES(text), INK_INVALID_ARGUMENT, violations)

static void nul_is_found_where_protobuf_c_hides_it(void **state)
{
    (void)state;
    Inkmesh__Test__Validate__StrPlain *hidden =
        inkmesh__test__validate__str_plain__unpack(NULL, 7,
                                                   (const uint8_t *)"\x0a\x05"
                                                                    "ab\0cd");
    assert_string_equal(hidden->v, "ab"); /* the reason for all this */
    inkmesh__test__validate__str_plain__free_unpacked(hidden, NULL);

    WRONG("StrPlain",
          "\x0a\x05"
          "ab\0cd",
          "v: must not contain NUL");
    GOOD("StrPlain", "\x0a\x04"
                     "abcd");
    GOOD("StrPlain", "");
    GOOD("BytesLen", "\x0a\x02\0\0");          /* bytes may */
    GOOD("StrPlain", "\x12\x02\0\0\x0a\x01x"); /* field 2 is unknown */
    WRONG("ListItems", "\x0a\x01x\x0a\x01\0\x0a\x00\x0a\x02y\0",
          "v[1]: must not contain NUL; v[3]: must not contain NUL");
}

static void nul_is_found_in_nested_messages(void **state)
{
    (void)state;
    WRONG("Order", "\x12\x03\x0a\x01x\x12\x03\x0a\x01\0\x22\x03\x0a\x01\0",
          "items[1].name: must not contain NUL; owner.name: must not contain NUL");
    /* labels: a key with NUL, then a value's name with NUL */
    WRONG("Order", "\x1a\x03\x0a\x01\0\x1a\x08\x0a\x01k\x12\x03\x0a\x01\0",
          "labels: must not contain NUL; labels.name: must not contain NUL");
}

static void garbage_is_refused(void **state)
{
    (void)state;
    WRONG("StrPlain", "\x0a", "");
    WRONG("StrPlain", "\x0a\x05x", "");
    WRONG("StrPlain", "\x0b", "");                                         /* a group */
    WRONG("StrPlain", "\x00\x00", "");                                     /* field 0 */
    WRONG("StrPlain", "\x0d\x00\x00", "");                                 /* a cut fixed32 */
    WRONG("StrPlain", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", ""); /* an endless varint */
    WRONG("StrPlain", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", ""); /* a huge size */
    WRONG("Order", "\x12\x02\x0a\x05", "");                                /* inside a message */
}

/* `depth` messages around an empty one. */
static size_t nest(uint8_t *out, size_t room, size_t depth)
{
    size_t at = room;
    for (size_t i = 0; i < depth; i++) {
        size_t size = room - at;
        if (size >= 128) {
            out[--at] = (uint8_t)(size >> 7);
            out[--at] = (uint8_t)(size | 0x80);
        } else {
            out[--at] = (uint8_t)size;
        }
        out[--at] = 0x0a;
    }
    memmove(out, out + at, room - at);
    return room - at;
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    uint8_t data[1000];
    size_t size = nest(data, sizeof(data), INK_VALIDATE_MAX_DEPTH - 1);
    expect_wire("Chain", (const char *)data, size, INK_OK, "");
    size = nest(data, sizeof(data), INK_VALIDATE_MAX_DEPTH);
    struct ink_arena arena;
    ink_arena_init(&arena);
    const struct ink_message *type =
        ink_contract_message(test_contract(), "inkmesh.test.validate.Chain");
    struct ink_status status = ink_validate_wire(&arena, type, data, size);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_string_equal(status.violations->message, "is nested too deeply");
    ink_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nul_is_found_where_protobuf_c_hides_it),
        cmocka_unit_test(nul_is_found_in_nested_messages),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(nesting_is_bounded),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_contract_release();
    return failed;
}
