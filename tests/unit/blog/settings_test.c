/* services/blog/settings.h: the defaults of the design, and what must not start. */
#include "services/blog/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SECRET "JWT_SECRET=0123456789abcdef0123456789abcdef"

static const struct ink_config_program program = {
    .name = "blog", .version = "0", .summary = "test", .settings = blog_settings_table};

struct fixture {
    struct ink_arena arena;
    struct ink_buf text;
    struct blog_settings settings;
};

static enum ink_config_outcome load(struct fixture *f, char **environment)
{
    static char *const argv[] = {"blog", NULL};
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
    assert_string_equal(f.settings.backing.rpc.address, "127.0.0.1:3002");
    assert_string_equal(f.settings.backing.mesh.admin_address, "127.0.0.1:9102");
    assert_non_null(strstr(f.settings.backing.database_url, ":5434/blog_db"));
    assert_string_equal(f.settings.backing.tokens.issuer, "inkmesh");
    assert_string_equal(f.settings.backing.tokens.audience, "inkmesh");
    assert_string_equal(f.settings.backing.tokens.secret, strchr(SECRET, '=') + 1);
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
    refused("DATABASE_POOL", (char *[]){SECRET, "DATABASE_POOL=0", NULL});
    refused("REDIS_POOL", (char *[]){SECRET, "REDIS_POOL=1001", NULL});
    refused("JWT_LEEWAY", (char *[]){SECRET, "JWT_LEEWAY=301s", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
