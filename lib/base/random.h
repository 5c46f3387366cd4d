/*
 * Random bytes for keys, tokens and ids, from the kernel (getrandom). Thread-safe.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Fills `out`; aborts if the kernel has no randomness to give. */
void ink_random(void *out, size_t size);
/* A fast number for jitter and sampling; not for secrets. */
uint32_t ink_random_jitter(void);
