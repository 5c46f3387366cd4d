/* When Redis is told again what nobody is sure of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/cache/cache.h"
#include "lib/cache/doubts.h"

static struct ink_doubts doubts;
static struct ink_arena arena;

static int set_up(void **state)
{
    (void)state;
    ink_arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ink_doubts_release(&doubts);
    ink_arena_release(&arena);
    return 0;
}

static void a_doubt_comes_again_for_as_long_as_a_mark_lasts(void **state)
{
    (void)state;
    int64_t last = 0, times = 0;
    ink_doubts_add(&doubts, "a", 0);
    for (int64_t second = 0; second < 1000; second++) {
        int64_t now = second * INK_SECOND;
        const char *key = ink_doubts_take(&doubts, &arena, now);
        if (key == NULL)
            continue;
        assert_string_equal(key, "a");
        assert_true(second <= 2 * last + 1); /* no later than it may be wrong already */
        assert_null(ink_doubts_take(&doubts, &arena, now));
        last = second;
        times++;
    }
    assert_int_equal(times, 9);
    assert_true(last * 1000 >= INK_CACHE_MARK_TTL_MS);
    assert_int_equal(doubts.count, 0);
}

static void a_new_doubt_begins_anew(void **state)
{
    (void)state;
    ink_doubts_add(&doubts, "a", 0);
    ink_doubts_add(&doubts, "b", 0);
    ink_doubts_add(&doubts, "a", INK_SECOND);
    assert_int_equal(doubts.count, 2);
    assert_string_equal(ink_doubts_take(&doubts, &arena, INK_SECOND), "b");
    assert_null(ink_doubts_take(&doubts, &arena, INK_SECOND));
    assert_string_equal(ink_doubts_take(&doubts, &arena, 2 * INK_SECOND), "a");
}

static void they_are_bounded(void **state)
{
    (void)state;
    char key[16];
    for (int i = 0; i < INK_DOUBTS + 10; i++) {
        snprintf(key, sizeof(key), "key:%d", i);
        ink_doubts_add(&doubts, key, i);
    }
    assert_int_equal(doubts.count, INK_DOUBTS);
    assert_string_equal(ink_doubts_take(&doubts, &arena, INT64_MAX / 2), "key:10");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_doubt_comes_again_for_as_long_as_a_mark_lasts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_new_doubt_begins_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(they_are_bounded, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
