/* What program.c gets from before/handlers.c or after/handlers.c, whichever it is linked with. */
#pragma once

#include "lib/rpc/server.h"

extern const struct ink_rpc_handler notes_handlers[];
