/*
 * Heap memory that does not fail: when there is none left the process prints a line and aborts.
 * Every size that a client controls is bounded long before, so running out is the operator's
 * business (a restart), not a case for each caller to handle. Release with free().
 */
#pragma once

#include <stddef.h>

#include "lib/base/macros.h"

void *ink_malloc(size_t size) INK_MUST_CHECK;
/* Zeroed; `count * size` is checked for overflow. */
void *ink_calloc(size_t count, size_t size) INK_MUST_CHECK;
void *ink_realloc(void *old, size_t size) INK_MUST_CHECK;
char *ink_strdup(const char *text) INK_MUST_CHECK;
