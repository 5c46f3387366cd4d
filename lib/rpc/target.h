/*
 * Addresses as people write them, and as gRPC's resolvers take them.
 */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/macros.h"
#include "lib/base/status.h"

/*
 * The target for a client's channel:
 *   "10.0.0.1:3001,10.0.0.2:3001"  the replicas of a service; IPv6 as "[::1]:3001,[::2]:3001", and
 *                                  localhost counts as 127.0.0.1
 *   anything else                  as it is: "user:3001", "dns:///user:3001", "ipv4:..."
 *
 * A list of names is refused with INVALID_ARGUMENT, because nobody would look them up again when
 * their addresses change: one name that has several addresses does that. So is a list that mixes
 * the families. The target is `text` or lives in `arena`.
 */
struct ink_status ink_rpc_target(struct ink_arena *arena, const char *text,
                                 const char **ret_target) INK_MUST_CHECK;
