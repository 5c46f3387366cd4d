/* Whose turn it is, who has to make room, and who is too late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rpc/lanes.h"

enum { ALICE = 1, BOB = 2, CAROL = 3 };

static struct lanes lanes;
static struct lane_method method, other_method;
static struct lane_entry entries[8];
static size_t n_cancelled;
static struct lane_entry *cancelled[8];

/* Instead of the C core's. The calls here are their entries. */
grpc_call_error grpc_call_cancel_with_status(grpc_call *call, grpc_status_code status,
                                             const char *description, void *reserved)
{
    (void)status;
    (void)reserved;
    assert_non_null(description);
    cancelled[n_cancelled++] = (struct lane_entry *)(void *)call;
    return GRPC_CALL_OK;
}

static int set_up(void **state)
{
    (void)state;
    n_cancelled = 0;
    memset(entries, 0, sizeof(entries));
    method.running = other_method.running = 0;
    for (size_t i = 0; i < 8; i++) {
        entries[i].grpc = (grpc_call *)(void *)&entries[i];
        entries[i].method = &method;
        entries[i].until = entries[i].latest = INT64_MAX;
    }
    lanes_init(&lanes, 3, 3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lanes_release(&lanes);
    return 0;
}

static struct lane_entry *admit(int index, uint64_t connection)
{
    struct lane_admission admission = lanes_admit(&lanes, &entries[index], connection);
    assert_true(admission.admitted);
    return admission.dropped;
}

static struct lane_entry *admit_waiting(int index, uint64_t connection)
{
    struct lane_entry *dropped = admit(index, connection);
    assert_true(lanes_wait(&lanes, &entries[index]));
    return dropped;
}

static void connections_have_turns(void **state)
{
    (void)state;
    admit_waiting(0, ALICE);
    admit_waiting(1, ALICE);
    admit_waiting(2, BOB);
    assert_ptr_equal(lanes_take(&lanes), &entries[0]);
    lanes_done(&lanes, &method);
    assert_ptr_equal(lanes_take(&lanes), &entries[2]);
    lanes_done(&lanes, &method);
    assert_ptr_equal(lanes_take(&lanes), &entries[1]);
    assert_null(lanes_take(&lanes));
}

static void so_many_run_at_once(void **state)
{
    (void)state;
    lanes.most_running = 2;
    for (int i = 0; i < 3; i++)
        admit_waiting(i, ALICE);
    assert_ptr_equal(lanes_take(&lanes), &entries[0]);
    assert_ptr_equal(lanes_take(&lanes), &entries[1]);
    assert_null(lanes_take(&lanes));
    lanes_done(&lanes, &method);
    assert_ptr_equal(lanes_take(&lanes), &entries[2]);
    lanes_done(&lanes, &method);
    assert_null(lanes_take(&lanes));
}

/* However many connections call it. */
static void a_method_leaves_some_to_others(void **state)
{
    (void)state;
    lanes_release(&lanes);
    lanes_init(&lanes, 8, 4);
    entries[5].method = entries[6].method = &other_method;
    for (int i = 0; i < 3; i++)
        admit_waiting(i, ALICE);
    admit_waiting(3, BOB);
    admit_waiting(4, BOB);
    for (int i = 0; i < 3; i++)
        assert_non_null(lanes_take(&lanes));
    assert_null(lanes_take(&lanes));
    admit_waiting(5, CAROL);
    admit_waiting(6, CAROL);
    assert_ptr_equal(lanes_take(&lanes), &entries[5]);
    assert_null(lanes_take(&lanes)); /* as many run as may */
    lanes_done(&lanes, &method);
    lanes_done(&lanes, &other_method);
    assert_int_equal(method.running, 2);
    int of_method = 0;
    for (int i = 0; i < 2; i++)
        of_method += lanes_take(&lanes)->method == &method;
    assert_int_equal(of_method, 1);
    assert_null(lanes_take(&lanes));
}

static void the_fullest_loses_its_newest(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_null(admit_waiting(i, ALICE));
    assert_false(lanes_admit(&lanes, &entries[3], ALICE).admitted);
    assert_int_equal(n_cancelled, 0);
    assert_ptr_equal(admit_waiting(4, BOB), &entries[2]);
    assert_ptr_equal(cancelled[0], &entries[2]);
    lanes_leave(&lanes, &entries[2]); /* changes nothing any more */
    assert_false(lanes_admit(&lanes, &entries[5], BOB).admitted);
    assert_ptr_equal(lanes_take(&lanes), &entries[0]);
    assert_ptr_equal(lanes_take(&lanes), &entries[4]);
    assert_ptr_equal(lanes_take(&lanes), &entries[1]);
}

/* A lane that lost what waited in it is passed over, and has turns again when something waits. */
static void a_lane_that_lost_all_has_turns_again(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        admit_waiting(i, ALICE);
    assert_ptr_equal(lanes_take(&lanes), &entries[0]);
    assert_ptr_equal(lanes_take(&lanes), &entries[1]);
    assert_ptr_equal(admit_waiting(3, BOB), &entries[2]);
    assert_ptr_equal(lanes_take(&lanes), &entries[3]);
    lanes_done(&lanes, &method);
    assert_null(lanes_take(&lanes));
    lanes_leave(&lanes, &entries[0]);
    admit_waiting(4, ALICE);
    assert_ptr_equal(lanes_take(&lanes), &entries[4]);
}

static void one_that_arrives_makes_room_too(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        admit(i, ALICE);
    assert_null(admit(3, BOB)); /* nobody has to finish it but its own events */
    assert_int_equal(n_cancelled, 1);
    assert_ptr_equal(cancelled[0], &entries[2]);
    assert_false(lanes_wait(&lanes, &entries[2]));
    assert_true(lanes_wait(&lanes, &entries[1]));
}

static void who_is_handled_stays(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        admit_waiting(i, ALICE);
    for (int i = 0; i < 3; i++)
        (void)lanes_take(&lanes);
    assert_null(admit_waiting(3, BOB));
    assert_int_equal(n_cancelled, 0);
    lanes_answer(&lanes, &entries[1], INT64_MAX);
    assert_null(admit_waiting(4, CAROL));
    assert_ptr_equal(cancelled[0], &entries[1]);
}

static void leaving_makes_room(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        admit(i, ALICE);
    lanes_leave(&lanes, &entries[1]);
    assert_null(admit(3, ALICE));
    lanes_leave(&lanes, &entries[3]);
    lanes_leave(&lanes, &entries[0]);
    lanes_leave(&lanes, &entries[2]);
    assert_int_equal(lanes.count, 0);
}

static void the_late_are_cancelled(void **state)
{
    (void)state;
    lanes.most = 8;
    for (int i = 0; i < 4; i++) {
        entries[i].until = 100;
        entries[i].latest = 200;
        admit(i, ALICE);
    }
    lanes_wait(&lanes, &entries[1]);
    lanes_wait(&lanes, &entries[2]);
    (void)lanes_take(&lanes); /* 1 */
    lanes_sweep(&lanes, 99);
    assert_int_equal(n_cancelled, 0);
    lanes_sweep(&lanes, 100); /* 2 waits: a worker will see; 1 is handled, until 200 */
    assert_int_equal(n_cancelled, 2);
    assert_ptr_equal(cancelled[0], &entries[3]);
    assert_ptr_equal(cancelled[1], &entries[0]);
    lanes_leave(&lanes, &entries[3]);
    lanes_leave(&lanes, &entries[0]);
    lanes_sweep(&lanes, 200);
    assert_ptr_equal(cancelled[2], &entries[1]);
    lanes_answer(&lanes, &entries[1], 300);
    lanes_sweep(&lanes, 299);
    assert_int_equal(n_cancelled, 3);
    lanes_sweep(&lanes, 300);
    assert_ptr_equal(cancelled[3], &entries[1]);
}

int main(void)
{
#define LANES_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        LANES_TEST(connections_have_turns),
        LANES_TEST(so_many_run_at_once),
        LANES_TEST(the_fullest_loses_its_newest),
        LANES_TEST(one_that_arrives_makes_room_too),
        LANES_TEST(who_is_handled_stays),
        LANES_TEST(leaving_makes_room),
        LANES_TEST(the_late_are_cancelled),
        LANES_TEST(a_lane_that_lost_all_has_turns_again),
        LANES_TEST(a_method_leaves_some_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
