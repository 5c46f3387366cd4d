/*
 * What a token claims (RFC 7519, section 4): read, not yet believed. Private to lib/auth.
 */
#pragma once

#include "lib/auth/jws.h"

/* NULL, and false, for what the token does not have. The texts live in the arena. */
struct ink_claims {
    const char *id, *sub, *iss, *aud, *typ;
    bool has_exp, has_nbf, has_iat;
    int64_t exp, nbf, iat; /* whole seconds since 1970; RFC 7519 would allow parts of them */
};

/* False when it is malformed, has a claim twice, or one of the above with a value of another type.
 * All others are passed over. */
bool ink_claims_read(struct ink_arena *arena, struct ink_json_text json,
                     struct ink_claims *ret_claims) INK_MUST_CHECK;
