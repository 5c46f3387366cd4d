/* The server's share of a deadline, and the pauses between attempts to connect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/db/conn.h"
#include "lib/db/pool.h"

static void server_gets_a_little_less(void **state)
{
    (void)state;
    for (int64_t left = 2; left < 100000; left++) {
        int64_t timeout = ink_db_server_timeout(left);
        if (timeout >= left || timeout < 1 || (left > 16 && timeout < left * 80 / 100))
            fail_msg("%d of %d ms", (int)timeout, (int)left);
    }
    assert_int_equal(ink_db_server_timeout(1), 1);
    assert_int_equal(ink_db_server_timeout(0), 1);
}

static void near_deadlines_share_a_timeout(void **state)
{
    (void)state;
    int64_t before = 0;
    int changes = 0;
    for (int64_t left = 5000; left > 4500; left--) {
        changes += ink_db_server_timeout(left) != before;
        before = ink_db_server_timeout(left);
    }
    assert_in_range(changes, 1, 3);
}

static void pauses_grow_to_a_second(void **state)
{
    (void)state;
    assert_int_equal(ink_db_backoff(1), 50 * INK_MILLISECOND);
    assert_int_equal(ink_db_backoff(2), 100 * INK_MILLISECOND);
    assert_int_equal(ink_db_backoff(5), 800 * INK_MILLISECOND);
    assert_int_equal(ink_db_backoff(6), INK_SECOND);
    assert_int_equal(ink_db_backoff(4000000000U), INK_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_gets_a_little_less),
        cmocka_unit_test(near_deadlines_share_a_timeout),
        cmocka_unit_test(pauses_grow_to_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
