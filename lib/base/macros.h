/*
 * What every header needs of the compiler, and nothing else.
 */
#pragma once

#include <stddef.h>

#define INK_MUST_CHECK __attribute__((warn_unused_result))
#define INK_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Runs `release(&variable)` when the variable leaves its scope. */
#define INK_CLEANUP(release) __attribute__((cleanup(release)))

#define INK_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The struct of type `type` whose member `member` is at `pointer`. */
#define INK_CONTAINER_OF(pointer, type, member)                                                    \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
