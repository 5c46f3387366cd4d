/*
 * The gRPC C core, set up for a process. Without this what it has to say goes to stderr in a form
 * of its own, and its locks are slower.
 */
#pragma once

#include <stdbool.h>

/* What the core says by itself, such as that it cannot accept a connection. `text` is one message,
 * which may name addresses and files: for the log only. Called by any thread; must not call gRPC.
 */
typedef void ink_rpc_core_log_fn(bool error, const char *text);

/* From now on `sink` gets it. Call before there are threads. */
void ink_rpc_core_setup(ink_rpc_core_log_fn *sink);
