/*
 * UUIDs (RFC 9562). Ids are made as version 7: their order is the order of their making, to the
 * millisecond. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INK_UUID_SIZE 37 /* 36 characters and a NUL */

/* A new UUIDv7, in lower case. */
void ink_uuid_v7(char out[INK_UUID_SIZE]);
/* Whether `text` is a UUID of any version, in any case. */
bool ink_uuid_valid(const char *text, size_t size);
/* The same in lower case, as ids are stored. False, with `out` untouched, when it is no UUID. */
bool ink_uuid_normalize(const char *text, char out[INK_UUID_SIZE]);
