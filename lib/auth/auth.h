/*
 * Access tokens: JSON Web Tokens (RFC 7519) signed with HS256 by libjwt. This module is the only
 * user of libjwt.
 *
 * A token of a person has typ "access" and carries the user's id twice, as `sub` and as `id` (what
 * clients of the older API read); a token of a service has typ "service" and the service's name as
 * `sub`. Verification trusts nothing that the token says about itself: the algorithm is pinned, the
 * signature comes first, then exp, nbf, iss, aud and typ (RFC 8725). Tokens are verified at the
 * gateway and again in every service.
 *
 * An ink_auth is constant once made; all functions are thread-safe.
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
    const char *secret;   /* JWT_SECRET, at least INK_AUTH_SECRET_MIN bytes */
    const char *issuer;   /* `iss`; NULL means "inkmesh" */
    const char *audience; /* `aud`; NULL means "inkmesh" */
    int64_t access_ttl;   /* seconds that a user's token is good; 0 means 3,600 */
    int64_t service_ttl;  /* seconds that a service's token is good; 0 means 300 */
    int64_t leeway;       /* seconds that two clocks may differ by, 0 to 300 */
};

/* Copies the options. INVALID_ARGUMENT, naming the setting JWT_SECRET, when the secret is missing
 * or short, and for times that are negative or too long. */
struct ink_status ink_auth_new(const struct ink_auth_options *options, struct ink_arena *arena,
                               struct ink_auth **ret_auth) INK_MUST_CHECK;
/* Wipes the secret. Accepts NULL. */
void ink_auth_free(struct ink_auth *auth);

/* For how many seconds a user's token is good: `expires_in` of a session. */
int64_t ink_auth_access_ttl(const struct ink_auth *auth);

/* Makes a token for a user, whose id must be a UUID, or for a service. The token lives in `arena`.
 * INTERNAL when the id is none or signing fails. */
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
