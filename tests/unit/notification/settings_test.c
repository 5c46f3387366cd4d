/* services/notification/settings.h: the defaults of the design, and what must not start. */
#include "services/notification/settings.h"

#include "lib/smtp/smtp.h"
#include "tests/support/settings.h"

static void refused(const char *name, char **environment)
{
    struct notification_settings settings = {0};
    settings_refuse(notification_settings_table, environment, name, &settings);
}

static void test_defaults(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct notification_settings settings = {0};
    settings_load(notification_settings_table, (char *[]){SETTINGS_SECRET, NULL}, &arena,
                  &settings);
    assert_string_equal(settings.backing.rpc.address, "127.0.0.1:3003");
    assert_string_equal(settings.backing.mesh.admin_address, "127.0.0.1:9103");
    assert_non_null(strstr(settings.backing.database_url, ":5435/notification_db"));
    assert_int_equal(settings.stream_poll_ms, 2000);
    assert_null(settings.backing.kafka.brokers);
    assert_int_equal(notification_settings_check(&settings, &arena).code, INK_OK);
    ink_arena_release(&arena);
}

static void test_mail(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct notification_settings settings = {0};
    settings_load(notification_settings_table, (char *[]){SETTINGS_SECRET, NULL}, &arena,
                  &settings);
    assert_null(settings.mail.smtp.url);
    assert_int_equal(settings.mail.smtp.starttls, INK_SMTP_STARTTLS_REQUIRED);
    assert_int_equal(settings.mail.smtp.timeout_ms, 30000);
    assert_int_equal(settings.mail.attempts, 12);
    assert_int_equal(settings.mail.max_age_s, 86400);
    assert_string_equal(settings.mail.user_service, "127.0.0.1:3001");
    ink_arena_release(&arena);
}

static void test_streams_leave_room_for_others(void **state)
{
    (void)state;
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct notification_settings settings = {0};
    char *environment[] = {SETTINGS_SECRET, "GRPC_MAX_STREAMS=50", "STREAMS_MAX=50", NULL};
    settings_load(notification_settings_table, environment, &arena, &settings);
    struct ink_status status = notification_settings_check(&settings, &arena);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_non_null(strstr(status.message, "STREAMS_MAX (50)"));
    settings.streams = 49;
    assert_int_equal(notification_settings_check(&settings, &arena).code, INK_OK);
    ink_arena_release(&arena);
}

static void test_wrong_ones(void **state)
{
    (void)state;
    refused("SMTP_STARTTLS", (char *[]){SETTINGS_SECRET, "SMTP_STARTTLS=perhaps", NULL});
    refused("EMAIL_ATTEMPTS", (char *[]){SETTINGS_SECRET, "EMAIL_ATTEMPTS=0", NULL});
    refused("JWT_SECRET", (char *[]){NULL});
    refused("STREAMS_PER_USER", (char *[]){SETTINGS_SECRET, "STREAMS_PER_USER=0", NULL});
    refused("STREAM_POLL", (char *[]){SETTINGS_SECRET, "STREAM_POLL=1ms", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_mail),
        cmocka_unit_test(test_streams_leave_room_for_others),
        cmocka_unit_test(test_wrong_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
