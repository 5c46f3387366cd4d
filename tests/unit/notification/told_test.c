/* services/notification/told.h. */
#include "services/notification/told.h"

#include <string.h>

#include "tests/support/arena_case.h"

#define USER "01890000-0000-7000-8000-00000000000a"

static struct ink_event event_of(const char *type, const char *payload)
{
    return (struct ink_event){.type = type, .payload = payload, .payload_size = strlen(payload)};
}

static void assert_told(const char *type, const char *payload, const char *message,
                        const char *kind)
{
    struct ink_event event = event_of(type, payload);
    struct notification_row row = {0};
    assert_true(notification_told(&arena, &event, &row));
    assert_null(event.rejected);
    assert_string_equal(row.user_id, USER);
    assert_string_equal(row.message, message);
    assert_string_equal(row.type, kind);
}

static void test_texts(void **state)
{
    (void)state;
    assert_told("user-registered",
                "{\"type\":\"user-registered\",\"userId\":\"" USER "\",\"username\":\"Ada\"}",
                "Welcome, Ada! Your account has been created.", "email");
    assert_told("blog-published",
                "{\"authorId\":\"01890000-0000-7000-8000-00000000000A\","
                "\"title\":\"On \\u0022Engines\\u0022\",\"more\":{\"a\":[1]}}",
                "Your blog On \"Engines\" has been created.", "in-app");
    assert_told("blog-updated", " {\"title\":\"\",\"authorId\":\"" USER "\"} ",
                "Your blog  has been updated.", "in-app");
}

static void test_deletes_tell_nothing(void **state)
{
    (void)state;
    struct ink_event event = event_of("blog-deleted", "{\"authorId\":\"" USER "\"}");
    struct notification_row row;
    assert_false(notification_told(&arena, &event, &row));
    assert_null(event.rejected);
}

static void assert_rejected(const char *payload, const char *reason)
{
    struct ink_event event = event_of("blog-published", payload);
    struct notification_row row = {.seq = 7};
    assert_false(notification_told(&arena, &event, &row));
    assert_non_null(event.rejected);
    assert_non_null(strstr(event.rejected, reason));
    assert_int_equal(row.seq, 7);
}

static void test_rejected(void **state)
{
    (void)state;
    assert_rejected("", "not a JSON object");
    assert_rejected("[]", "not a JSON object");
    assert_rejected("{\"title\":\"x\",}", "not a JSON object");
    assert_rejected("{\"title\":\"x\"} {}", "not a JSON object");
    assert_rejected("{\"title\":\"\xff\"}", "not a JSON object");
    assert_rejected("{\"title\":\"x\"}", "authorId");
    assert_rejected("{\"title\":\"x\",\"authorId\":null}", "authorId");
    assert_rejected("{\"title\":\"x\",\"authorId\":\"me\"}", "authorId");
    assert_rejected("{\"authorId\":\"" USER "\"}", "title");
    assert_rejected("{\"authorId\":\"" USER "\",\"title\":{}}", "title");
    assert_rejected("{\"authorId\":\"" USER "\",\"title\":\"a\\u0000b\"}", "title");
}

/* "Your blog " and " has been created." are 28 characters. */
static void test_length(void **state)
{
    (void)state;
    char title[473 * 2 + 1] = "";
    for (size_t i = 0; i < 472; i++)
        strcat(title, "\xc3\xa9");
    struct ink_event event =
        event_of("blog-published",
                 ink_arena_printf(&arena, "{\"authorId\":\"" USER "\",\"title\":\"%s\"}", title));
    struct notification_row row;
    assert_true(notification_told(&arena, &event, &row));
    strcat(title, "x");
    assert_rejected(ink_arena_printf(&arena, "{\"authorId\":\"" USER "\",\"title\":\"%s\"}", title),
                    "500 characters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(test_texts),
        ARENA_TEST(test_deletes_tell_nothing),
        ARENA_TEST(test_rejected),
        ARENA_TEST(test_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
