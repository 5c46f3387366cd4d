/* services/notification/mail_text.h. */
#include "services/notification/mail_text.h"

#include <string.h>

#include "tests/support/arena_case.h"

static const struct notification_email email = {
    .id = "01890000-0000-7000-8000-00000000000a",
    .user_id = "01890000-0000-7000-8000-00000000000b",
    .message = "Welcome, <Ada>!\nYour account has been created.",
    .created_at = INT64_C(1763859600000000),
};
static const struct notification_mail_frame frame = {.from = "no-reply@inkmesh.example",
                                                     .from_name = "inkmesh",
                                                     .to = "ada@example.com",
                                                     .to_name = "Ada"};

static void assert_holds(const struct ink_buf *message, const char *text)
{
    if (strstr(message->data, text) == NULL)
        fail_msg("no \"%s\" in:\n%s", text, message->data);
}

static void test_composed(void **state)
{
    (void)state;
    struct ink_buf message = INK_BUF_INIT, again = INK_BUF_INIT;
    assert_int_equal(notification_mail_compose(&arena, &frame, &email, &message).code, INK_OK);
    assert_holds(&message, "\r\nSubject: Welcome, <Ada>! Your account has been created.\r\n");
    assert_holds(&message,
                 "\r\nMessage-ID: <01890000-0000-7000-8000-00000000000a@inkmesh.example>\r\n");
    assert_holds(&message, "Date: Sun, 23 Nov 2025 01:00:00 +0000\r\n");
    assert_holds(&message, "\r\n\r\nWelcome, <Ada>!\r\nYour account has been created.\r\n--");
    assert_holds(&message, "<title>Welcome, &lt;Ada&gt;! Your account has been created.</title>");
    assert_holds(&message,
                 "<p>Welcome, &lt;Ada&gt;!<br>\r\nYour account has been created.</p>\r\n");
    assert_int_equal(notification_mail_compose(&arena, &frame, &email, &again).code, INK_OK);
    assert_string_equal(again.data, message.data);
    ink_buf_release(&message);
    ink_buf_release(&again);
}

static void test_an_address_that_is_none(void **state)
{
    (void)state;
    struct ink_buf message = INK_BUF_INIT;
    struct notification_mail_frame hostile = frame;
    hostile.to = "ada@example.com\r\nBcc: eve@example.com";
    assert_int_equal(notification_mail_compose(&arena, &hostile, &email, &message).code,
                     INK_INVALID_ARGUMENT);
    assert_int_equal(message.len, 0);
}

static void test_backoff(void **state)
{
    (void)state;
    int64_t expected = 1000;
    for (int64_t attempts = 1; attempts <= 100; attempts++) {
        assert_int_equal(notification_mail_backoff(1000, 60000, attempts, 0), expected);
        for (uint32_t jitter = 1; jitter < 5000; jitter += 7) {
            int64_t pause = notification_mail_backoff(1000, 60000, attempts, jitter);
            assert_true(pause >= expected / 2 && pause <= expected);
        }
        expected = expected * 2 < 60000 ? expected * 2 : 60000;
    }
    assert_int_equal(notification_mail_backoff(5000, 1000, 1, 0), 1000);
    assert_int_equal(notification_mail_backoff(86400000, 86400000, INT64_MAX, 0), 86400000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(test_composed),
        ARENA_TEST(test_an_address_that_is_none),
        ARENA_TEST(test_backoff),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
