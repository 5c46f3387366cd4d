#include "lib/cache/sweep.h"

#include <string.h>

#include "lib/cache/entry.h"

/* Redis does nothing else meanwhile: some hundred keys are a millisecond. A mark that Redis has no
 * room for is not needed either, once what was there is gone. None has to last longer than what it
 * replaces. */
const char ink_cache_sweep_script[] =
    "local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 500)\n"
    "for _, key in ipairs(page[2]) do\n"
    "  local head = redis.pcall('GETRANGE', key, 0, 19)\n"
    "  if type(head) == 'string' and string.find(head, '^' .. string.rep('%d', 19) .. '[01]$') "
    "then\n"
    "    local mark = string.sub(head, 1, 19) .. '0' .. ARGV[3]\n"
    "    local done = redis.pcall('SET', key, mark, 'KEEPTTL')\n"
    "    if done.err then redis.call('DEL', key) end\n"
    "  end\n"
    "end\n"
    "return page[1]\n";

/* One page. False without an answer. */
static bool sweep_page(struct ink_cache_call *call, char cursor[INK_CACHE_CURSOR])
{
    char random[INK_ENTRY_RANDOM + 1];
    ink_entry_random(random);
    const char *argv[] = {NULL, NULL, "0", cursor, call->cache->sweep, random};
    size_t sizes[INK_COUNT(argv)];
    for (size_t i = 2; i < INK_COUNT(argv); i++)
        sizes[i] = strlen(argv[i]);
    INK_REPLY *reply =
        ink_cache_run_script(call, INK_CACHE_SCRIPT_SWEEP, INK_COUNT(argv), argv, sizes);
    if (reply == NULL || reply->type != REDIS_REPLY_STRING || reply->len >= INK_CACHE_CURSOR)
        return false;
    memcpy(cursor, reply->str, reply->len + 1);
    return true;
}

enum ink_sweep ink_cache_sweep(struct ink_cache_call *call)
{
    struct ink_cache *cache = call->cache;
    char cursor[INK_CACHE_CURSOR];
    pthread_mutex_lock(&cache->lock);
    bool done = cache->sweep == NULL || cache->swept, other = cache->sweeping;
    if (!done && !other)
        cache->sweeping = true;
    memcpy(cursor, cache->cursor, sizeof(cursor));
    pthread_mutex_unlock(&cache->lock);
    if (done)
        return INK_SWEEP_DONE;
    if (other)
        return INK_SWEEP_MORE;

    bool answered = sweep_page(call, cursor);
    pthread_mutex_lock(&cache->lock);
    if (cache->sweep_again)
        strcpy(cursor, "0");
    else if (!answered)
        memcpy(cursor, cache->cursor, sizeof(cursor));
    done = answered && !cache->sweep_again && strcmp(cursor, "0") == 0;
    memcpy(cache->cursor, cursor, sizeof(cursor));
    cache->swept = done;
    cache->sweeping = cache->sweep_again = false;
    pthread_mutex_unlock(&cache->lock);
    return !answered ? INK_SWEEP_FAILED : done ? INK_SWEEP_DONE : INK_SWEEP_MORE;
}

void ink_cache_sweep_again(struct ink_cache *cache)
{
    cache->swept = false;
    cache->sweep_again = cache->sweeping;
    strcpy(cache->cursor, "0");
}
