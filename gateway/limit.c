/*
 * Limits, applied to a request. Everything of one address counts in this process; what the contract
 * names a limit for counts in Redis as well. Whoever is refused gets 429 with Retry-After, and
 * RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers), which answers within the
 * limits have, too. In these, `t` is when there will be one more than `r`.
 *
 * Guesses at one account's password are counted for the account, but in such a way that strangers
 * cannot lock its owner out. An address has so many failures at an account (`failures`): that stops
 * who guesses, and nobody else. For those who guess from many addresses, all failures at the
 * account are counted (`account`). When that is used up, nobody is refused for it; but each address
 * may then have only one failure at a time. So the first try from an address where nobody failed
 * lately is always heard, and the owner's is the right one.
 *
 * A failure is taken before the call, so that tries at the same time count as well, and given back
 * when the call did not end with UNAUTHENTICATED. It counts in the same way for an account that
 * does not exist.
 */
#include <string.h>

#include "gateway/exchange.h"

/* A call's buckets: of the address, of its failures, of the account. */
#define MOST_BUCKETS 3

struct gateway_charge {
    struct ink_bucket buckets[MOST_BUCKETS];
    const char *names[MOST_BUCKETS]; /* NULL for what is not told */
    const struct ink_quota *quotas[MOST_BUCKETS];
    size_t count;
    size_t failures; /* where those of failures begin */
    struct ink_decision decision;
};

static bool is_text(const struct ink_field *field)
{
    return field != NULL && !field->repeated && field->oneof == NULL &&
           field->c->type == PROTOBUF_C_TYPE_STRING;
}

struct ink_status gateway_limit_route(const struct gateway_edge_options *options,
                                      struct ink_arena *arena, const struct ink_method *rpc,
                                      struct gateway_route *route)
{
    const Inkmesh__Options__V1__MethodOptions *said = rpc->options;
    const char *account = said->rate_limit_account;
    if (said->rate_limit < 0 || said->rate_limit >= GATEWAY_N_LIMITS)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "%s has a limit that is not known",
                          rpc->full_name);
    if (account[0] != '\0') {
        route->account = ink_message_field(rpc->input, account, strlen(account));
        if (!is_text(route->account) || rpc->server_streaming)
            return ink_errorf(arena, INK_INVALID_ARGUMENT,
                              "%s: %s names no account: it is no text of the request",
                              rpc->full_name, account);
    }
    if (options->limits != NULL && options->limits->limits[said->rate_limit].name != NULL)
        route->limit = &options->limits->limits[said->rate_limit];
    return ink_ok();
}

/* The values of X-Forwarded-For, in their order. */
static struct ink_ip behind_proxies(const struct gateway_limits *limits,
                                    struct ink_http_request *http, const struct ink_ip *peer)
{
    const char *values[INK_IP_FORWARDED_MAX], *name, *value;
    size_t count = 0, first = 0;
    for (size_t i = 0; ink_http_header_at(http, i, &name, &value); i++)
        if (strcasecmp(name, "X-Forwarded-For") == 0)
            count++;
    if (count > INK_COUNT(values)) { /* the last ones are those that proxies wrote */
        first = count - INK_COUNT(values);
        count = INK_COUNT(values);
    }
    for (size_t i = 0, n = 0; ink_http_header_at(http, i, &name, &value); i++)
        if (strcasecmp(name, "X-Forwarded-For") == 0 && n++ >= first)
            values[n - first - 1] = value;
    return ink_ip_forwarded(&limits->trusted, peer, values, count);
}

void gateway_limit_begin(struct gateway_exchange *x)
{
    const struct gateway_limits *limits = x->edge->options.limits;
    const char *remote = ink_http_remote(x->http);
    x->ctx.peer = remote;
    x->unlimited = limits == NULL;
    size_t size = strcspn(remote, "%"); /* of a link's own addresses the system tells the link */
    if (limits == NULL || !ink_ip_parse(remote, size, &x->client))
        return; /* the address stays ::, which all share that have none */
    x->client = behind_proxies(limits, x->http, &x->client);
    char *text = ink_arena_alloc(x->ctx.arena, INK_IP_TEXT);
    ink_ip_text(&x->client, text);
    x->ctx.peer = text;
    x->unlimited = ink_ip_list_has(&limits->exempt, &x->client);
}

/* What is counted as one client, as text. */
static const char *client_text(const struct gateway_exchange *x)
{
    struct ink_ip client = ink_ip_client(&x->client);
    char *text = ink_arena_alloc(x->ctx.arena, INK_IP_TEXT);
    ink_ip_text(&client, text);
    return text;
}

static void add_bucket(struct gateway_charge *charge, const char *name,
                       const struct ink_quota *quota, enum ink_bucket_kind kind, const char *key)
{
    if (quota->count == 0)
        return;
    charge->names[charge->count] = kind == INK_BUCKET_ADVISORY ? NULL : name;
    charge->quotas[charge->count] = quota;
    charge->buckets[charge->count++] = ink_bucket(key, quota, kind);
}

static int64_t seconds(int64_t ms)
{
    return (ms + 999) / 1000;
}

static void set_headers(struct gateway_exchange *x, const struct gateway_charge *charge)
{
    struct ink_arena *arena = x->ctx.arena;
    const char *policies = "", *states = "", *comma = "";
    for (size_t i = 0; i < charge->count; i++) {
        const struct ink_bucket *bucket = &charge->buckets[i];
        if (charge->names[i] == NULL)
            continue;
        policies = ink_arena_printf(arena, "%s%s\"%s\";q=%lld;w=%lld", policies, comma,
                                    charge->names[i], (long long)bucket->count,
                                    (long long)seconds(charge->quotas[i]->window_ms));
        states = ink_arena_printf(arena, "%s%s\"%s\";r=%lld;t=%lld", states, comma,
                                  charge->names[i], (long long)ink_bucket_left(bucket),
                                  (long long)seconds(ink_bucket_next_ms(bucket)));
        comma = ", ";
    }
    if (comma[0] == '\0')
        return;
    ink_http_set(x->http, "RateLimit-Policy", policies);
    ink_http_set(x->http, "RateLimit", states);
}

/* Headers and status of a refusal; each policy that said no is counted. */
static struct ink_status refuse(struct gateway_exchange *x, const struct gateway_charge *charge)
{
    const struct gateway_limits *limits = x->edge->options.limits;
    for (size_t i = 0; i < charge->count; i++)
        if (charge->names[i] != NULL && ink_bucket_wait_ms(&charge->buckets[i]) > 0)
            ink_series_add(ink_metric_series(limits->refused, INK_LABELS(charge->names[i])), 1);
    set_headers(x, charge);
    struct ink_status status =
        ink_error(INK_RESOURCE_EXHAUSTED, "too many requests of this kind, try again later");
    status.reason = "RATE_LIMITED";
    status.retry_after_ms = charge->decision.retry_after_ms;
    return status;
}

/* Machines that ask how the gateway is must not be told to come back later. */
static bool asks_for_health(const struct gateway_exchange *x)
{
    const char *path = ink_http_path(x->http);
    return strcmp(path, "/health") == 0 || strcmp(path, "/livez") == 0 ||
           strcmp(path, "/readyz") == 0;
}

bool gateway_limit_address(struct gateway_exchange *x)
{
    const struct gateway_limits *limits = x->edge->options.limits;
    struct gateway_charge charge = {0};
    if (x->unlimited || limits->address.count == 0 || asks_for_health(x))
        return true;
    add_bucket(&charge, "address", &limits->address, INK_BUCKET_HARD, client_text(x));
    charge.decision = ink_limiter_take(limits->here, &x->ctx, charge.buckets, charge.count);
    if (!charge.decision.allowed)
        gateway_answer_status(x, refuse(x, &charge));
    return charge.decision.allowed;
}

/* The account, as the services tell addresses of accounts apart: ASCII letters in any case. */
static const char *account_mark(const struct gateway_exchange *x, const ProtobufCMessage *request)
{
    const char *const *member = (const void *)((const char *)request + x->made->account->c->offset);
    char *name = ink_arena_strdup(x->ctx.arena, *member);
    for (char *c = name; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    char *mark = ink_arena_alloc(x->ctx.arena, INK_SEAL_MARK_SIZE);
    ink_seal_mark(&x->edge->options.limits->seal, name, mark);
    return mark;
}

struct ink_status gateway_limit_take(struct gateway_exchange *x, const ProtobufCMessage *request)
{
    const struct gateway_limit *limit = x->made->limit;
    struct ink_arena *arena = x->ctx.arena;
    if (limit == NULL || x->unlimited)
        return ink_ok();
    struct gateway_charge *charge = ink_arena_calloc(arena, 1, sizeof(*charge));
    const char *client = client_text(x);
    add_bucket(charge, limit->name, &limit->address, INK_BUCKET_HARD,
               ink_arena_printf(arena, "limit:%s:%s", limit->name, client));
    charge->failures = charge->count;
    if (x->made->account != NULL) {
        const char *mark = account_mark(x, request);
        add_bucket(charge, limit->failures_name, &limit->failures, INK_BUCKET_SQUEEZED,
                   ink_arena_printf(arena, "limit:%s:%s:%s", limit->failures_name, mark, client));
        add_bucket(charge, "account", &limit->account, INK_BUCKET_ADVISORY,
                   ink_arena_printf(arena, "limit:%s-account:%s", limit->name, mark));
    }
    if (charge->count == 0)
        return ink_ok();
    charge->decision =
        ink_limiter_take(x->edge->options.limits->shared, &x->ctx, charge->buckets, charge->count);
    if (!charge->decision.allowed)
        return refuse(x, charge);
    x->charge = charge;
    return ink_ok();
}

bool gateway_limit_owes(const struct gateway_exchange *x)
{
    return x->charge != NULL && x->charge->failures < x->charge->count;
}

void gateway_limit_settle(struct gateway_exchange *x, struct ink_status outcome)
{
    struct gateway_charge *charge = x->charge;
    if (charge == NULL)
        return;
    if (outcome.code != INK_UNAUTHENTICATED && gateway_limit_owes(x))
        ink_limiter_give_back(x->edge->options.limits->shared, &x->ctx, &charge->decision,
                              charge->buckets + charge->failures, charge->count - charge->failures);
    set_headers(x, charge);
}
