/*
 * X-Forwarded-For, lists of networks and quotas: whatever they hold, nothing breaks, and nobody but
 * a trusted proxy says who the client is. The input is lines: a list of proxies, the peer, then
 * values of X-Forwarded-For.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ip/ip.h"
#include "lib/ratelimit/ratelimit.h"
#include "tests/fuzz/fuzz.h"

#define MOST_VALUES 8

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_text(const struct ink_ip *ip)
{
    char text[INK_IP_TEXT];
    struct ink_ip again;
    ink_ip_text(ip, text);
    check(ink_ip_parse(text, strlen(text), &again) && ink_ip_equal(ip, &again));
    struct ink_ip client = ink_ip_client(ip), same = ink_ip_client(&client);
    check(ink_ip_equal(&client, &same));
}

static void check_quota(struct ink_arena *arena, const char *text)
{
    struct ink_quota quota;
    if (!ink_is_ok(ink_quota_parse(arena, text, &quota)) || quota.count == 0)
        return;
    struct ink_bucket bucket = ink_bucket("k", &quota, INK_BUCKET_HARD);
    check(bucket.interval_us >= 1 && bucket.interval_us * bucket.count <= INT64_C(1) << 50);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ink_arena arena;
    struct ink_ip_list trusted;
    struct ink_ip peer;
    const char *values[MOST_VALUES];
    size_t count = 0;
    ink_arena_init(&arena);
    char *rest = ink_arena_strndup(&arena, (const char *)data, size);
    char *proxies = strsep(&rest, "\n"), *from = strsep(&rest, "\n");
    check_quota(&arena, proxies);
    bool listed = ink_is_ok(ink_ip_list_parse(&arena, proxies, &trusted));
    while (rest != NULL && count < MOST_VALUES)
        values[count++] = strsep(&rest, "\n");
    if (listed && from != NULL && ink_ip_parse(from, strlen(from), &peer)) {
        struct ink_ip client = ink_ip_forwarded(&trusted, &peer, values, count);
        check_text(&peer);
        check_text(&client);
        check(ink_ip_list_has(&trusted, &peer) || ink_ip_equal(&client, &peer));
    }
    ink_arena_release(&arena);
    return 0;
}
