/*
 * A keyed hash of bytes for tables in memory. With seeds of its own that are random, nobody outside
 * can choose keys that fall together. Not for signatures, and not stable between releases.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ink_hash_seed {
    uint64_t a, b;
};

/* Random seeds. */
void ink_hash_seed(struct ink_hash_seed *seed);
uint64_t ink_hash(const struct ink_hash_seed *seed, const void *data, size_t size);
