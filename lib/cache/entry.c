#include "lib/cache/entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/random.h"
#include "lib/base/text.h"

/* pcall: a key of another type is nothing of ours and is replaced. */
const char ink_cache_lease_script[] =
    "local old = redis.pcall('GET', KEYS[1])\n"
    "if type(old) == 'string' and string.find(old, '^' .. string.rep('%d', 19) .. '[01]') then\n"
    "  return old\n"
    "end\n"
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
    "return ARGV[1]\n";

const char ink_cache_put_script[] = "if redis.pcall('GETRANGE', KEYS[1], 0, 36) ~= ARGV[3] then\n"
                                    "  return 0\n"
                                    "end\n"
                                    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
                                    "return 1\n";

const char ink_cache_mark_script[] =
    "for i, key in ipairs(KEYS) do\n"
    "  local old, head = redis.pcall('GETRANGE', key, 0, 19), ARGV[i + 2]\n"
    "  if type(old) ~= 'string' or #old ~= 20 or old < head then\n"
    "    local done = redis.pcall('SET', key, head .. ARGV[2], 'PX', ARGV[1])\n"
    "    if done.err then redis.call('DEL', key) end\n"
    "  end\n"
    "end\n"
    "return #KEYS\n";

void ink_entry_random(char out[INK_ENTRY_RANDOM + 1])
{
    unsigned char bytes[INK_ENTRY_RANDOM / 2];
    ink_random_id(bytes, sizeof(bytes));
    ink_hex(bytes, sizeof(bytes), out);
}

void ink_entry_head(int64_t version, bool is_value, char out[INK_ENTRY_HEAD + 1])
{
    if (version < 0) {
        fprintf(stderr, "lib/cache: a negative version\n");
        abort();
    }
    snprintf(out, INK_ENTRY_HEAD + 1, "%019" PRId64 "%d", version, is_value ? 1 : 0);
}

bool ink_entry_read(const char *entry, size_t size, int64_t *ret_version)
{
    if (size < INK_ENTRY_HEAD || entry[INK_ENTRY_HEAD - 1] != '1')
        return false;
    uint64_t version = 0;
    for (size_t i = 0; i < INK_ENTRY_HEAD - 1; i++) {
        if (entry[i] < '0' || entry[i] > '9')
            return false;
        version = version * 10 + (uint64_t)(entry[i] - '0');
    }
    if (version > INT64_MAX)
        return false;
    *ret_version = (int64_t)version;
    return true;
}

bool ink_entry_is_mark(const char *entry, size_t size)
{
    return size == INK_ENTRY_MARK && entry[INK_ENTRY_HEAD - 1] == '0' &&
           strspn(entry, "0123456789abcdef") >= size;
}
