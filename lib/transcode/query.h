/*
 * Percent-encoding (RFC 3986, section 2.1) and the query component of a request target as HTML
 * forms write it (application/x-www-form-urlencoded: "&" separates, "+" is a space). Pure
 * functions, thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/macros.h"
#include "lib/base/status.h"

enum ink_decode {
    INK_DECODE_ALL,
    INK_DECODE_KEEP_SLASH, /* "%2F" and "%2f" stay as they are */
    INK_DECODE_FORM,       /* "+" becomes a space */
};

/* Decodes `size` bytes of `text`. What comes out is NUL-terminated and lives in `arena`. NULL on
 * success; else what is wrong as a constant sentence (a malformed escape, a NUL, text that is not
 * UTF-8 once decoded), with *ret_text and *ret_size untouched. */
const char *ink_percent_decode(struct ink_arena *arena, const char *text, size_t size,
                               enum ink_decode how, const char **ret_text,
                               size_t *ret_size) INK_MUST_CHECK;

struct ink_query_parameter {
    const char *name; /* never NULL or empty */
    size_t name_size;
    const char *value; /* "" when there is no "=" */
    size_t value_size;
};

/* More parameters than this in one query are refused. */
#define INK_QUERY_MAX_PARAMETERS 1000

/* Splits a query (without its "?") into decoded parameters, in their order; both live in `arena`.
 * Empty parameters ("a=1&&b=2") are skipped, one with an empty name is refused. INVALID_ARGUMENT
 * for that, for bad escapes and for too many. */
struct ink_status ink_query_parse(struct ink_arena *arena, const char *query, size_t size,
                                  struct ink_query_parameter **ret_parameters,
                                  size_t *ret_count) INK_MUST_CHECK;
