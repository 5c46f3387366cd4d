/*
 * Signed tokens in their compact form (RFC 7515, section 7.1): three parts, of which the first
 * names the key and the last is the signature of the other two. Private to lib/auth.
 *
 * Of the header only `alg`, `kid` and `typ` (JWT, if it is there) count. Members that bring a key
 * along or say where one is (jku, jwk, x5u, x5c and the like) and extensions that must be
 * understood (crit) are refused, not ignored: no token of ours has them. JSON is read strictly, and
 * a name given twice is refused.
 */
#pragma once

#include "lib/auth/keys.h"
#include "lib/transcode/json_reader.h"

/* Verifies `token`, which holds nothing but base64url and dots, by one of the keys. False, with
 * *ret_wrong a constant for the log, or true, with the claims' JSON, not yet looked at. */
bool ink_jws_verify(const struct ink_keys *keys, struct ink_arena *arena, const char *token,
                    const struct ink_key **ret_key, struct ink_json_text *ret_claims,
                    const char **ret_wrong) INK_MUST_CHECK;

/* Walks the members of a JSON object in `text`. `take` reads a member's value by `reader` and
 * returns true, or false when it is not what it should be. False for that, for malformed JSON, for
 * a name given twice and for more members than a token has. */
typedef bool ink_jws_take_fn(void *self, struct ink_json_reader *reader, struct ink_json_text name);
bool ink_jws_members(struct ink_arena *arena, struct ink_json_text text, ink_jws_take_fn *take,
                     void *self) INK_MUST_CHECK;
/* For such functions: whether a name is this one; a string without NUL in it, in the arena. */
bool ink_jws_is(struct ink_json_text name, const char *wanted) INK_MUST_CHECK;
bool ink_jws_text(struct ink_json_reader *reader, const char **ret_text) INK_MUST_CHECK;
