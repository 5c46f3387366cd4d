/*
 * gRPC credentials from struct ink_rpc_tls. Internal to lib/rpc.
 */
#pragma once

#include <grpc/grpc_security.h>

#include "lib/base/status.h"
#include "lib/rpc/tls.h"
#include "lib/tls/tls.h"

/* Reads and checks the files of a client, or of a server. INVALID_ARGUMENT names the one that is
 * missing or cannot be used. */
struct ink_status ink_rpc_client_pems(const struct ink_rpc_tls *tls, struct ink_arena *arena,
                                      struct ink_tls_pems *ret_pems) INK_MUST_CHECK;
struct ink_status ink_rpc_server_pems(const struct ink_rpc_tls *tls, struct ink_arena *arena,
                                      struct ink_tls_pems *ret_pems) INK_MUST_CHECK;

/* `pems` may be NULL: plain text. The credentials are the caller's to release. */
grpc_channel_credentials *ink_rpc_channel_credentials(const struct ink_tls_pems *pems);
