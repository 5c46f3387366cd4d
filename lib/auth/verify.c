#include <string.h>
#include <strings.h>

#include "lib/auth/auth_internal.h"
#include "lib/auth/claims.h"
#include "lib/auth/jws.h"
#include "lib/auth/opaque.h"
#include "lib/base/uuid.h"

static struct ink_status refuse(const char *reason, const char *message, const char *cause)
{
    struct ink_status status = ink_error(INK_UNAUTHENTICATED, message);
    status.reason = reason;
    status.cause = cause;
    return status;
}

static struct ink_status missing(const char *cause)
{
    return refuse(INK_AUTH_TOKEN_MISSING, "a bearer token is required", cause);
}

static struct ink_status invalid(const char *cause)
{
    return refuse(INK_AUTH_TOKEN_INVALID, "the token is not valid", cause);
}

/* The three parts of a compact JWS, or a forgery of them: nothing but base64url and dots. */
static bool token_syntax(const char *token, size_t size)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-_.";
    return strspn(token, alphabet) == size;
}

/* The token of `Bearer TOKEN` (RFC 6750, section 2.1): it ends the header. */
static struct ink_status bearer_token(const char *authorization, const char **ret_token)
{
    static const char scheme[] = "Bearer";
    const size_t size = sizeof(scheme) - 1;
    if (authorization == NULL || *authorization == '\0')
        return missing("no authorization header");
    if (strncasecmp(authorization, scheme, size) != 0 ||
        (authorization[size] != ' ' && authorization[size] != '\0'))
        return missing("the scheme is not Bearer");
    const char *token = authorization + size;
    token += strspn(token, " ");
    if (*token == '\0')
        return missing("no token after the scheme");
    size_t length = strnlen(token, INK_AUTH_TOKEN_MAX + 1);
    if (length > INK_AUTH_TOKEN_MAX)
        return invalid("the token is too long");
    if (!token_syntax(token, length))
        return invalid("the token is not base64url");
    *ret_token = token;
    return ink_ok();
}

static bool is(const char *claim, const char *wanted)
{
    return claim != NULL && strcmp(claim, wanted) == 0;
}

/* exp + leeway, which is in the future, on ink_now()'s scale. */
static int64_t end_of(int64_t expires, int64_t now, int64_t leeway)
{
    const int64_t most = 100LL * 365 * 86400;
    int64_t left = expires > now + most ? most : expires - now;
    return ink_now() + (left + leeway) * INK_SECOND;
}

static struct ink_status expired(void)
{
    return refuse(INK_AUTH_TOKEN_EXPIRED, "the token has expired", "exp is in the past");
}

static struct ink_status check_times(const struct ink_auth *auth,
                                     const struct ink_known_token *token, int64_t *ret_until)
{
    int64_t now = ink_auth_clock();
    if (token->begins > now + auth->leeway)
        return invalid("iat or nbf is in the future");
    if (token->ends <= now - auth->leeway)
        return expired();
    *ret_until = end_of(token->ends, now, auth->leeway);
    return ink_ok();
}

struct ink_status ink_auth_still_good(const struct ink_caller *caller)
{
    return caller->until == 0 || ink_now() < caller->until ? ink_ok() : expired();
}

static struct ink_status check_service(const struct ink_key *key, const struct ink_claims *claims,
                                       struct ink_caller *ret_caller)
{
    if (!ink_keys_may_sign(key, claims->sub))
        return invalid("this key does not sign for this service");
    ret_caller->kind = INK_CALLER_SERVICE;
    ret_caller->id = claims->sub;
    return ink_ok();
}

static struct ink_status check_user(struct ink_arena *arena, const struct ink_key *key,
                                    const struct ink_claims *claims, struct ink_caller *ret_caller)
{
    char id[INK_UUID_SIZE];
    if (!ink_keys_may_sign(key, NULL))
        return invalid("this key does not sign for users");
    if (!is(claims->id, claims->sub) || !ink_uuid_normalize(claims->sub, id))
        return invalid("id is not sub, or no UUID");
    ret_caller->kind = INK_CALLER_USER;
    ret_caller->id = ink_arena_strdup(arena, id);
    return ink_ok();
}

static struct ink_status check_claims(const struct ink_auth *auth, struct ink_arena *arena,
                                      const struct ink_key *key, const struct ink_claims *claims,
                                      struct ink_caller *ret_caller)
{
    if (!is(claims->iss, auth->issuer))
        return invalid("wrong iss");
    if (!is(claims->aud, auth->audience))
        return invalid("wrong aud");
    if (claims->sub == NULL || *claims->sub == '\0')
        return invalid("no sub");
    if (!claims->has_iat || !claims->has_exp)
        return invalid("no iat, or no exp");
    if (is(claims->typ, TYP_USER))
        return check_user(arena, key, claims, ret_caller);
    if (is(claims->typ, TYP_SERVICE))
        return check_service(key, claims, ret_caller);
    return invalid("wrong typ");
}

/* All that does not change with time. */
static struct ink_status verify(const struct ink_auth *auth, struct ink_arena *arena,
                                const char *token, struct ink_caller *ret_caller,
                                struct ink_known_token *ret_times)
{
    const char *wrong = NULL;
    const struct ink_key *key;
    struct ink_json_text json;
    struct ink_claims claims;
    if (!ink_jws_verify(&auth->keys, arena, token, &key, &json, &wrong))
        return invalid(wrong);
    if (!ink_claims_read(arena, json, &claims))
        return invalid("the claims are malformed");
    ret_times->begins = claims.has_nbf && claims.nbf > claims.iat ? claims.nbf : claims.iat;
    ret_times->ends = claims.exp;
    return check_claims(auth, arena, key, &claims, ret_caller);
}

static void remember(const struct ink_auth *auth, const struct ink_caller *caller,
                     struct ink_known_token *token)
{
    if (strlen(caller->id) >= sizeof(token->id))
        return;
    token->kind = caller->kind;
    strcpy(token->id, caller->id);
    ink_known_tokens_add(auth->known, token);
}

/* Times come last: TOKEN_EXPIRED says that all else was right. */
struct ink_status ink_auth_verify(const struct ink_auth *auth, struct ink_arena *arena,
                                  const char *authorization, struct ink_caller *ret_caller)
{
    const char *text = NULL;
    struct ink_status status = bearer_token(authorization, &text);
    if (!ink_is_ok(status))
        return status;
    struct ink_caller caller = {0};
    struct ink_known_token token = {0};
    ink_opaque_hash(text, token.hash);
    bool known = ink_known_tokens_find(auth->known, &token);
    if (known)
        caller = (struct ink_caller){.kind = token.kind, .id = ink_arena_strdup(arena, token.id)};
    else
        status = verify(auth, arena, text, &caller, &token);
    if (ink_is_ok(status))
        status = check_times(auth, &token, &caller.until);
    if (!ink_is_ok(status))
        return status;
    if (!known)
        remember(auth, &caller, &token);
    *ret_caller = caller;
    return ink_ok();
}
