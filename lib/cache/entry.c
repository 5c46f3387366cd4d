#include "lib/cache/entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* pcall: a key of another type is nothing of ours and is replaced. */
const char ink_cache_put_script[] =
    "local old = redis.pcall('GETRANGE', KEYS[1], 0, 19)\n"
    "if type(old) == 'string' and #old == 20 and old >= string.sub(ARGV[1], 1, 20) then\n"
    "  return 0\n"
    "end\n"
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
    "return 1\n";

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
