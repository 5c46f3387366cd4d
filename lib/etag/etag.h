/*
 * Entity tags and the lists of them in If-Match and If-None-Match (RFC 9110, sections 8.8.3, 13.1.1
 * and 13.1.2). Pure functions. What is no entity tag never matches, and neither does a list that is
 * malformed, from the place on where it is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/macros.h"

/* One entity tag of a list. */
struct ink_etag {
    const char *opaque; /* what is between the quotes, not terminated */
    size_t size;
    bool weak; /* it had a W/ */
};

/* Reads the next tag of *list and moves *list behind it. False at the end, and where the list is
 * malformed; "*" is no tag. */
bool ink_etag_next(const char **list, struct ink_etag *ret_tag) INK_MUST_CHECK;
/* Whether nothing more is left of a list: once ink_etag_next() has said false, whether the list was
 * well-formed. */
bool ink_etag_at_end(const char *list);
/* Whether a list is "*": any state that there is. */
bool ink_etag_is_any(const char *list);
/* Whether `list` has the tag `etag` (in its quotes) by the weak comparison, in which W/ does not
 * count, or is "*": for If-None-Match. */
bool ink_etag_list_has(const char *list, const char *etag);
