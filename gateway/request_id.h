/*
 * X-Request-Id: the caller's own when it is harmless, else a new one. Pure.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/arena.h"

#define GATEWAY_REQUEST_ID_MAX 128

/* 1 to 128 characters of printable ASCII without spaces. */
bool gateway_request_id_valid(const char *id);
/* `offered` (which may be NULL) if it is valid, else a new UUIDv7 in `arena`. */
const char *gateway_request_id(struct ink_arena *arena, const char *offered);
