/*
 * Regular expressions of RE2's syntax, by PCRE2; the only user of its header. Compiled once, then
 * constant and thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/macros.h"

struct ink_pattern;

/* NULL, with *ret_error set to what is wrong (in the arena), when the expression is malformed or
 * uses what RE2 does not have. */
struct ink_pattern *ink_pattern_new(const char *expression, struct ink_arena *arena,
                                    const char **ret_error) INK_MUST_CHECK;
/* Accepts NULL. */
void ink_pattern_free(struct ink_pattern *pattern);

/* Whether the text (valid UTF-8) contains a match. One that would take more than a fixed number of
 * steps or much memory is none. */
bool ink_pattern_matches(const struct ink_pattern *pattern, const char *text, size_t size);
