/*
 * One check of one value: whether it passes. Pure, but for the clock that the rules about "now" ask
 * for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/validate/plan.h"

bool ink_check_passes(const struct ink_check *check, enum ink_value_kind kind,
                      const struct ink_value *value);

/* Whether no two elements of a repeated field are equal. Takes heap memory for long lists only, so
 * that it costs O(n log n). */
bool ink_list_is_unique(const struct ink_value_plan *plan, const char *items, size_t count);

/* ink_utf8_valid() with a fast way through ASCII. */
bool ink_text_is_utf8(const char *text, size_t size);
