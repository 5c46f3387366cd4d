#include "lib/ratelimit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/hash.h"

/* Places that a key may have. */
#define WAYS 8

struct place {
    uint64_t hash;
    int64_t time;
};

struct ink_time_table {
    struct ink_hash_seed seed;
    size_t sets;
    struct place places[];
};

struct ink_time_table *ink_time_table_new(size_t size)
{
    struct ink_time_table *table = ink_calloc(1, sizeof(*table) + size * sizeof(table->places[0]));
    table->sets = size / WAYS;
    ink_hash_seed(&table->seed);
    return table;
}

void ink_time_table_free(struct ink_time_table *table)
{
    free(table);
}

static const struct place *places_of(const struct ink_time_table *table, uint64_t value)
{
    return table->places + value % table->sets * WAYS;
}

int64_t ink_time_table_get(const struct ink_time_table *table, const char *key)
{
    uint64_t value = ink_hash(&table->seed, key, strlen(key));
    const struct place *places = places_of(table, value);
    for (size_t i = 0; i < WAYS; i++)
        if (places[i].hash == value)
            return places[i].time;
    return 0;
}

void ink_time_table_set(struct ink_time_table *table, const char *key, int64_t time)
{
    uint64_t value = ink_hash(&table->seed, key, strlen(key));
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
