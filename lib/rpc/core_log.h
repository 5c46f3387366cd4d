/*
 * What the gRPC C core has to say by itself, such as that it cannot accept a connection. Without
 * this it goes to stderr in a form of its own.
 */
#pragma once

#include <stdbool.h>

/* `text` is one message, which may name addresses and files: for the log only. Called by any
 * thread; must not call gRPC. */
typedef void ink_rpc_core_log_fn(bool error, const char *text);

/* From now on `sink` gets it. Call before there are threads. */
void ink_rpc_core_log(ink_rpc_core_log_fn *sink);
