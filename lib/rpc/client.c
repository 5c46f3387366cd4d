#include "lib/rpc/client.h"

#include <grpc/support/alloc.h>
#include <stdlib.h>
#include <string.h>

#include "grpc/health/v1/health.pb-c.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"
#include "lib/rpc/client_internal.h"
#include "lib/rpc/client_queue.h"
#include "lib/rpc/credentials.h"
#include "lib/rpc/target.h"

#define DEFAULT_TIMEOUT_MS 5000
#define DEFAULT_MESSAGE_BYTES (8 * 1024 * 1024)
#define DEFAULT_KEEPALIVE_MS 6000 /* many servers take one ping in 5 s, and no more */

/* gRPC's service config: round robin over the backends that do not say that they are about to stop
 * (server.h), and retries for the methods that may be repeated. A budget (throttling) keeps retries
 * from adding to an outage. */
static void write_service_config(struct ink_buf *json, const struct ink_contract *contract)
{
    size_t n_services;
    const struct ink_service *const *services = ink_contract_services(contract, &n_services);
    const char *separator = "";
    ink_buf_puts(json, "{\"loadBalancingConfig\":[{\"round_robin\":{}}],"
                       "\"healthCheckConfig\":{\"serviceName\":\"grpc.health.v1.Health\"},"
                       "\"retryThrottling\":{\"maxTokens\":20,\"tokenRatio\":0.1},"
                       "\"methodConfig\":[");
    for (size_t s = 0; s < n_services; s++) {
        for (size_t m = 0; m < services[s]->n_methods; m++) {
            if (!services[s]->methods[m].idempotent)
                continue;
            ink_buf_printf(json,
                           "%s{\"name\":[{\"service\":\"%s\",\"method\":\"%s\"}],"
                           "\"retryPolicy\":{\"maxAttempts\":3,\"initialBackoff\":\"0.05s\","
                           "\"maxBackoff\":\"0.2s\",\"backoffMultiplier\":2,"
                           "\"retryableStatusCodes\":[\"UNAVAILABLE\"]}}",
                           separator, services[s]->full_name, services[s]->methods[m].name);
            separator = ",";
        }
    }
    ink_buf_puts(json, "]}");
}

static grpc_arg integer(const char *key, int value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

static grpc_arg string(const char *key, const char *value)
{
    return (grpc_arg){.type = GRPC_ARG_STRING, .key = (char *)key, .value.string = (char *)value};
}

static grpc_channel *make_channel(const struct ink_contract *contract,
                                  const struct ink_rpc_client_options *options,
                                  grpc_channel_credentials *credentials)
{
    struct ink_buf config = INK_BUF_INIT;
    write_service_config(&config, contract);
    grpc_arg args[] = {
        string(GRPC_ARG_SERVICE_CONFIG, config.data),
        integer(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        integer(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        integer(GRPC_ARG_ENABLE_CHANNELZ, 0),
        integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)options->max_message_bytes),
        ink_wire_no_decompression(),
        integer(GRPC_ARG_KEEPALIVE_TIME_MS, (int)options->keepalive_ms),
        integer(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, (int)options->keepalive_ms / 4),
        integer(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100),
        integer(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000),
        integer(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000),
        /* A replica that came back with another address is looked up again, but not all the time.
         */
        integer(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 2000),
        string(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG,
               options->tls == NULL ? NULL : options->tls->server_name),
    };
    bool override = options->tls != NULL && options->tls->server_name != NULL;
    grpc_channel_args all = {.num_args = INK_COUNT(args) - (override ? 0 : 1), .args = args};
    grpc_channel *channel = grpc_channel_create(options->target, credentials, &all);
    ink_buf_release(&config);
    return channel;
}

struct link *client_connect(struct ink_rpc_client *client, const struct ink_tls_pems *pems)
{
    grpc_channel_credentials *credentials = ink_rpc_channel_credentials(pems);
    grpc_channel *channel = make_channel(client->contract, &client->options, credentials);
    grpc_channel_credentials_release(credentials);
    if (pems != NULL)
        memcpy(client->digest, pems->digest, sizeof(client->digest));
    return link_new(client->contract, channel);
}

struct ink_status ink_rpc_client_new(const struct ink_contract *contract,
                                     const struct ink_rpc_client_options *options,
                                     struct ink_arena *arena, struct ink_rpc_client **ret_client)
{
    struct ink_tls_pems pems;
    const char *target;
    struct ink_status status = ink_rpc_target(arena, options->target, &target);
    if (ink_is_ok(status) && options->tls != NULL)
        status = ink_rpc_client_pems(options->tls, arena, &pems);
    if (!ink_is_ok(status))
        return status;
    grpc_init();
    struct ink_rpc_client *client = ink_calloc(1, sizeof(*client));
    client->contract = contract;
    client->options = *options;
    client->options.target = target;
    if (client->options.default_timeout_ms == 0)
        client->options.default_timeout_ms = DEFAULT_TIMEOUT_MS;
    if (client->options.max_message_bytes == 0)
        client->options.max_message_bytes = DEFAULT_MESSAGE_BYTES;
    if (client->options.keepalive_ms == 0)
        client->options.keepalive_ms = DEFAULT_KEEPALIVE_MS;
    pthread_mutex_init(&client->lock, NULL);
    client_breaker_init(&client->breaker);
    client->link = client_connect(client, options->tls == NULL ? NULL : &pems);
    client->queue = client_queue_take();
    *ret_client = client;
    return ink_ok();
}

void ink_rpc_client_free(struct ink_rpc_client *client)
{
    if (client == NULL)
        return;
    client_queue_drop();
    link_drop(client->link);
    client_breaker_release(&client->breaker);
    pthread_mutex_destroy(&client->lock);
    free(client);
    grpc_shutdown_blocking();
}

static void add_metadata(struct outgoing *outgoing, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    grpc_slice slice = grpc_slice_from_copied_string(value);
    if (!grpc_header_nonbin_value_is_legal(slice)) {
        grpc_slice_unref(slice);
        return;
    }
    outgoing->metadata[outgoing->count++] =
        (grpc_metadata){.key = grpc_slice_from_static_string(key), .value = slice};
}

void outgoing_init(struct outgoing *outgoing, const struct ink_ctx *ctx)
{
    char traceparent[INK_TRACEPARENT_SIZE] = "";
    outgoing->count = 0;
    if (ctx->trace.trace_id[0] != '\0')
        ink_trace_format(&ctx->trace, traceparent);
    add_metadata(outgoing, "traceparent", traceparent);
    add_metadata(outgoing, "x-request-id", ctx->request_id);
    add_metadata(outgoing, "authorization", ctx->authorization);
}

void outgoing_release(struct outgoing *outgoing)
{
    for (size_t i = 0; i < outgoing->count; i++)
        grpc_slice_unref(outgoing->metadata[i].value);
}

void ending_init(struct ending *ending)
{
    grpc_metadata_array_init(&ending->trailing);
    ending->code = GRPC_STATUS_UNKNOWN;
    ending->message = grpc_empty_slice();
    ending->verdict = CLIENT_UNDECIDED;
}

grpc_op ending_op(struct ending *ending)
{
    grpc_op op = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    op.data.recv_status_on_client.trailing_metadata = &ending->trailing;
    op.data.recv_status_on_client.status = &ending->code;
    op.data.recv_status_on_client.status_details = &ending->message;
    return op;
}

/* The C core's own words for a lost backend name addresses: they are for the log. */
static struct ink_status transport_error(struct ink_arena *arena, const char *text)
{
    struct ink_status status = ink_error(INK_UNAVAILABLE, "the service is not available");
    status.cause = ink_arena_strdup(arena, text);
    status.retry_after_ms = 1000;
    return status;
}

struct ink_status ending_status(struct ending *ending, struct ink_arena *arena)
{
    ending->verdict = CLIENT_ANSWERED;
    if (ending->code == GRPC_STATUS_OK)
        return ink_ok();
    char *text = ink_arena_strndup(arena, (const char *)GRPC_SLICE_START_PTR(ending->message),
                                   GRPC_SLICE_LENGTH(ending->message));
    struct ink_status status = ink_error((enum ink_code)ending->code, text);
    bool has_details = false;
    for (size_t i = 0; i < ending->trailing.count; i++) {
        const grpc_metadata *entry = &ending->trailing.metadata[i];
        if (grpc_slice_str_cmp(entry->key, "grpc-status-details-bin") != 0)
            continue;
        has_details = true;
        ink_wire_unpack_details(arena, GRPC_SLICE_START_PTR(entry->value),
                                GRPC_SLICE_LENGTH(entry->value), &status);
    }
    bool lost = status.code == INK_UNAVAILABLE || status.code == INK_CANCELLED; /* not by us */
    if (status.code == INK_DEADLINE_EXCEEDED && !has_details)
        ending->verdict = CLIENT_UNDECIDED;
    if (!lost || has_details)
        return status;
    ending->verdict = CLIENT_LOST;
    return transport_error(arena, text);
}

void ending_release(struct ending *ending)
{
    grpc_metadata_array_destroy(&ending->trailing);
    grpc_slice_unref(ending->message);
}

/* How the question ended; the answer is `ret_healthy`. */
static enum client_verdict ask_health(struct ink_rpc_client *client, const struct ink_method *check,
                                      int64_t timeout_ms, bool *ret_healthy)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct ink_ctx ctx = ink_ctx_background(&arena);
    ctx.deadline = ink_now() + timeout_ms * INK_MILLISECOND;
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    enum client_verdict verdict;
    if (ink_is_ok(client_probe(client, &ctx, check, &request.base, &reply, &verdict)))
        *ret_healthy = ((Grpc__Health__V1__HealthCheckResponse *)reply)->status ==
                       GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    ink_arena_release(&arena);
    return verdict;
}

bool ink_rpc_client_healthy(struct ink_rpc_client *client, int64_t timeout_ms)
{
    const struct ink_method *check =
        ink_contract_method(client->contract, "/grpc.health.v1.Health/Check");
    bool healthy = false;
    if (check == NULL)
        return false;
    client_breaker_probe(&client->breaker);
    int64_t begun = ink_now();
    enum client_verdict verdict = ask_health(client, check, timeout_ms, &healthy);
    client_breaker_probed(&client->breaker, begun, verdict);
    /* Only of one that is silent: one that is about to stop takes no new calls, and finishes those
     * that it has. */
    if (verdict == CLIENT_UNDECIDED && client_breaker_is_open(&client->breaker))
        client_end_all(client);
    client_end_cancelled(client);
    return healthy;
}

struct ink_rpc_client_stats ink_rpc_client_stats(struct ink_rpc_client *client)
{
    struct client_breaker *breaker = &client->breaker;
    struct ink_rpc_client_stats stats = {
        .refused = atomic_load_explicit(&breaker->refused, memory_order_relaxed)};
    pthread_mutex_lock(&breaker->lock);
    stats.breaker = breaker->machine.state;
    memcpy(stats.entered, breaker->entered, sizeof(stats.entered));
    pthread_mutex_unlock(&breaker->lock);
    return stats;
}
