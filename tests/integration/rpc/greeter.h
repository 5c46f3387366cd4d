/* The Greeter service of greet.proto, as the tests of lib/rpc serve it. */
#pragma once

#include <stdatomic.h>

#include "lib/rpc/server.h"

struct greeter {
    atomic_int started;       /* handlers that began */
    atomic_int cancelled;     /* handlers that saw their call cancelled */
    atomic_int failures_left; /* how many calls of Hello fail with UNAVAILABLE before one works */
};

extern const struct ink_rpc_handler greeter_handlers[];
