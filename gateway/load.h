/*
 * How busy a method is, and whether it is slow: its answers take long, or none has come for a
 * while. What waits for a slow method takes memory, and often a thread of the gateway, until
 * nothing is left for everybody else; so it gets a share. A method that is quick has no limit,
 * however much is asked of it.
 *
 * Two or three relaxed atomics a call; thread-safe.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/macros.h"

struct gateway_load {
    atomic_uint calls;        /* under way */
    _Atomic int64_t answered; /* when one of them ended last, or the first of them began */
    _Atomic int64_t took;     /* ns, an average that forgets */
};

/* A call begins at `now` (ink_now() scale): false when there are `share` of them already and the
 * method is slow. Otherwise gateway_load_end() follows. */
bool gateway_load_begin(struct gateway_load *load, unsigned share, int64_t now) INK_MUST_CHECK;
void gateway_load_end(struct gateway_load *load, int64_t begun, int64_t now);
