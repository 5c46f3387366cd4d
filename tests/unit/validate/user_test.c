/* The rules of our own contract. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "inkmesh/user/v1/user.pb-c.h"
#include "inkmesh_contract.h"
#include "lib/base/clock.h"
#include "lib/contract/contract.h"
#include "lib/validate/validate.h"

struct fixture {
    struct ink_arena arena;
    struct ink_contract *contract;
    struct ink_validator *validator;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    ink_arena_init(&fixture.arena);
    *state = &fixture;
    return !ink_is_ok(ink_contract_load(&inkmesh_contract, &fixture.arena, &fixture.contract)) ||
           !ink_is_ok(ink_validator_new(fixture.contract, &fixture.arena, &fixture.validator));
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ink_validator_free(f->validator);
    ink_contract_free(f->contract);
    ink_arena_release(&f->arena);
    return 0;
}

static struct ink_status check(struct fixture *f, const ProtobufCMessage *message)
{
    return ink_validate(f->validator, &f->arena,
                        ink_contract_message_of(f->contract, message->descriptor), message);
}

static struct ink_status check_register(struct fixture *f, const char *name, const char *email,
                                        const char *password)
{
    Inkmesh__User__V1__RegisterRequest m = INKMESH__USER__V1__REGISTER_REQUEST__INIT;
    m.username = (char *)name;
    m.email = (char *)email;
    m.password = (char *)password;
    return check(f, &m.base);
}

static void expect(struct fixture *f, const char *name, const char *email, const char *password,
                   const char *field, const char *message)
{
    struct ink_status status = check_register(f, name, email, password);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_string_equal(status.violations->field, field);
    assert_string_equal(status.violations->message, message);
    assert_null(status.violations->next);
}

static void register_requests(void **state)
{
    struct fixture *f = *state;
    assert_true(ink_is_ok(check_register(f, "ann", "ann@example.com", "12345678")));
    assert_true(ink_is_ok(check_register(f, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "a@b",
                                         "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                                         "abcd")));
    expect(f, "an", "a@b", "12345678", "username", "must be at least 3 characters");
    char long_name[52];
    memset(long_name, 'a', 51);
    long_name[51] = '\0';
    expect(f, long_name, "a@b", "12345678", "username", "must be at most 50 characters");
    expect(f, "ann", "ann", "12345678", "email", "must be a valid email address");
    expect(f, "ann", "a@b", "1234567", "password", "must be at least 8 characters");
    char password[74];
    memset(password, 'p', 73);
    password[73] = '\0';
    expect(f, "ann", "a@b", password, "password", "must be at most 72 bytes");
    password[72] = '\0';
    assert_true(ink_is_ok(check_register(f, "ann", "a@b", password)));
}

static void every_violation_is_reported(void **state)
{
    struct ink_status status = check_register(*state, "a", "", "short");
    assert_string_equal(status.message, "username: must be at least 3 characters (and 2 more)");
    const struct ink_violation *v = status.violations;
    assert_string_equal(v->field, "username");
    assert_string_equal(v->next->field, "email");
    assert_string_equal(v->next->next->field, "password");
    assert_null(v->next->next->next);
}

static void batches_of_ids(void **state)
{
    char *ids[101];
    for (int i = 0; i < 101; i++)
        ids[i] = "0198e3a5-7c2b-7e3a-9d40-5b1c2d3e4f50";
    Inkmesh__User__V1__BatchGetUsersRequest m = INKMESH__USER__V1__BATCH_GET_USERS_REQUEST__INIT;
    m.ids = ids;
    assert_string_equal(check(*state, &m.base).message, "ids: must have at least 1 item");
    m.n_ids = 100;
    assert_true(ink_is_ok(check(*state, &m.base)));
    ids[7] = "7";
    assert_string_equal(check(*state, &m.base).message, "ids[7]: must be a valid UUID");
    m.n_ids = 101;
    assert_string_equal(check(*state, &m.base).violations->message, "must have at most 100 items");
}

static void empty_requests_have_a_plan_too(void **state)
{
    Inkmesh__User__V1__GetProfileRequest m = INKMESH__USER__V1__GET_PROFILE_REQUEST__INIT;
    assert_true(ink_is_ok(check(*state, &m.base)));
}

/* Not a benchmark, but what must not become slow: the plan is walked on every call. */
static void checking_takes_microseconds(void **state)
{
    struct fixture *f = *state;
    enum { ROUNDS = 20000 };
    int64_t start = ink_now();
    for (int i = 0; i < ROUNDS; i++)
        assert_true(ink_is_ok(check_register(f, "annabelle", "ann@example.com", "12345678")));
    int64_t each = (ink_now() - start) / ROUNDS;
    print_message("a good Register request: %lld ns\n", (long long)each);
    assert_true(each <
                100 * INK_MICROSECOND); /* 0.2 us, with room for sanitizers and busy machines */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(register_requests),
        cmocka_unit_test(every_violation_is_reported),
        cmocka_unit_test(batches_of_ids),
        cmocka_unit_test(empty_requests_have_a_plan_too),
        cmocka_unit_test(checking_takes_microseconds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
