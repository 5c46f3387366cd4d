/* Addresses as settings have them, and what gRPC is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rpc/target.h"

static void assert_target(const char *text, const char *expected)
{
    struct ink_arena arena;
    const char *target = NULL;
    ink_arena_init(&arena);
    struct ink_status status = ink_rpc_target(&arena, text, &target);
    if (!ink_is_ok(status))
        fail_msg("%s", status.message);
    assert_string_equal(target, expected);
    ink_arena_release(&arena);
}

static void one_address_stays(void **state)
{
    static const char *const texts[] = {
        "127.0.0.1:3001",
        "user:3001",
        "dns:///user:3001",
        "[::1]:3001",
        "",
        "unix:/tmp/a,b",
        "ipv4:1.2.3.4:5,1.2.3.5:5",
        "dns:///a,b:1",
        "ipv6:[::1]:5,x",
        "xds:///services",
    };
    (void)state;
    for (size_t i = 0; i < INK_COUNT(texts); i++)
        assert_target(texts[i], texts[i]);
}

static void lists_of_addresses(void **state)
{
    (void)state;
    assert_target("10.0.0.1:3001,10.0.0.2:3001", "ipv4:10.0.0.1:3001,10.0.0.2:3001");
    assert_target("10.0.0.1:3001, localhost:3002,", "ipv4:10.0.0.1:3001,127.0.0.1:3002");
    assert_target("[::1]:3001,[fe80::2]:65535", "ipv6:%5B::1%5D:3001,%5Bfe80::2%5D:65535");
}

static void refused(void **state)
{
    static const char *const texts[] = {
        "user-1:3001,user-2:3001",
        "10.0.0.1:3001,[::1]:3001",
        "10.0.0.1,10.0.0.2",
        "10.0.0.1:0,10.0.0.2:1",
        "10.0.0.1:1,10.0.0.2:65536",
        "10.0.0:1,10.0.0.2:1",
        "[::1:1,[::2]:1",
        ":1,:2",
        ",",
        "10.0.0.1:+1,10.0.0.2:1",
        "10.0.0.1:1x,10.0.0.2:1",
        "10.0.0.1:000001,10.0.0.2:1",
        "[]:1,[]:2",
        "]:1,[:2",
    };
    (void)state;
    for (size_t i = 0; i < INK_COUNT(texts); i++) {
        struct ink_arena arena;
        const char *target = "untouched";
        ink_arena_init(&arena);
        struct ink_status status = ink_rpc_target(&arena, texts[i], &target);
        if (ink_is_ok(status))
            fail_msg("%s became %s", texts[i], target);
        assert_int_equal(status.code, INK_INVALID_ARGUMENT);
        assert_non_null(strstr(status.message, texts[i]));
        assert_string_equal(target, "untouched");
        ink_arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_address_stays),
        cmocka_unit_test(lists_of_addresses),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
