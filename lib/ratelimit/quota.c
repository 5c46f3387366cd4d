#include <stdlib.h>
#include <string.h>

#include "lib/ratelimit/ratelimit.h"

#define MAX_COUNT 1000000
#define MAX_WINDOW_MS (INT64_C(7) * 24 * 3600 * 1000)

/* One to nine digits. */
static bool take_number(const char **text, int64_t *ret_value)
{
    size_t digits = strspn(*text, "0123456789");
    if (digits == 0 || digits > 9)
        return false;
    *ret_value = strtoll(*text, NULL, 10);
    *text += digits;
    return true;
}

static int64_t unit_ms(const char *unit)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    for (size_t i = 0; i < INK_COUNT(units); i++)
        if (strcmp(units[i].name, unit) == 0)
            return units[i].ms;
    return 0;
}

static bool parse(const char *text, struct ink_quota *ret_quota)
{
    struct ink_quota quota;
    if (!take_number(&text, &quota.count) || *text++ != '/' ||
        !take_number(&text, &quota.window_ms))
        return false;
    quota.window_ms *= unit_ms(text);
    if (quota.count < 1 || quota.count > MAX_COUNT || quota.window_ms < 1000 ||
        quota.window_ms > MAX_WINDOW_MS)
        return false;
    *ret_quota = quota;
    return true;
}

struct ink_status ink_quota_parse(struct ink_arena *arena, const char *text,
                                  struct ink_quota *ret_quota)
{
    if (strcmp(text, "off") == 0 || strcmp(text, "0") == 0)
        *ret_quota = (struct ink_quota){0};
    else if (!parse(text, ret_quota))
        return ink_errorf(arena, INK_INVALID_ARGUMENT,
                          "\"%s\" is not a limit such as 30/10m, and not off", text);
    return ink_ok();
}

struct ink_bucket ink_bucket(const char *key, const struct ink_quota *quota,
                             enum ink_bucket_kind kind)
{
    return (struct ink_bucket){
        .key = key,
        .interval_us = quota->window_ms * 1000 / quota->count,
        .count = quota->count,
        .kind = kind,
    };
}

static int64_t to_ms(int64_t us)
{
    return us <= 0 ? 0 : (us + 999) / 1000;
}

int64_t ink_bucket_left(const struct ink_bucket *bucket)
{
    int64_t left = bucket->most_us - bucket->used_us;
    return left < 0 ? 0 : left / bucket->interval_us;
}

int64_t ink_bucket_wait_ms(const struct ink_bucket *bucket)
{
    return to_ms(bucket->used_us + bucket->interval_us - bucket->most_us);
}

int64_t ink_bucket_next_ms(const struct ink_bucket *bucket)
{
    int64_t wait = ink_bucket_wait_ms(bucket);
    if (wait > 0 || bucket->used_us <= 0)
        return wait;
    return to_ms((bucket->used_us - 1) % bucket->interval_us + 1);
}
