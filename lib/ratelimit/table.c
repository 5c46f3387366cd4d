#include "lib/ratelimit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/random.h"

/* Places that a key may have. */
#define WAYS 8

struct place {
    uint64_t hash;
    int64_t time;
};

struct ink_time_table {
    uint64_t seeds[2];
    size_t sets;
    struct place places[];
};

struct ink_time_table *ink_time_table_new(size_t size)
{
    struct ink_time_table *table = ink_calloc(1, sizeof(*table) + size * sizeof(table->places[0]));
    table->sets = size / WAYS;
    ink_random(table->seeds, sizeof(table->seeds));
    return table;
}

void ink_time_table_free(struct ink_time_table *table)
{
    free(table);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash(const struct ink_time_table *table, const char *key)
{
    size_t size = strlen(key);
    uint64_t value = table->seeds[0] ^ size;
    for (uint64_t part; size > 0;) {
        size_t step = size < sizeof(part) ? size : sizeof(part);
        part = 0;
        memcpy(&part, key, step);
        value = mix(value ^ part, table->seeds[1] | 1) + table->seeds[0];
        key += step;
        size -= step;
    }
    return mix(value, table->seeds[0] | 1);
}

static const struct place *places_of(const struct ink_time_table *table, uint64_t value)
{
    return table->places + value % table->sets * WAYS;
}

int64_t ink_time_table_get(const struct ink_time_table *table, const char *key)
{
    uint64_t value = hash(table, key);
    const struct place *places = places_of(table, value);
    for (size_t i = 0; i < WAYS; i++)
        if (places[i].hash == value)
            return places[i].time;
    return 0;
}

void ink_time_table_set(struct ink_time_table *table, const char *key, int64_t time)
{
    uint64_t value = hash(table, key);
    struct place *places = (struct place *)places_of(table, value), *chosen = places;
    for (size_t i = 0; i < WAYS; i++) {
        if (places[i].hash == value) {
            chosen = &places[i];
            break;
        }
        if (places[i].time < chosen->time)
            chosen = &places[i];
    }
    *chosen = (struct place){.hash = value, .time = time};
}
