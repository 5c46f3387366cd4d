/*
 * gRPC credentials from struct ink_rpc_tls. Internal to lib/rpc.
 */
#pragma once

#include <grpc/grpc_security.h>

#include "lib/base/status.h"
#include "lib/rpc/tls.h"

/* `tls` may be NULL: plain text. The credentials are the caller's to release. A file that cannot be
 * read is INVALID_ARGUMENT and named. */
struct ink_status ink_rpc_server_credentials(const struct ink_rpc_tls *tls, struct ink_arena *arena,
                                             grpc_server_credentials **ret) INK_MUST_CHECK;
struct ink_status ink_rpc_channel_credentials(const struct ink_rpc_tls *tls,
                                              struct ink_arena *arena,
                                              grpc_channel_credentials **ret) INK_MUST_CHECK;
