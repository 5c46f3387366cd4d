#include "gateway/limits.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"

const struct ink_config_setting gateway_limit_settings_table[] = {
    INK_CONFIG_STRING(struct gateway_limit_settings, trusted_proxies, .name = "TRUSTED_PROXIES",
                      .help = "addresses and networks whose X-Forwarded-For is believed, "
                              "separated by commas"),
    INK_CONFIG_STRING(struct gateway_limit_settings, exempt, .name = "RATE_LIMIT_EXEMPT",
                      .help =
                          "addresses and networks without limits, separated by commas, or none"),
    INK_CONFIG_STRING(struct gateway_limit_settings, address, .name = "RATE_LIMIT_ADDRESS",
                      .fallback = "3000/1m", .min = 1,
                      .help = "requests of one address, such as 100/1m, or off"),
    INK_CONFIG_STRING(struct gateway_limit_settings, login, .name = "RATE_LIMIT_LOGIN",
                      .fallback = "30/10m", .min = 1, .help = "logins of one address, or off"),
    INK_CONFIG_STRING(struct gateway_limit_settings, login_failures,
                      .name = "RATE_LIMIT_LOGIN_FAILURES", .fallback = "10/15m", .min = 1,
                      .help = "failed logins of one address at one account, or off"),
    INK_CONFIG_STRING(struct gateway_limit_settings, login_account,
                      .name = "RATE_LIMIT_LOGIN_ACCOUNT", .fallback = "100/1h", .min = 1,
                      .help = "failed logins of all addresses at one account, after which each "
                              "address may fail only once at a time, or off"),
    INK_CONFIG_STRING(struct gateway_limit_settings, register_, .name = "RATE_LIMIT_REGISTER",
                      .fallback = "20/1h", .min = 1, .help = "new accounts of one address, or off"),
    INK_CONFIG_STRING(struct gateway_limit_settings, refresh, .name = "RATE_LIMIT_REFRESH",
                      .fallback = "60/1m", .min = 1,
                      .help = "refreshed sessions of one address, or off"),
    {0},
};

static struct ink_status named(struct ink_arena *arena, const char *setting,
                               struct ink_status status)
{
    if (!ink_is_ok(status))
        status.message = ink_arena_printf(arena, "%s: %s", setting, status.message);
    return status;
}

/* Says, where a launcher has another default, that nobody is. */
static bool is_none(const char *text)
{
    return text != NULL && strcmp(text, "none") == 0;
}

static struct ink_status parse_lists(const struct gateway_limit_settings *settings,
                                     struct ink_arena *arena, struct gateway_limits *limits)
{
    struct ink_status status =
        named(arena, "TRUSTED_PROXIES",
              ink_ip_list_parse(arena, settings->trusted_proxies, &limits->trusted));
    if (ink_is_ok(status) && !is_none(settings->exempt))
        status = named(arena, "RATE_LIMIT_EXEMPT",
                       ink_ip_list_parse(arena, settings->exempt, &limits->exempt));
    return status;
}

static struct ink_status parse_quotas(const struct gateway_limit_settings *settings,
                                      struct ink_arena *arena, struct gateway_limits *limits)
{
    struct gateway_limit *login =
                             &limits->limits[INKMESH__OPTIONS__V1__RATE_LIMIT__RATE_LIMIT_LOGIN],
                         *registering =
                             &limits->limits[INKMESH__OPTIONS__V1__RATE_LIMIT__RATE_LIMIT_REGISTER],
                         *refresh =
                             &limits->limits[INKMESH__OPTIONS__V1__RATE_LIMIT__RATE_LIMIT_REFRESH];
    const struct {
        const char *name;
        const char *text;
        struct ink_quota *quota;
    } quotas[] = {
        {"RATE_LIMIT_ADDRESS", settings->address, &limits->address},
        {"RATE_LIMIT_LOGIN", settings->login, &login->address},
        {"RATE_LIMIT_LOGIN_FAILURES", settings->login_failures, &login->failures},
        {"RATE_LIMIT_LOGIN_ACCOUNT", settings->login_account, &login->account},
        {"RATE_LIMIT_REGISTER", settings->register_, &registering->address},
        {"RATE_LIMIT_REFRESH", settings->refresh, &refresh->address},
    };
    login->name = "login";
    login->failures_name = "login-failures";
    registering->name = "register";
    refresh->name = "refresh";
    struct ink_status status = ink_ok();
    for (size_t i = 0; i < INK_COUNT(quotas) && ink_is_ok(status); i++)
        status =
            named(arena, quotas[i].name, ink_quota_parse(arena, quotas[i].text, quotas[i].quota));
    return status;
}

static double decided_alone(void *limiter)
{
    return (double)ink_limiter_alone(limiter);
}

static void add_metrics(struct gateway_limits *limits, struct ink_metrics *metrics)
{
    limits->refused =
        ink_metrics_counter(metrics, "http_server_limited_total",
                            "Requests that a limit refused, by its policy.", INK_LABELS("policy"));
    struct ink_metric *alone = ink_metrics_counter(
        metrics, "rate_limit_local_total",
        "Decisions that this process made by itself because Redis was away.", NULL);
    ink_series_callback(ink_metric_series(alone, NULL), decided_alone, limits->shared);
}

struct ink_status gateway_limits_new(const struct gateway_limit_settings *settings,
                                     const char *secret, struct ink_cache *cache,
                                     struct ink_metrics *metrics, struct ink_arena *arena,
                                     struct gateway_limits **ret_limits)
{
    struct gateway_limits parsed = {0};
    struct ink_status status = parse_lists(settings, arena, &parsed);
    if (ink_is_ok(status))
        status = parse_quotas(settings, arena, &parsed);
    if (!ink_is_ok(status))
        return status;
    struct gateway_limits *limits = ink_calloc(1, sizeof(*limits));
    *limits = parsed;
    limits->here = ink_limiter_new(NULL);
    limits->shared = ink_limiter_new(cache);
    ink_seal_init(&limits->seal, secret, "rate limits");
    add_metrics(limits, metrics);
    *ret_limits = limits;
    return ink_ok();
}

void gateway_limits_free(struct gateway_limits *limits)
{
    if (limits == NULL)
        return;
    ink_seal_release(&limits->seal);
    ink_limiter_free(limits->here);
    ink_limiter_free(limits->shared);
    free(limits);
}

bool gateway_limits_spare(void *self, const struct ink_ip *ip)
{
    const struct gateway_limits *limits = self;
    return ink_ip_list_has(&limits->exempt, ip) || ink_ip_list_has(&limits->trusted, ip);
}
