/*
 * What the Content-Type and Accept headers say (RFC 9110, section 8.3 and 12.5.1), as far as the
 * gateway asks. Pure.
 */
#pragma once

#include <stdbool.h>

/* Whether a Content-Type (or NULL) is application/json, with no other charset than UTF-8. */
bool gateway_is_json(const char *content_type);
/* Whether an Accept header (or NULL) names `type` and does not refuse it by q=0. */
bool gateway_accepts(const char *accept, const char *type);
