/* What is remembered of invalidations while Redis is away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cache/backlog.h"

static void newest_version_stays(void **state)
{
    (void)state;
    static struct ink_backlog backlog;
    assert_true(ink_backlog_add(&backlog, "a", 5));
    assert_true(ink_backlog_add(&backlog, "b", 1));
    assert_true(ink_backlog_add(&backlog, "a", 7));
    assert_true(ink_backlog_add(&backlog, "a", 6));
    assert_int_equal(backlog.count, 2);
    assert_int_equal(backlog.items[0].version, 7);
    ink_backlog_release(&backlog);
}

static void newer_one_survives_the_delivery_of_an_older(void **state)
{
    (void)state;
    static struct ink_backlog backlog;
    assert_true(ink_backlog_add(&backlog, "a", 7));
    assert_true(ink_backlog_add(&backlog, "b", 7));
    assert_true(ink_backlog_add(&backlog, "c", 7));
    backlog.items[0].request = backlog.items[1].request = 1;
    backlog.items[2].request = 2;
    assert_true(ink_backlog_add(&backlog, "a", 6)); /* under way already */
    assert_true(ink_backlog_add(&backlog, "b", 8));
    ink_backlog_remove(&backlog, 1);
    assert_int_equal(backlog.count, 2);
    assert_string_equal(backlog.items[0].key, "b");
    assert_int_equal(backlog.items[0].request, 0);
    assert_string_equal(backlog.items[1].key, "c");
    ink_backlog_remove(&backlog, 2);
    assert_int_equal(backlog.count, 1);
    ink_backlog_release(&backlog);
}

static void is_bounded(void **state)
{
    (void)state;
    static struct ink_backlog backlog;
    char key[16];
    for (int i = 0; i < INK_CACHE_BACKLOG + 10; i++) {
        snprintf(key, sizeof(key), "key:%d", i);
        assert_int_equal(ink_backlog_add(&backlog, key, 1), i < INK_CACHE_BACKLOG);
    }
    assert_int_equal(backlog.count, INK_CACHE_BACKLOG);
    assert_string_equal(backlog.items[0].key, "key:10");
    assert_string_equal(backlog.items[INK_CACHE_BACKLOG - 1].key, key);
    ink_backlog_release(&backlog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_version_stays),
        cmocka_unit_test(newer_one_survives_the_delivery_of_an_older),
        cmocka_unit_test(is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
