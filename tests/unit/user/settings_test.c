/* services/user/settings.h: the defaults of the design, and what must not start. */
#include "services/user/settings.h"

#include "tests/support/settings.h"

static void refused(const char *name, char **environment)
{
    struct user_settings settings = {0};
    settings_refuse(user_settings_table, environment, name, &settings);
}

static void test_defaults(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct user_settings settings = {0};
    settings_load(user_settings_table, (char *[]){SETTINGS_SECRET, NULL}, &arena, &settings);
    assert_string_equal(settings.backing.rpc.address, "127.0.0.1:3001");
    assert_string_equal(settings.backing.mesh.admin_address, "127.0.0.1:9101");
    assert_int_equal(settings.backing.rpc.workers, 64);
    assert_int_equal(settings.token_ttl, 3600);
    assert_int_equal(settings.refresh_ttl, 30 * 24 * 3600);
    assert_int_equal(settings.bcrypt_cost, 10);
    assert_string_equal(settings.backing.tokens.issuer, "inkmesh");
    assert_string_equal(settings.backing.tokens.audience, "inkmesh");
    assert_string_equal(settings.backing.tokens.secret, strchr(SETTINGS_SECRET, '=') + 1);
    /* They serve a machine of any size that hashes on up to 16 processors. */
    assert_int_equal(user_settings_check(&settings, 16, &arena).code, INK_OK);
    ink_arena_release(&arena);
}

static void test_refused(void **state)
{
    (void)state;
    refused("JWT_SECRET", (char *[]){NULL});
    refused("JWT_SECRET", (char *[]){"JWT_SECRET=0123456789abcdef0123456789abcde", NULL});
    refused("BCRYPT_COST", (char *[]){SETTINGS_SECRET, "BCRYPT_COST=3", NULL});
    refused("BCRYPT_COST", (char *[]){SETTINGS_SECRET, "BCRYPT_COST=17", NULL});
    refused("JWT_LEEWAY", (char *[]){SETTINGS_SECRET, "JWT_LEEWAY=301s", NULL});
    refused("REFRESH_TOKEN_TTL", (char *[]){SETTINGS_SECRET, "REFRESH_TOKEN_TTL=0", NULL});
}

/* Logins and what hangs in the database may not hold all workers. */
static void test_workers_are_left_for_others(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct user_settings settings = {
        .bcrypt_queue = 4, .backing.database_pool = 3, .backing.rpc.workers = 13};
    assert_int_equal(user_settings_check(&settings, 2, &arena).code, INK_OK);
    struct ink_status status = user_settings_check(&settings, 3, &arena);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_non_null(strstr(status.message, "BCRYPT_QUEUE"));
    assert_non_null(strstr(status.message, "DATABASE_POOL"));
    assert_non_null(strstr(status.message, "GRPC_WORKERS"));
    ink_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_workers_are_left_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
