/* Tokens that come again: they are known by then, and nothing else is. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/auth/auth.h"
#include "tests/support/arena_case.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define USER "0190a5c8-7b1e-7c3d-8f2a-1234567890ab"

static struct ink_auth *auth_with(int64_t access_ttl)
{
    struct ink_auth_options options = {.secret = SECRET, .access_ttl = access_ttl};
    struct ink_auth *auth = NULL;
    assert_true(ink_is_ok(ink_auth_new(&options, &arena, &auth)));
    return auth;
}

static char *bearer_of_user(const struct ink_auth *auth, const char *id)
{
    const char *token = NULL;
    assert_true(ink_is_ok(ink_auth_issue_user(auth, &arena, id, &token)));
    return ink_arena_printf(&arena, "Bearer %s", token);
}

static struct ink_caller caller_of(const struct ink_auth *auth, const char *header)
{
    struct ink_caller caller = {0};
    assert_true(ink_is_ok(ink_auth_verify(auth, &arena, header, &caller)));
    return caller;
}

/* More of them than are kept, so many take the place of others. */
static void test_each_is_who_it_was(void **state)
{
    enum { USERS = 10000 };
    (void)state;
    struct ink_auth *auth = auth_with(0);
    char **headers = ink_arena_calloc(&arena, USERS, sizeof(*headers));
    char id[37];
    for (int i = 0; i < USERS; i++) {
        snprintf(id, sizeof(id), "0190a5c8-7b1e-7c3d-8f2a-%012d", i);
        headers[i] = bearer_of_user(auth, id);
    }
    for (int i = 0; i < 3 * USERS; i++) {
        int user = i % USERS;
        snprintf(id, sizeof(id), "0190a5c8-7b1e-7c3d-8f2a-%012d", user);
        struct ink_caller caller = caller_of(auth, headers[user]);
        assert_string_equal(caller.id, id);
        assert_int_equal(caller.kind, INK_CALLER_USER);
        assert_in_range(caller.until - ink_now(), 3590 * INK_SECOND, 3600 * INK_SECOND);
    }
    ink_auth_free(auth);
}

static void test_what_is_like_a_known_one_is_refused(void **state)
{
    (void)state;
    struct ink_auth *auth = auth_with(0);
    char *header = bearer_of_user(auth, USER);
    (void)caller_of(auth, header);
    for (size_t at = strlen("Bearer "); header[at] != '\0'; at++) {
        char *other = ink_arena_strdup(&arena, header);
        struct ink_caller caller = {0};
        other[at] = other[at] == 'x' ? 'y' : 'x';
        assert_int_equal(ink_auth_verify(auth, &arena, other, &caller).code, INK_UNAUTHENTICATED);
    }
    (void)caller_of(auth, header);
    ink_auth_free(auth);
}

static void test_a_known_one_expires(void **state)
{
    (void)state;
    struct ink_auth *auth = auth_with(1);
    char *header = bearer_of_user(auth, USER);
    struct ink_caller caller = caller_of(auth, header);
    int64_t latest = ink_now() + 10 * INK_SECOND;
    struct ink_status status = ink_ok();
    while (ink_is_ok(status) && ink_now() < latest) {
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        status = ink_auth_verify(auth, &arena, header, &caller);
    }
    assert_int_equal(status.code, INK_UNAUTHENTICATED);
    assert_string_equal(status.reason, INK_AUTH_TOKEN_EXPIRED);
    ink_auth_free(auth);
}

static void test_services(void **state)
{
    static const char *const names[] = {
        "blog", "a-service-whose-name-is-longer-than-the-place-that-is-kept-for-a-name"};
    (void)state;
    struct ink_auth *auth = auth_with(0);
    for (size_t i = 0; i < INK_COUNT(names); i++) {
        const char *token = NULL;
        assert_true(ink_is_ok(ink_auth_issue_service(auth, &arena, names[i], &token)));
        const char *header = ink_arena_printf(&arena, "Bearer %s", token);
        for (int round = 0; round < 2; round++) {
            struct ink_caller caller = caller_of(auth, header);
            assert_string_equal(caller.id, names[i]);
            assert_int_equal(caller.kind, INK_CALLER_SERVICE);
        }
    }
    ink_auth_free(auth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(test_each_is_who_it_was),
        ARENA_TEST(test_what_is_like_a_known_one_is_refused),
        ARENA_TEST(test_a_known_one_expires),
        ARENA_TEST(test_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
