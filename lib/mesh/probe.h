/*
 * Asking a program on this machine how it is, over its admin port (admin.h): what `--check-health`
 * does in a container that has no shell and no curl.
 */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/status.h"

/* Asks with GET for `path` at `address`, an ADMIN_ADDRESS; one that means all interfaces is asked
 * on loopback. INK_OK when the answer is 200, whose body is appended to `body`, as is that of other
 * answers. UNAVAILABLE with a message otherwise. Each read and write may take 3 s. */
struct ink_status ink_mesh_probe(const char *address, const char *path, struct ink_arena *arena,
                                 struct ink_buf *body) INK_MUST_CHECK;
