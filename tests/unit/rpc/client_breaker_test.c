/* What calls and questions for a backend's health tell a client's breaker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/rpc/client_breaker.h"

static int set_up(void **state)
{
    static struct client_breaker breaker;
    client_breaker_init(&breaker);
    *state = &breaker;
    return 0;
}

static int tear_down(void **state)
{
    client_breaker_release(*state);
    return 0;
}

static void lose(struct client_breaker *breaker, int64_t begun, int calls)
{
    for (int i = 0; i < calls; i++)
        client_breaker_tell(breaker, begun, CLIENT_LOST);
}

static void probe(struct client_breaker *breaker, enum client_verdict verdict)
{
    client_breaker_probe(breaker);
    client_breaker_probed(breaker, ink_now(), verdict);
}

static void opens_when_calls_are_lost_in_a_row(void **state)
{
    struct client_breaker *breaker = *state;
    lose(breaker, ink_now(), 4);
    assert_true(client_breaker_admits(breaker));
    client_breaker_tell(breaker, ink_now(), CLIENT_ANSWERED);
    lose(breaker, ink_now(), 4);
    client_breaker_tell(breaker, ink_now(), CLIENT_UNDECIDED);
    assert_true(client_breaker_admits(breaker));
    lose(breaker, ink_now(), 1);
    assert_false(client_breaker_admits(breaker));
    assert_true(client_breaker_is_open(breaker));
    struct ink_status refusal = client_breaker_refusal(breaker);
    assert_int_equal(refusal.code, INK_UNAVAILABLE);
    assert_int_equal(refusal.retry_after_ms, 1000);
    assert_int_equal(breaker->refused, 1);
}

/* All calls of a replica that dies are lost at once. */
static void stays_closed_when_others_are_answered(void **state)
{
    struct client_breaker *breaker = *state;
    int64_t begun = ink_now();
    usleep(1000);
    client_breaker_tell(breaker, begun, CLIENT_ANSWERED);
    lose(breaker, begun, 1000);
    assert_true(client_breaker_admits(breaker));
}

static void opens_when_nobody_answers_for_its_health(void **state)
{
    struct client_breaker *breaker = *state;
    probe(breaker, CLIENT_UNDECIDED);
    assert_true(client_breaker_admits(breaker));
    client_breaker_tell(breaker, ink_now(), CLIENT_ANSWERED);
    probe(breaker, CLIENT_LOST);
    assert_true(client_breaker_admits(breaker));
    probe(breaker, CLIENT_UNDECIDED);
    assert_false(client_breaker_admits(breaker));
}

static void is_not_for_the_health_alone_to_open(void **state)
{
    struct client_breaker *breaker = *state;
    for (int i = 0; i < 5; i++) {
        int64_t begun = ink_now();
        client_breaker_probe(breaker);
        usleep(1000);
        client_breaker_tell(breaker, begun, CLIENT_ANSWERED);
        client_breaker_probed(breaker, begun, CLIENT_UNDECIDED);
    }
    assert_true(client_breaker_admits(breaker));
}

static void closes_by_its_probes_alone(void **state)
{
    struct client_breaker *breaker = *state;
    probe(breaker, CLIENT_LOST);
    probe(breaker, CLIENT_LOST);
    usleep(700 * 1000); /* the pause and a quarter of it */
    assert_false(client_breaker_admits(breaker));
    probe(breaker, CLIENT_LOST);
    assert_true(client_breaker_is_open(breaker));
    usleep(700 * 1000);
    client_breaker_probe(breaker);
    assert_int_equal(breaker->state, INK_BREAKER_HALF_OPEN);
    assert_false(client_breaker_admits(breaker));
    client_breaker_probed(breaker, ink_now(), CLIENT_ANSWERED);
    assert_true(client_breaker_is_closed(breaker));
    assert_true(client_breaker_admits(breaker));
    assert_int_equal(breaker->entered[INK_BREAKER_OPEN], 2);
    assert_int_equal(breaker->entered[INK_BREAKER_HALF_OPEN], 2);
    assert_int_equal(breaker->entered[INK_BREAKER_CLOSED], 1);
}

static void without_probes_one_call_is_it(void **state)
{
    struct client_breaker *breaker = *state;
    lose(breaker, ink_now(), 5);
    assert_false(client_breaker_admits(breaker));
    usleep(700 * 1000);
    assert_true(client_breaker_admits(breaker));
    assert_false(client_breaker_admits(breaker));
    assert_false(client_breaker_is_closed(breaker));
    client_breaker_tell(breaker, ink_now(), CLIENT_ANSWERED);
    assert_true(client_breaker_admits(breaker));
}

#define WITH_BREAKER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BREAKER(opens_when_calls_are_lost_in_a_row),
        WITH_BREAKER(stays_closed_when_others_are_answered),
        WITH_BREAKER(opens_when_nobody_answers_for_its_health),
        WITH_BREAKER(is_not_for_the_health_alone_to_open),
        WITH_BREAKER(closes_by_its_probes_alone),
        WITH_BREAKER(without_probes_one_call_is_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
