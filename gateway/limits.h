/*
 * How often whom the gateway lets in: the settings, and the policy that they make. Which methods
 * have limits of their own is said in the contract; limit.c applies them to requests.
 *
 * A policy is constant once made; all functions are thread-safe.
 */
#pragma once

#include "inkmesh/options/v1/options.pb-c.h"
#include "lib/auth/seal.h"
#include "lib/cache/cache.h"
#include "lib/config/config.h"
#include "lib/ip/ip.h"
#include "lib/metrics/metrics.h"
#include "lib/ratelimit/ratelimit.h"

/* A fragment to include, see lib/mesh/settings.h. */
struct gateway_limit_settings {
    const char *trusted_proxies; /* TRUSTED_PROXIES */
    const char *exempt;          /* RATE_LIMIT_EXEMPT */
    const char *address;         /* RATE_LIMIT_ADDRESS */
    const char *login;           /* RATE_LIMIT_LOGIN */
    const char *login_failures;  /* RATE_LIMIT_LOGIN_FAILURES */
    const char *login_account;   /* RATE_LIMIT_LOGIN_ACCOUNT */
    const char *register_;       /* RATE_LIMIT_REGISTER */
    const char *refresh;         /* RATE_LIMIT_REFRESH */
};
extern const struct ink_config_setting gateway_limit_settings_table[];

/* What one value of the contract's RateLimit means. */
struct gateway_limit {
    const char *name;          /* of the policy in headers, and in keys; NULL for no limit */
    struct ink_quota address;  /* of one address */
    const char *failures_name; /* of the policy of `failures` */
    struct ink_quota failures; /* of one address at one account */
    struct ink_quota account;  /* of all addresses at one account, see limit.c */
};
#define GATEWAY_N_LIMITS 4

struct gateway_limits {
    struct ink_ip_list trusted;
    struct ink_ip_list exempt;
    struct ink_quota address; /* of one address, for everything */
    struct gateway_limit limits[GATEWAY_N_LIMITS];
    struct ink_limiter *here;   /* counts in this process: for what every request takes */
    struct ink_limiter *shared; /* counts in Redis */
    struct ink_seal seal;       /* for the marks of accounts */
    struct ink_metric *refused;
};

/* INVALID_ARGUMENT, naming the setting. `secret` makes the marks by which accounts are counted in
 * Redis: the same in all replicas. `cache` must outlive the policy. */
struct ink_status gateway_limits_new(const struct gateway_limit_settings *settings,
                                     const char *secret, struct ink_cache *cache,
                                     struct ink_metrics *metrics, struct ink_arena *arena,
                                     struct gateway_limits **ret_limits) INK_MUST_CHECK;
/* Accepts NULL. */
void gateway_limits_free(struct gateway_limits *limits);

/* Whether an address may have more connections than its share: it is exempt, or it is a proxy,
 * whose connections are many clients'. For lib/http; `limits` is a struct gateway_limits. */
bool gateway_limits_spare(void *limits, const struct ink_ip *ip);
