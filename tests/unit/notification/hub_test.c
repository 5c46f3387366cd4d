/* services/notification/hub.h. */
#include "services/notification/hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/clock.h"

#define ADA "01890000-0000-7000-8000-00000000000a"
#define BOB "01890000-0000-7000-8000-00000000000b"

static void must_join(struct notification_hub *hub, struct notification_watch *watch,
                      const char *user_id)
{
    assert_int_equal(notification_hub_join(hub, watch, user_id).code, INK_OK);
}

static void test_wakes_only_who_asked(void **state)
{
    (void)state;
    struct notification_hub *hub = notification_hub_new(10, 10);
    struct notification_watch first, second, other;
    must_join(hub, &first, ADA);
    must_join(hub, &second, ADA);
    must_join(hub, &other, BOB);
    notification_hub_wake(hub, ADA);
    assert_true(notification_hub_wait(hub, &first, 0));
    assert_true(notification_hub_wait(hub, &second, 0));
    assert_false(notification_hub_wait(hub, &other, 0));
    assert_false(notification_hub_wait(hub, &first, 0)); /* once */
    notification_hub_wake(hub, NULL);
    assert_true(notification_hub_wait(hub, &first, 0));
    assert_true(notification_hub_wait(hub, &other, 0));
    notification_hub_leave(hub, &second); /* in the middle of its list */
    notification_hub_wake(hub, ADA);
    assert_true(notification_hub_wait(hub, &first, 0));
    notification_hub_leave(hub, &first);
    notification_hub_leave(hub, &other);
    assert_int_equal(notification_hub_count(hub), 0);
    notification_hub_wake(hub, ADA);
    notification_hub_free(hub);
}

static void assert_refused(struct ink_status status, const char *reason)
{
    assert_int_equal(status.code, INK_RESOURCE_EXHAUSTED);
    assert_string_equal(status.reason, reason);
    assert_true(status.retry_after_ms > 0);
}

static void test_limits(void **state)
{
    (void)state;
    struct notification_hub *hub = notification_hub_new(3, 2);
    struct notification_watch watches[3], more;
    must_join(hub, &watches[0], ADA);
    must_join(hub, &watches[1], ADA);
    assert_refused(notification_hub_join(hub, &more, ADA), "TOO_MANY_OWN_STREAMS");
    must_join(hub, &watches[2], BOB);
    assert_refused(notification_hub_join(hub, &more, BOB), INK_REASON_OVERLOADED);
    assert_int_equal(notification_hub_count(hub), 3);
    notification_hub_leave(hub, &watches[0]);
    must_join(hub, &watches[0], BOB);
    for (size_t i = 0; i < INK_COUNT(watches); i++)
        notification_hub_leave(hub, &watches[i]);
    notification_hub_free(hub);
}

static void test_waits_in_vain(void **state)
{
    (void)state;
    struct notification_hub *hub = notification_hub_new(1, 1);
    struct notification_watch watch;
    must_join(hub, &watch, ADA);
    int64_t begun = ink_now();
    assert_false(notification_hub_wait(hub, &watch, 30));
    assert_true(ink_now() - begun >= 30 * INK_MILLISECOND);
    notification_hub_leave(hub, &watch);
    notification_hub_free(hub);
}

static void *wake(void *hub)
{
    for (int i = 0; i < 1000; i++)
        notification_hub_wake(hub, i % 2 == 0 ? ADA : NULL);
    return NULL;
}

/* Threads that wake while others join, wait and leave; the sanitizers watch. */
static void test_threads(void **state)
{
    (void)state;
    struct notification_hub *hub = notification_hub_new(4, 4);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake, hub), 0);
    for (int i = 0; i < 1000; i++) {
        struct notification_watch watch;
        must_join(hub, &watch, i % 3 == 0 ? BOB : ADA);
        (void)notification_hub_wait(hub, &watch, 0);
        notification_hub_leave(hub, &watch);
    }
    pthread_join(thread, NULL);
    struct notification_watch watch;
    must_join(hub, &watch, ADA);
    assert_int_equal(pthread_create(&thread, NULL, wake, hub), 0);
    assert_true(notification_hub_wait(hub, &watch, 10000)); /* woken out of its sleep */
    pthread_join(thread, NULL);
    notification_hub_leave(hub, &watch);
    notification_hub_free(hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wakes_only_who_asked),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_waits_in_vain),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
