/* services/notification/settings.h: the defaults of the design, and what must not start. */
#include "services/notification/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SECRET "JWT_SECRET=0123456789abcdef0123456789abcdef"

static const struct ink_config_program program = {.name = "notification",
                                                  .version = "0",
                                                  .summary = "test",
                                                  .settings = notification_settings_table};

struct fixture {
    struct ink_arena arena;
    struct ink_buf text;
    struct notification_settings settings;
};

static enum ink_config_outcome load(struct fixture *f, char **environment)
{
    static char *const argv[] = {"notification", NULL};
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
    assert_string_equal(f.settings.backing.rpc.address, "127.0.0.1:3003");
    assert_string_equal(f.settings.backing.mesh.admin_address, "127.0.0.1:9103");
    assert_non_null(strstr(f.settings.backing.database_url, ":5435/notification_db"));
    assert_int_equal(f.settings.stream_poll_ms, 2000);
    assert_null(f.settings.backing.kafka.brokers);
    assert_int_equal(notification_settings_check(&f.settings, &f.arena).code, INK_OK);
    release(&f);
}

static void test_streams_leave_room_for_others(void **state)
{
    (void)state;
    struct fixture f;
    char *environment[] = {SECRET, "GRPC_MAX_STREAMS=50", "STREAMS_MAX=50", NULL};
    assert_int_equal(load(&f, environment), INK_CONFIG_RUN);
    struct ink_status status = notification_settings_check(&f.settings, &f.arena);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_non_null(strstr(status.message, "STREAMS_MAX (50)"));
    f.settings.streams = 49;
    assert_int_equal(notification_settings_check(&f.settings, &f.arena).code, INK_OK);
    release(&f);
}

static void refused(const char *name, char **environment)
{
    struct fixture f;
    assert_int_equal(load(&f, environment), INK_CONFIG_WRONG);
    assert_non_null(strstr(f.text.data, name));
    release(&f);
}

static void test_wrong_ones(void **state)
{
    (void)state;
    refused("JWT_SECRET", (char *[]){NULL});
    refused("STREAMS_PER_USER", (char *[]){SECRET, "STREAMS_PER_USER=0", NULL});
    refused("STREAM_POLL", (char *[]){SECRET, "STREAM_POLL=1ms", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_streams_leave_room_for_others),
        cmocka_unit_test(test_wrong_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
