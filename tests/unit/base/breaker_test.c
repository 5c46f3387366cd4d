/* The breaker's states, with a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/breaker.h"

#define PAUSE 1000

static struct ink_breaker opened_at(int64_t now)
{
    struct ink_breaker breaker;
    ink_breaker_init(&breaker, 3, PAUSE);
    for (int i = 0; i < 3; i++) {
        assert_true(ink_breaker_allow(&breaker, now));
        ink_breaker_failure(&breaker, now, 0);
    }
    return breaker;
}

static void opens_after_failures_in_a_row(void **state)
{
    (void)state;
    struct ink_breaker breaker;
    ink_breaker_init(&breaker, 3, PAUSE);
    ink_breaker_failure(&breaker, 0, 0);
    ink_breaker_failure(&breaker, 0, 0);
    ink_breaker_success(&breaker);
    ink_breaker_failure(&breaker, 0, 0);
    ink_breaker_failure(&breaker, 0, 0);
    assert_true(ink_breaker_allow(&breaker, 0));
    ink_breaker_failure(&breaker, 0, 0);
    assert_int_equal(breaker.state, INK_BREAKER_OPEN);
    assert_false(ink_breaker_allow(&breaker, PAUSE - 1));
}

static void a_trip_opens_at_once(void **state)
{
    (void)state;
    struct ink_breaker breaker;
    ink_breaker_init(&breaker, 3, PAUSE);
    ink_breaker_trip(&breaker, 0, 0);
    assert_false(ink_breaker_allow(&breaker, PAUSE - 1));
    assert_true(ink_breaker_allow(&breaker, PAUSE));
    assert_int_equal(breaker.state, INK_BREAKER_HALF_OPEN);
}

static void one_call_probes_after_the_pause(void **state)
{
    (void)state;
    struct ink_breaker breaker = opened_at(0);
    assert_true(ink_breaker_allow(&breaker, PAUSE));
    assert_int_equal(breaker.state, INK_BREAKER_HALF_OPEN);
    assert_false(ink_breaker_allow(&breaker, PAUSE));
    assert_false(ink_breaker_allow(&breaker, 100 * PAUSE));
}

static void successful_probe_closes(void **state)
{
    (void)state;
    struct ink_breaker breaker = opened_at(0);
    assert_true(ink_breaker_allow(&breaker, PAUSE));
    ink_breaker_success(&breaker);
    assert_int_equal(breaker.state, INK_BREAKER_CLOSED);
    ink_breaker_failure(&breaker, PAUSE, 0);
    ink_breaker_failure(&breaker, PAUSE, 0);
    assert_true(ink_breaker_allow(&breaker, PAUSE));
}

static void failed_probe_opens_again(void **state)
{
    (void)state;
    struct ink_breaker breaker = opened_at(0);
    assert_true(ink_breaker_allow(&breaker, PAUSE));
    ink_breaker_failure(&breaker, PAUSE + 5, 0);
    assert_int_equal(breaker.state, INK_BREAKER_OPEN);
    assert_false(ink_breaker_allow(&breaker, 2 * PAUSE + 4));
    assert_true(ink_breaker_allow(&breaker, 2 * PAUSE + 5));
}

static void undecided_probe_lets_the_next_one_try(void **state)
{
    (void)state;
    struct ink_breaker breaker = opened_at(0);
    assert_true(ink_breaker_allow(&breaker, PAUSE));
    ink_breaker_undecided(&breaker, PAUSE);
    assert_true(ink_breaker_allow(&breaker, PAUSE));
    assert_false(ink_breaker_allow(&breaker, PAUSE));
}

static void late_answers_change_nothing(void **state)
{
    (void)state;
    struct ink_breaker breaker = opened_at(0);
    ink_breaker_success(&breaker);
    assert_int_equal(breaker.state, INK_BREAKER_OPEN);
    ink_breaker_failure(&breaker, PAUSE - 1, 0);
    assert_true(ink_breaker_allow(&breaker, PAUSE));
}

static void jitter_is_up_to_a_quarter(void **state)
{
    (void)state;
    struct ink_breaker breaker;
    ink_breaker_init(&breaker, 1, PAUSE);
    ink_breaker_failure(&breaker, 0, UINT32_MAX);
    assert_in_range(breaker.open_until, PAUSE + PAUSE / 4 - 1, PAUSE + PAUSE / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_after_failures_in_a_row),
        cmocka_unit_test(a_trip_opens_at_once),
        cmocka_unit_test(one_call_probes_after_the_pause),
        cmocka_unit_test(successful_probe_closes),
        cmocka_unit_test(failed_probe_opens_again),
        cmocka_unit_test(undecided_probe_lets_the_next_one_try),
        cmocka_unit_test(late_answers_change_nothing),
        cmocka_unit_test(jitter_is_up_to_a_quarter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
