/* gateway/limits.h: the settings make a policy, or are named. */
#include "gateway/limits.h"

#include "gateway/settings.h"
#include "tests/support/arena_case.h"
#include "tests/support/settings.h"

static struct ink_status make(char **environment, struct gateway_limits **ret_limits)
{
    struct gateway_settings settings = {0};
    struct ink_metrics *metrics = ink_metrics_new();
    settings_load(gateway_settings_table, environment, &arena, &settings);
    struct ink_status status = gateway_limits_new(&settings.limits, settings.tokens.secret, NULL,
                                                  metrics, &arena, ret_limits);
    ink_metrics_free(metrics);
    return status;
}

static bool spared(const struct gateway_limits *limits, const char *address)
{
    struct ink_ip ip;
    assert_true(ink_ip_parse(address, strlen(address), &ip));
    return gateway_limits_spare((void *)limits, &ip);
}

static void defaults(void **state)
{
    struct gateway_limits *limits = NULL;
    (void)state;
    assert_int_equal(make((char *[]){SETTINGS_SECRET, NULL}, &limits).code, INK_OK);
    assert_int_equal(limits->address.count, 3000);
    assert_null(limits->limits[INKMESH__OPTIONS__V1__RATE_LIMIT__RATE_LIMIT_UNSPECIFIED].name);
    for (size_t i = 1; i < GATEWAY_N_LIMITS; i++) {
        assert_non_null(limits->limits[i].name);
        assert_true(limits->limits[i].address.count > 0);
    }
    assert_false(spared(limits, "127.0.0.1"));
    gateway_limits_free(limits);
    gateway_limits_free(NULL);
}

static void lists(void **state)
{
    struct gateway_limits *limits = NULL;
    (void)state;
    char *environment[] = {SETTINGS_SECRET, "TRUSTED_PROXIES=10.0.0.0/8",
                           "RATE_LIMIT_EXEMPT=127.0.0.1/32,::1/128", "RATE_LIMIT_ADDRESS=off",
                           NULL};
    assert_int_equal(make(environment, &limits).code, INK_OK);
    assert_int_equal(limits->address.count, 0);
    assert_true(spared(limits, "10.1.2.3"));
    assert_true(spared(limits, "::1"));
    assert_false(spared(limits, "127.0.0.2"));
    gateway_limits_free(limits);
    environment[2] = "RATE_LIMIT_EXEMPT=none";
    assert_int_equal(make(environment, &limits).code, INK_OK);
    assert_false(spared(limits, "::1"));
    gateway_limits_free(limits);
}

static void refused(void **state)
{
    static char *const wrong[] = {
        "TRUSTED_PROXIES=none",           "TRUSTED_PROXIES=10.0.0.1/8",
        "RATE_LIMIT_EXEMPT=localhost",    "RATE_LIMIT_ADDRESS=100",
        "RATE_LIMIT_LOGIN=0/1m",          "RATE_LIMIT_LOGIN_FAILURES=many",
        "RATE_LIMIT_LOGIN_ACCOUNT=-1/1h", "RATE_LIMIT_REGISTER=1/1y",
        "RATE_LIMIT_REFRESH=1/",
    };
    (void)state;
    for (size_t i = 0; i < INK_COUNT(wrong); i++) {
        struct gateway_limits *limits = NULL;
        struct ink_status status = make((char *[]){SETTINGS_SECRET, wrong[i], NULL}, &limits);
        assert_int_equal(status.code, INK_INVALID_ARGUMENT);
        assert_memory_equal(status.message, wrong[i], strcspn(wrong[i], "="));
        assert_null(limits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(lists),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
