/* services/user/settings.h: the defaults of the design, and what must not start. */
#include "services/user/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SECRET "JWT_SECRET=0123456789abcdef0123456789abcdef"

static const struct ink_config_program program = {
    .name = "user", .version = "0", .summary = "test", .settings = user_settings_table};

struct fixture {
    struct ink_arena arena;
    struct ink_buf text;
    struct user_settings settings;
};

static enum ink_config_outcome load(struct fixture *f, char **environment)
{
    static char *const argv[] = {"user", NULL};
    *f = (struct fixture){.text = INK_BUF_INIT};
    ink_arena_init(&f->arena);
    return ink_config_load(&program, 1, argv, environment, &f->arena, &f->text, &f->settings);
}

static void release(struct fixture *f)
{
    ink_buf_release(&f->text);
    ink_arena_release(&f->arena);
}

static void test_defaults(void **state)
{
    (void)state;
    struct fixture f;
    assert_int_equal(load(&f, (char *[]){SECRET, NULL}), INK_CONFIG_RUN);
    assert_string_equal(f.settings.backing.rpc.address, "127.0.0.1:3001");
    assert_string_equal(f.settings.backing.mesh.admin_address, "127.0.0.1:9101");
    assert_int_equal(f.settings.backing.rpc.workers, 64);
    assert_int_equal(f.settings.token_ttl, 3600);
    assert_int_equal(f.settings.refresh_ttl, 30 * 24 * 3600);
    assert_int_equal(f.settings.bcrypt_cost, 10);
    assert_string_equal(f.settings.backing.tokens.issuer, "inkmesh");
    assert_string_equal(f.settings.backing.tokens.audience, "inkmesh");
    assert_string_equal(f.settings.backing.tokens.secret, strchr(SECRET, '=') + 1);
    /* They serve a machine of any size that hashes on up to 16 processors. */
    assert_int_equal(user_settings_check(&f.settings, 16, &f.arena).code, INK_OK);
    release(&f);
}

static void refused(const char *name, char **environment)
{
    struct fixture f;
    assert_int_equal(load(&f, environment), INK_CONFIG_WRONG);
    assert_non_null(strstr(f.text.data, name));
    release(&f);
}

static void test_refused(void **state)
{
    (void)state;
    refused("JWT_SECRET", (char *[]){NULL});
    refused("JWT_SECRET", (char *[]){"JWT_SECRET=0123456789abcdef0123456789abcde", NULL});
    refused("BCRYPT_COST", (char *[]){SECRET, "BCRYPT_COST=3", NULL});
    refused("BCRYPT_COST", (char *[]){SECRET, "BCRYPT_COST=17", NULL});
    refused("JWT_LEEWAY", (char *[]){SECRET, "JWT_LEEWAY=301s", NULL});
    refused("REFRESH_TOKEN_TTL", (char *[]){SECRET, "REFRESH_TOKEN_TTL=0", NULL});
}

/* Logins may hold three quarters of the workers and no more. */
static void test_workers_are_left_for_others(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct user_settings settings = {.bcrypt_queue = 4, .backing.rpc.workers = 8};
    assert_int_equal(user_settings_check(&settings, 2, &arena).code, INK_OK);
    struct ink_status status = user_settings_check(&settings, 3, &arena);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_non_null(strstr(status.message, "BCRYPT_QUEUE"));
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
