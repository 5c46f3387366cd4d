/*
 * Random bytes for keys, tokens and ids, from the kernel (getrandom). Thread-safe.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Fills `out`; aborts if the kernel has no randomness to give. */
void ink_random(void *out, size_t size);
/* The same from a small stock of each thread, so that not every id costs a system call. For ids:
 * what is in stock stays in memory, so not for keys. */
void ink_random_id(void *out, size_t size);
/* A fast number for jitter and sampling; not for secrets. */
uint32_t ink_random_jitter(void);
