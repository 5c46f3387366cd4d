/* lib/smtp/smtp.h, as far as no server is needed. */
#include "lib/smtp/smtp.h"

#include <string.h>

#include "tests/support/arena_case.h"

static enum ink_code make(const struct ink_smtp_settings *settings)
{
    struct ink_smtp *smtp = NULL;
    enum ink_code code = ink_smtp_new(settings, &smtp).code;
    assert_true((code == INK_OK) == (smtp != NULL));
    ink_smtp_free(smtp);
    return code;
}

static void test_urls(void **state)
{
    (void)state;
    static const char *const good[] = {"smtp://mail", "smtp://mail.example.com:587",
                                       "smtps://mail:465", "smtp://127.0.0.1:1025/client.example",
                                       "smtp://[::1]:1025"};
    static const char *const bad[] = {"",
                                      "mail:587",
                                      "http://mail",
                                      "smtp:",
                                      "smtp://",
                                      "smtp://user:secret@mail",
                                      "smtp://mail:99999",
                                      "smtp://mail?x",
                                      "smtp://mail#x",
                                      "smtp://mail/a\r\nQUIT",
                                      "smtp://mail/%0d%0aQUIT"};
    for (size_t i = 0; i < INK_COUNT(good); i++)
        assert_int_equal(make(&(struct ink_smtp_settings){.url = good[i]}), INK_OK);
    for (size_t i = 0; i < INK_COUNT(bad); i++)
        assert_int_equal(make(&(struct ink_smtp_settings){.url = bad[i]}), INK_INVALID_ARGUMENT);
}

static enum ink_code with_password(const char *url, enum ink_smtp_starttls starttls)
{
    return make(&(struct ink_smtp_settings){
        .url = url, .starttls = starttls, .user = "ink", .password = "secret"});
}

static void test_no_password_in_the_clear(void **state)
{
    (void)state;
    assert_int_equal(with_password("smtp://mail", INK_SMTP_STARTTLS_REQUIRED), INK_OK);
    assert_int_equal(with_password("smtps://mail", INK_SMTP_STARTTLS_OFF), INK_OK);
    assert_int_equal(with_password("smtp://127.0.0.1:1025", INK_SMTP_STARTTLS_OFF), INK_OK);
    assert_int_equal(with_password("smtp://localhost", INK_SMTP_STARTTLS_OFF), INK_OK);
    assert_int_equal(with_password("smtp://[::1]/x", INK_SMTP_STARTTLS_OFF), INK_OK);
    assert_int_equal(with_password("smtp://mail", INK_SMTP_STARTTLS_OFF), INK_INVALID_ARGUMENT);
    assert_int_equal(with_password("smtp://mail", INK_SMTP_STARTTLS_OPPORTUNISTIC),
                     INK_INVALID_ARGUMENT);
    assert_int_equal(with_password("smtp://127.0.0.1.example", INK_SMTP_STARTTLS_OFF),
                     INK_INVALID_ARGUMENT);
    assert_int_equal(with_password("smtp://localhost.example", INK_SMTP_STARTTLS_OFF),
                     INK_INVALID_ARGUMENT);
}

static void test_user_and_password_go_together(void **state)
{
    (void)state;
    assert_int_equal(make(&(struct ink_smtp_settings){.url = "smtps://mail", .user = "ink"}),
                     INK_INVALID_ARGUMENT);
    assert_int_equal(make(&(struct ink_smtp_settings){.url = "smtps://mail", .password = "x"}),
                     INK_INVALID_ARGUMENT);
}

/* Nothing listens there; nothing is asked either. */
static void test_refused_before_it_is_sent(void **state)
{
    (void)state;
    struct ink_smtp *smtp;
    struct ink_ctx ctx = ink_ctx_background(&arena);
    atomic_bool cancelled = true;
    assert_int_equal(
        ink_smtp_new(&(struct ink_smtp_settings){.url = "smtp://127.0.0.1:1"}, &smtp).code, INK_OK);
    assert_int_equal(ink_smtp_send(smtp, &ctx, "a@b", "c@d\r\nRCPT TO:<e@f>", "x", 1).code,
                     INK_INVALID_ARGUMENT);
    assert_int_equal(ink_smtp_send(smtp, &ctx, "a@b>", "c@d", "x", 1).code, INK_INVALID_ARGUMENT);
    ctx.deadline = ink_now();
    assert_int_equal(ink_smtp_send(smtp, &ctx, "a@b", "c@d", "x", 1).code, INK_UNAVAILABLE);
    ctx.cancelled = &cancelled;
    assert_int_equal(ink_smtp_send(smtp, &ctx, "a@b", "c@d", "x", 1).code, INK_CANCELLED);
    ink_smtp_free(smtp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(test_urls),
        ARENA_TEST(test_no_password_in_the_clear),
        ARENA_TEST(test_user_and_password_go_together),
        ARENA_TEST(test_refused_before_it_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
