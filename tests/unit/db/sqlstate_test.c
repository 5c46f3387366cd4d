/* What each SQLSTATE means for a caller, and what of it reaches whom. */
#include <string.h>

#include "lib/db/db.h"
#include "lib/db/sqlstate.h"
#include "tests/support/arena_case.h"

static struct ink_status map(const char *sqlstate)
{
    return ink_db_sqlstate_status(&arena, sqlstate, NULL, "text");
}

static void codes(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        enum ink_code code;
        bool retry, breaks;
    } cases[] = {
        {"08006", INK_UNAVAILABLE, true, true},
        {"08P01", INK_UNAVAILABLE, true, true},
        {"0A000", INK_UNAVAILABLE, true, true},
        {"21000", INK_INTERNAL, false, false},
        {"22021", INK_INVALID_ARGUMENT, false, false},
        {"22P05", INK_INVALID_ARGUMENT, false, false},
        {"22P02", INK_INTERNAL, false, false},
        {"22003", INK_INTERNAL, false, false},
        {"23503", INK_INTERNAL, false, false},
        {"23505", INK_ALREADY_EXISTS, false, false},
        {"23514", INK_INTERNAL, false, false},
        {"25006", INK_UNAVAILABLE, true, true},
        {"25P02", INK_INTERNAL, false, false},
        {"25P03", INK_UNAVAILABLE, true, true},
        {"26000", INK_UNAVAILABLE, true, true},
        {"40001", INK_ABORTED, false, false},
        {"40003", INK_ABORTED, false, false},
        {"40P01", INK_ABORTED, false, false},
        {"42501", INK_UNAVAILABLE, true, false},
        {"42601", INK_INTERNAL, false, false},
        {"42P05", INK_UNAVAILABLE, true, true},
        {"53100", INK_RESOURCE_EXHAUSTED, true, false},
        {"53200", INK_RESOURCE_EXHAUSTED, true, false},
        {"53300", INK_RESOURCE_EXHAUSTED, true, false},
        {"55P03", INK_ABORTED, false, false},
        {"57014", INK_DEADLINE_EXCEEDED, false, false},
        {"57P01", INK_UNAVAILABLE, true, true},
        {"57P03", INK_UNAVAILABLE, true, true},
        {"57P05", INK_UNAVAILABLE, true, true},
        {"58000", INK_UNAVAILABLE, true, false},
        {"58030", INK_UNAVAILABLE, true, false},
        {"58P01", INK_UNAVAILABLE, true, false},
        {"P0001", INK_INTERNAL, false, false},
        {"XX000", INK_UNAVAILABLE, true, true},
        {"XX001", INK_UNAVAILABLE, true, true},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_status status = map(cases[i].sqlstate);
        if (status.code != cases[i].code || (status.retry_after_ms > 0) != cases[i].retry ||
            ink_db_sqlstate_breaks(cases[i].sqlstate) != cases[i].breaks)
            fail_msg("%s: code %s, retry after %d ms", cases[i].sqlstate,
                     ink_code_name(status.code), (int)status.retry_after_ms);
    }
}

static void lost_connection_has_no_sqlstate(void **state)
{
    (void)state;
    struct ink_status status =
        ink_db_sqlstate_status(&arena, NULL, NULL, "server closed the connection\n");
    assert_int_equal(status.code, INK_UNAVAILABLE);
    assert_true(status.retry_after_ms > 0);
    assert_string_equal(status.cause, "server closed the connection");
    assert_true(ink_db_sqlstate_breaks(NULL));
}

static void internals_are_for_the_log(void **state)
{
    (void)state;
    struct ink_status status =
        ink_db_sqlstate_status(&arena, "42P01", NULL, "relation \"users\" does not exist\n");
    assert_string_equal(status.message, "internal error");
    assert_null(status.reason);
    assert_string_equal(status.cause, "42P01: relation \"users\" does not exist");
}

static void violated_constraint_is_told_to_the_service_only(void **state)
{
    (void)state;
    struct ink_status status = ink_db_sqlstate_status(
        &arena, "23505", "users_email_key", "duplicate key value violates unique constraint");
    assert_true(ink_db_violates(status, "users_email_key"));
    assert_false(ink_db_violates(status, "users_email"));
    assert_false(ink_db_violates(status, "users_email_key2"));
    assert_false(ink_db_violates(status, ""));
    assert_null(strstr(status.message, "users"));
    assert_null(status.reason);

    status = ink_db_sqlstate_status(&arena, "23503", "posts_author_fkey", "violates");
    assert_true(ink_db_violates(status, "posts_author_fkey"));
    assert_false(ink_db_violates(ink_ok(), "users_email_key"));
    assert_false(ink_db_violates(map("40001"), "text"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes),
        cmocka_unit_test(lost_connection_has_no_sqlstate),
        cmocka_unit_test(internals_are_for_the_log),
        cmocka_unit_test(violated_constraint_is_told_to_the_service_only),
    };
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
