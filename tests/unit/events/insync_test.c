/* lib/events/insync.h. */
#include "lib/events/insync.h"
#include "tests/support/arena_case.h"

/* One broker may be away, and no broker has an event alone. */
static void one_less_than_replicas(void **state)
{
    (void)state;
    static const int wanted[] = {0, 0, 0, 2, 3, 4};
    for (int replicas = 0; replicas < (int)INK_COUNT(wanted); replicas++)
        assert_int_equal(ink_insync_wanted(replicas), wanted[replicas]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_less_than_replicas),
    };
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
