#include "lib/cache/buckets.h"

#include <inttypes.h>
#include <string.h>

#include "lib/cache/pool.h"

/* ARGV[1] is "take" or "give"; then interval, count and kind of each key's bucket. Returns whether
 * tokens were taken, then used and most of each bucket. A time beyond what a bucket can hold comes
 * from a clock that was set back, or from another setting. pcall: a key of another type is nothing
 * of ours and is replaced. */
const char ink_cache_take_script[] =
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000000 + time[2]\n"
    "local give = ARGV[1] == 'give'\n"
    "local full, interval, most, kind = {}, {}, {}, {}\n"
    "local squeeze, taken = false, 1\n"
    "for i = 1, #KEYS do\n"
    "  interval[i] = tonumber(ARGV[3 * i - 1])\n"
    "  most[i] = interval[i] * tonumber(ARGV[3 * i])\n"
    "  kind[i] = ARGV[3 * i + 1]\n"
    "  local old = redis.pcall('GET', KEYS[i])\n"
    "  old = type(old) == 'string' and tonumber(old) or 0\n"
    "  full[i] = math.max(now, math.min(old, now + most[i]))\n"
    "  if kind[i] == 'advisory' and full[i] + interval[i] > now + most[i] then\n"
    "    squeeze = true\n"
    "  end\n"
    "end\n"
    "for i = 1, #KEYS do\n"
    "  if squeeze and kind[i] == 'squeezed' then\n"
    "    most[i] = interval[i]\n"
    "  end\n"
    "  if kind[i] ~= 'advisory' and full[i] + interval[i] > now + most[i] then\n"
    "    taken = 0\n"
    "  end\n"
    "end\n"
    "local reply = {taken}\n"
    "for i = 1, #KEYS do\n"
    "  if give then\n"
    "    full[i] = math.max(now, full[i] - interval[i])\n"
    "  elseif taken == 1 then\n"
    "    full[i] = math.min(now + most[i], full[i] + interval[i])\n"
    "  end\n"
    "  if full[i] <= now then\n"
    "    redis.call('DEL', KEYS[i])\n"
    "  elseif give or taken == 1 then\n"
    "    redis.call('SET', KEYS[i], string.format('%.0f', full[i]),\n"
    "               'PX', math.ceil((full[i] - now) / 1000))\n"
    "  end\n"
    "  reply[2 * i] = full[i] - now\n"
    "  reply[2 * i + 1] = most[i]\n"
    "end\n"
    "return reply\n";

static const char *const kinds[] = {
    [INK_BUCKET_HARD] = "hard",
    [INK_BUCKET_SQUEEZED] = "squeezed",
    [INK_BUCKET_ADVISORY] = "advisory",
};

#define MAX_WORDS (4 + 4 * INK_BUCKETS_MAX)

struct words {
    const char *words[MAX_WORDS];
    size_t sizes[MAX_WORDS];
    int count;
};

static void add_word(struct words *words, const char *word)
{
    words->words[words->count] = word;
    words->sizes[words->count++] = strlen(word);
}

static void add_number(struct words *words, struct ink_arena *arena, int64_t number)
{
    add_word(words, ink_arena_printf(arena, "%" PRId64, number));
}

static void add_buckets(struct words *words, struct ink_arena *arena, const char *verb,
                        const struct ink_bucket *buckets, size_t n_buckets)
{
    add_number(words, arena, (int64_t)n_buckets);
    for (size_t i = 0; i < n_buckets; i++)
        add_word(words, buckets[i].key);
    add_word(words, verb);
    for (size_t i = 0; i < n_buckets; i++) {
        add_number(words, arena, buckets[i].interval_us);
        add_number(words, arena, buckets[i].count);
        add_word(words, kinds[buckets[i].kind]);
    }
}

static bool take_outcome(const redisReply *reply, struct ink_bucket *buckets, size_t n_buckets,
                         bool *ret_taken)
{
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 * n_buckets + 1)
        return false;
    for (size_t i = 0; i < reply->elements; i++)
        if (reply->element[i]->type != REDIS_REPLY_INTEGER)
            return false;
    for (size_t i = 0; i < n_buckets; i++) {
        buckets[i].used_us = reply->element[2 * i + 1]->integer;
        buckets[i].most_us = reply->element[2 * i + 2]->integer;
    }
    *ret_taken = reply->element[0]->integer == 1;
    return true;
}

static bool run(struct ink_cache *cache, const struct ink_ctx *ctx, const char *verb,
                struct ink_bucket *buckets, size_t n_buckets, bool *ret_taken)
{
    struct ink_cache_call call;
    struct words words = {.count = 2}; /* the first two are the command and the script */
    add_buckets(&words, ctx->arena, verb, buckets, n_buckets);
    if (!ink_cache_call_start(cache, ctx, &call))
        return false;
    INK_REPLY *reply =
        ink_cache_run_script(&call, INK_CACHE_SCRIPT_TAKE, words.count, words.words, words.sizes);
    bool answered = take_outcome(reply, buckets, n_buckets, ret_taken);
    ink_cache_call_end(&call, answered ? INK_CACHE_ANSWERED : INK_CACHE_FAILED);
    return answered;
}

bool ink_cache_take(struct ink_cache *cache, const struct ink_ctx *ctx, struct ink_bucket *buckets,
                    size_t n_buckets, bool *ret_taken)
{
    return run(cache, ctx, "take", buckets, n_buckets, ret_taken);
}

bool ink_cache_give_back(struct ink_cache *cache, const struct ink_ctx *ctx,
                         struct ink_bucket *buckets, size_t n_buckets)
{
    struct ink_ctx patient = ink_ctx_background(ctx->arena);
    bool taken;
    return run(cache, &patient, "give", buckets, n_buckets, &taken);
}
