/*
 * Time. Deadlines and durations are nanoseconds of CLOCK_MONOTONIC; what is stored or shown to
 * people is microseconds since the Unix epoch. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INK_SECOND INT64_C(1000000000)
#define INK_MILLISECOND INT64_C(1000000)
#define INK_MICROSECOND INT64_C(1000)

/* The deadline of what has none. */
#define INK_NO_DEADLINE INT64_MAX

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t ink_now(void);
/* CLOCK_REALTIME in microseconds since 1970. */
int64_t ink_wall_clock(void);
/* How many milliseconds are left until `deadline`, rounded up; 0 when it has passed, and at most
 * `limit`. */
int64_t ink_deadline_left_ms(int64_t deadline, int64_t limit);

#define INK_RFC3339_SIZE 40
/* "2026-11-22T10:00:00.123456Z" (RFC 3339): UTC, with 0, 3, 6 or 9 digits of fraction as needed, as
 * the proto3 JSON mapping wants it. `out` takes INK_RFC3339_SIZE bytes. What is not within the
 * years 0 to 9999 is shown as the nearest that is. */
void ink_rfc3339(int64_t seconds, int32_t nanos, char *out);
/* Reads any RFC 3339 time, with offset, between the years 1 and 9999. */
bool ink_rfc3339_parse(const char *text, size_t size, int64_t *ret_seconds, int32_t *ret_nanos);
