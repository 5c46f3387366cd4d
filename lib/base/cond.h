/*
 * Waits for a condition variable that end at a time. That is one of CLOCK_MONOTONIC, as all
 * deadlines are: who sets the machine's clock makes no wait longer or shorter. Nothing else waits
 * for one with an end (tests/unit/format sees to that). Thread-safe.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* As pthread_cond_wait(), until `deadline` (ink_now() scale). False when that has passed; true may
 * also mean nothing. */
bool ink_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline);
