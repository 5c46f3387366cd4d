/*
 * X-Forwarded-For, lists of networks and quotas: whatever they hold, nothing breaks, and nobody but
 * a trusted proxy says who the client is. The input is lines: a list of proxies, the peer, then
 * values of X-Forwarded-For.
 */
#include <string.h>

#include "lib/ip/ip.h"
#include "lib/ratelimit/ratelimit.h"
#include "tests/fuzz/fuzz.h"

#define MOST_VALUES 8

static void check_text(const struct ink_ip *ip)
{
    char text[INK_IP_TEXT];
    struct ink_ip again;
    ink_ip_text(ip, text);
    CHECK(ink_ip_parse(text, strlen(text), &again) && ink_ip_equal(ip, &again));
    struct ink_ip client = ink_ip_client(ip), same = ink_ip_client(&client);
    CHECK(ink_ip_equal(&client, &same));
}

static void check_quota(struct ink_arena *arena, const char *text)
{
    struct ink_quota quota;
    if (!ink_is_ok(ink_quota_parse(arena, text, &quota)) || quota.count == 0)
        return;
    struct ink_bucket bucket = ink_bucket("k", &quota, INK_BUCKET_HARD);
    CHECK(bucket.interval_us >= 1 && bucket.interval_us * bucket.count <= INT64_C(1) << 50);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    struct ink_arena arena;
    struct ink_ip_list trusted;
    struct ink_ip peer;
    const char *values[MOST_VALUES];
    size_t count = 0;
    ink_arena_init(&arena);
    const char *proxies = fuzz_line(&input, &arena), *from = fuzz_line(&input, &arena);
    check_quota(&arena, proxies);
    bool listed = ink_is_ok(ink_ip_list_parse(&arena, proxies, &trusted));
    while (input.size > 0 && count < MOST_VALUES)
        values[count++] = fuzz_line(&input, &arena);
    if (listed && ink_ip_parse(from, strlen(from), &peer)) {
        struct ink_ip client = ink_ip_forwarded(&trusted, &peer, values, count);
        check_text(&peer);
        check_text(&client);
        CHECK(ink_ip_list_has(&trusted, &peer) || ink_ip_equal(&client, &peer));
    }
    ink_arena_release(&arena);
    return 0;
}
