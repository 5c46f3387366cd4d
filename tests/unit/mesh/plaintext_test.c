#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mesh/plaintext.h"

static void this_machine_is_told_from_others(void **state)
{
    (void)state;
    const char *const own[] = {
        "127.0.0.1:3001",
        "127.255.0.9:1",
        "localhost:3001",
        "[::1]:3001",
        "127.0.0.1:1,127.0.0.2:1",
        "[::1]:1,[::1]:2",
        "dns:///localhost:3001",
        "ipv4:127.0.0.1:3001,127.0.0.1:3002",
        "ipv6:[::1]:3001",
        "unix:/run/user.sock",
        "localhost",
    };
    const char *const others[] = {
        "0.0.0.0:3000",
        "[::]:3000",
        "10.0.0.1:3001",
        "user:3001",
        "127.0.0.1:1,user:1",
        "127.0.0.1:1,10.0.0.1:1",
        "dns:///user:3001",
        "dns://127.0.0.1/user:3001",
        "ipv4:10.0.0.1:3001",
        "127.0.0.1.example:3001",
        "localhost.example:1",
        "[::ffff:10.0.0.1]:1",
        "[::1:1",
        "",
        "127.0.0.1:1,",
        "dns://127.0.0.1",
    };
    for (size_t i = 0; i < INK_COUNT(own); i++)
        if (!ink_mesh_is_loopback(own[i]))
            fail_msg("%s is this machine", own[i]);
    for (size_t i = 0; i < INK_COUNT(others); i++)
        if (ink_mesh_is_loopback(others[i]))
            fail_msg("%s is not only this machine", others[i]);
}

static void both_settings_are_named(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_status status =
        ink_mesh_check_plaintext(&arena, "HTTP_ADDRESS", "0.0.0.0:80", "HTTP_TLS_CERT_FILE");
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_non_null(strstr(status.message, "HTTP_ADDRESS 0.0.0.0:80"));
    assert_non_null(strstr(status.message, "HTTP_TLS_CERT_FILE"));
    assert_non_null(strstr(status.message, "ALLOW_PLAINTEXT=true"));
    assert_true(ink_is_ok(ink_mesh_check_plaintext(&arena, "A", "localhost:1", "B")));
    ink_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_machine_is_told_from_others),
        cmocka_unit_test(both_settings_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
