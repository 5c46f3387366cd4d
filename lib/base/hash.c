#include "lib/base/hash.h"

#include <string.h>

#include "lib/base/random.h"

void ink_hash_seed(struct ink_hash_seed *seed)
{
    ink_random(seed, sizeof(*seed));
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t ink_hash(const struct ink_hash_seed *seed, const void *data, size_t size)
{
    const char *at = data;
    uint64_t value = seed->a ^ size;
    for (uint64_t part; size > 0;) {
        size_t step = size < sizeof(part) ? size : sizeof(part);
        part = 0;
        memcpy(&part, at, step);
        value = mix(value ^ part, seed->b | 1) + seed->a;
        at += step;
        size -= step;
    }
    return mix(value, seed->a | 1);
}
