/*
 * Where plain text may go: nowhere but to this machine itself, unless somebody says so.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/arena.h"
#include "lib/base/macros.h"
#include "lib/base/status.h"

/* Whether an address to listen on, or every one of a gRPC target, is of this machine only:
 * 127.0.0.0/8, [::1], localhost, or a Unix socket. Of other names nobody knows, so they are not. */
bool ink_mesh_is_loopback(const char *address);

/* INVALID_ARGUMENT unless it is. The message names `setting`, which has the address, and
 * `tls_setting`, which would do. */
struct ink_status ink_mesh_check_plaintext(struct ink_arena *arena, const char *setting,
                                           const char *address,
                                           const char *tls_setting) INK_MUST_CHECK;
