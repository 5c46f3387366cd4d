/* services/blog/settings.h: the defaults of the design, and what must not start. */
#include "services/blog/settings.h"

#include "tests/support/settings.h"

static void refused(const char *name, char **environment)
{
    struct blog_settings settings = {0};
    settings_refuse(blog_settings_table, environment, name, &settings);
}

static void test_defaults(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct blog_settings settings = {0};
    settings_load(blog_settings_table, (char *[]){SETTINGS_SECRET, NULL}, &arena, &settings);
    assert_string_equal(settings.backing.rpc.address, "127.0.0.1:3002");
    assert_string_equal(settings.backing.mesh.admin_address, "127.0.0.1:9102");
    assert_non_null(strstr(settings.backing.database_url, ":5434/blog_db"));
    assert_string_equal(settings.backing.tokens.issuer, "inkmesh");
    assert_string_equal(settings.backing.tokens.audience, "inkmesh");
    assert_string_equal(settings.backing.tokens.secret, strchr(SETTINGS_SECRET, '=') + 1);
    ink_arena_release(&arena);
}

static void test_refused(void **state)
{
    (void)state;
    refused("JWT_SECRET", (char *[]){NULL});
    refused("JWT_SECRET", (char *[]){"JWT_SECRET=0123456789abcdef0123456789abcde", NULL});
    refused("DATABASE_POOL", (char *[]){SETTINGS_SECRET, "DATABASE_POOL=0", NULL});
    refused("REDIS_POOL", (char *[]){SETTINGS_SECRET, "REDIS_POOL=1001", NULL});
    refused("JWT_LEEWAY", (char *[]){SETTINGS_SECRET, "JWT_LEEWAY=301s", NULL});
}

/* What hangs in the database may not hold all workers. */
static void test_workers_are_left_for_others(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct blog_settings settings = {0};
    settings_load(blog_settings_table, (char *[]){SETTINGS_SECRET, NULL}, &arena, &settings);
    assert_int_equal(ink_backing_check(&settings.backing, &arena).code, INK_OK);
    settings.backing.database_pool = settings.backing.rpc.workers - INK_BACKING_SPARE_WORKERS;
    assert_int_equal(ink_backing_check(&settings.backing, &arena).code, INK_OK);
    settings.backing.database_pool++;
    struct ink_status status = ink_backing_check(&settings.backing, &arena);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
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
