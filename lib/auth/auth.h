/*
 * Access tokens: JSON Web Tokens (RFC 7519), which libjwt signs and jws.c verifies with keys that
 * were parsed once. This module is the only user of libjwt.
 *
 * A token of a person has typ "access" and carries the user's id twice, as `sub` and as `id` (what
 * clients of the older API read); a token of a service has typ "service" and the service's name as
 * `sub`. Verification trusts nothing that the token says about itself: `kid` names one of our keys
 * or none, that key decides the algorithm, the signature comes before the claims, and then exp,
 * nbf, iat, iss, aud and typ count (RFC 8725). Tokens are verified at the gateway and again in
 * every service.
 *
 * Keys are of one of two kinds:
 *   - a secret that all programs share (HS256). A second one may be accepted beside it.
 *   - public keys (RS256 from 2048 bits, ES256), with the private one only where tokens are
 *     issued. Then no secret signs tokens. Each key has one use: those of `public_keys_file` sign
 *     users' tokens, and those of `service_keys` the tokens of one service.
 * libjwt 1.10 cannot sign with Ed25519, so a key of that kind is refused. A token without `kid`
 * must be signed with `secret`; with public keys it is refused.
 *
 * An ink_auth keeps its keys for life. It knows tokens that it has found good by their SHA-256; of
 * these only the times are looked at again. All functions are thread-safe.
 */
#pragma once

#include <stdint.h>

#include "lib/base/ctx.h"

/* RFC 7518, section 3.2: an HS256 key is at least as long as its hash. */
#define INK_AUTH_SECRET_MIN 32
/* A longer token is refused unread. */
#define INK_AUTH_TOKEN_MAX 4096

struct ink_auth;

struct ink_auth_options {
    const char *secret;           /* JWT_SECRET, at least INK_AUTH_SECRET_MIN bytes */
    const char *accepted_secret;  /* JWT_SECRET_ACCEPTED: verifies, signs nothing; or NULL */
    const char *public_keys_file; /* JWT_PUBLIC_KEYS_FILE: PEM; or NULL, then `secret` counts */
    const char *service_keys;     /* JWT_SERVICE_KEYS: "NAME=FILE,NAME=FILE", PEM; or NULL */
    /* PEM, not encrypted: JWT_SIGNING_KEY_FILE for users' tokens, or
     * JWT_SERVICE_SIGNING_KEY_FILE for those of `signing_service`; or NULL */
    const char *signing_key_file;
    const char *signing_service; /* NULL: users */
    const char *issuer;          /* `iss`; NULL means "inkmesh" */
    const char *audience;        /* `aud`; NULL means "inkmesh" */
    int64_t access_ttl;          /* seconds that a user's token is good; 0 means 3,600 */
    int64_t service_ttl;         /* seconds that a service's token is good; 0 means 300 */
    int64_t leeway;              /* seconds that two clocks may differ by, 0 to 300 */
};

/* Copies the options and reads the files. INVALID_ARGUMENT, naming the setting, when there is
 * neither secret nor public key, for a key that is weak, of another kind or in the wrong place, for
 * a signing key that nobody would accept, and for times that are negative or too long. */
struct ink_status ink_auth_new(const struct ink_auth_options *options, struct ink_arena *arena,
                               struct ink_auth **ret_auth) INK_MUST_CHECK;
/* Wipes the secrets. Accepts NULL. */
void ink_auth_free(struct ink_auth *auth);

/* Whether it can issue users' tokens (`service` is NULL) or those of a service:
 * FAILED_PRECONDITION, naming the setting, when it has no key for that. To be asked at start. */
struct ink_status ink_auth_check_issuer(const struct ink_auth *auth, struct ink_arena *arena,
                                        const char *service) INK_MUST_CHECK;

/* The public keys of users' tokens as a JSON Web Key Set (RFC 7517), which has no key in it under
 * HS256; and an entity tag of it, with quotes. Both live as long as `auth`. */
const char *ink_auth_jwks(const struct ink_auth *auth);
const char *ink_auth_jwks_etag(const struct ink_auth *auth);

/* For how many seconds a user's token is good: `expires_in` of a session. */
int64_t ink_auth_access_ttl(const struct ink_auth *auth);

/* Makes a token for a user, whose id must be a UUID, or for a service. The token lives in `arena`.
 * INTERNAL when the id is none, there is no key for it, or signing fails. */
struct ink_status ink_auth_issue_user(const struct ink_auth *auth, struct ink_arena *arena,
                                      const char *user_id, const char **ret_token) INK_MUST_CHECK;
struct ink_status ink_auth_issue_service(const struct ink_auth *auth, struct ink_arena *arena,
                                         const char *service_name,
                                         const char **ret_token) INK_MUST_CHECK;

/*
 * Who an Authorization header speaks for. `authorization` is its value ("Bearer TOKEN", the scheme
 * in any case: RFC 9110, section 11.1) or NULL. The caller's id lives in `arena`; a user's is in
 * lower case; `until` is the token's end, with the leeway.
 *
 * Everything else is UNAUTHENTICATED, with a message that is safe to show, a cause for the log
 * (never the token) and a reason:
 *   TOKEN_MISSING  no header, no token in it, or another scheme (RFC 6750, section 3.1)
 *   TOKEN_EXPIRED  a good token, but its time is over: refresh it
 *   TOKEN_INVALID  anything else
 */
#define INK_AUTH_TOKEN_MISSING "TOKEN_MISSING"
#define INK_AUTH_TOKEN_EXPIRED "TOKEN_EXPIRED"
#define INK_AUTH_TOKEN_INVALID "TOKEN_INVALID"
struct ink_status ink_auth_verify(const struct ink_auth *auth, struct ink_arena *arena,
                                  const char *authorization,
                                  struct ink_caller *ret_caller) INK_MUST_CHECK;
/* OK while the caller's credentials are good, else UNAUTHENTICATED with TOKEN_EXPIRED. For what
 * lasts: to be asked now and then. */
struct ink_status ink_auth_still_good(const struct ink_caller *caller) INK_MUST_CHECK;
