/* The share of threads of a slow method, with a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/load.h"
#include "lib/base/clock.h"

#define MS INK_MILLISECOND
#define SHARE 3

static void what_is_quick_has_no_limit(void **state)
{
    (void)state;
    struct gateway_load load = {0};
    for (int round = 0; round < 20; round++) {
        int64_t now = round * 400 * MS;
        for (int i = 0; i < 1000; i++)
            assert_true(gateway_load_begin(&load, SHARE, now));
        for (int i = 0; i < 1000; i++)
            gateway_load_end(&load, now, now + 399 * MS);
    }
    assert_int_equal(load.calls, 0);
}

static void what_has_stopped_has_a_share(void **state)
{
    (void)state;
    struct gateway_load load = {0};
    int64_t begun = 10000 * MS;
    for (int i = 0; i < SHARE; i++)
        assert_true(gateway_load_begin(&load, SHARE, begun));
    assert_true(gateway_load_begin(&load, SHARE, begun + 500 * MS));
    assert_false(gateway_load_begin(&load, SHARE, begun + 501 * MS));
    gateway_load_end(&load, begun, begun + 600 * MS);
    assert_true(gateway_load_begin(&load, SHARE, begun + 700 * MS)); /* it goes on */
    assert_int_equal(load.calls, 4);
}

static void an_idle_method_has_not_stopped(void **state)
{
    (void)state;
    struct gateway_load load = {0};
    for (int i = 0; i <= SHARE; i++)
        assert_true(gateway_load_begin(&load, SHARE, 0));
    for (int i = 0; i <= SHARE; i++)
        gateway_load_end(&load, 0, 1 * MS);
    for (int i = 0; i <= SHARE; i++)
        assert_true(gateway_load_begin(&load, SHARE, 10000 * MS));
}

static void what_is_slow_has_a_share_until_it_is_quick(void **state)
{
    (void)state;
    struct gateway_load load = {0};
    int64_t now = 0;
    for (int i = 0; i < 16; i++) { /* one after the other */
        assert_true(gateway_load_begin(&load, SHARE, now));
        now += 1500 * MS;
        gateway_load_end(&load, now - 1500 * MS, now);
    }
    for (int i = 0; i < SHARE; i++)
        assert_true(gateway_load_begin(&load, SHARE, now));
    assert_false(gateway_load_begin(&load, SHARE, now));
    assert_int_equal(load.calls, SHARE);
    for (int i = 0; i < 16; i++) {
        gateway_load_end(&load, now, now + 1 * MS);
        assert_true(gateway_load_begin(&load, SHARE, now + 1 * MS));
    }
    assert_true(gateway_load_begin(&load, SHARE, now + 1 * MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_quick_has_no_limit),
        cmocka_unit_test(what_has_stopped_has_a_share),
        cmocka_unit_test(an_idle_method_has_not_stopped),
        cmocka_unit_test(what_is_slow_has_a_share_until_it_is_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
