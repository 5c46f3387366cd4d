#include "lib/auth/auth.h"

#include <errno.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/auth/claims.h"
#include "lib/auth/jws.h"
#include "lib/auth/opaque.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"
#include "lib/base/uuid.h"

#define TYP_USER "access"
#define TYP_SERVICE "service"

/* A year: a longer life is a mistake in a setting, and sums of such times cannot overflow. */
#define TTL_MAX (INT64_C(365) * 24 * 3600)
#define LEEWAY_MAX 300

struct ink_auth {
    struct ink_keys keys;
    char *jwks;
    char etag[INK_KEY_ID_SIZE + 2];
    char *issuer;
    char *audience;
    int64_t access_ttl;
    int64_t service_ttl;
    int64_t leeway;
};

static void jwt_cleanup(jwt_t **jwt)
{
    jwt_free(*jwt);
}

static int64_t seconds_since_1970(void)
{
    return ink_wall_clock() / 1000000;
}

static struct ink_status check_times_of(const struct ink_auth_options *options)
{
    if (options->access_ttl < 0 || options->access_ttl > TTL_MAX || options->service_ttl < 0 ||
        options->service_ttl > TTL_MAX)
        return ink_error(INK_INVALID_ARGUMENT, "the life of a token must be 1 second to 1 year");
    if (options->leeway < 0 || options->leeway > LEEWAY_MAX)
        return ink_error(INK_INVALID_ARGUMENT, "the leeway of clocks must be 0 to 300 seconds");
    return ink_ok();
}

/* A service's key is nobody's business outside, and a secret is no public key. */
static void write_jwks(struct ink_auth *auth, struct ink_arena *arena)
{
    struct ink_buf out = INK_BUF_INIT;
    const char *comma = "";
    ink_buf_puts(&out, "{\"keys\":[");
    for (const struct ink_key *key = auth->keys.accepted; key != NULL; key = key->next) {
        if (key->public == NULL || key->service != NULL)
            continue;
        ink_buf_printf(&out, "%s%s", comma, ink_key_jwk(key, arena));
        comma = ",";
    }
    ink_buf_puts(&out, "]}");
    auth->jwks = out.data;
    uint8_t hash[INK_OPAQUE_HASH_SIZE];
    INK_CLEANUP(ink_buf_release) struct ink_buf etag = INK_BUF_INIT;
    ink_opaque_hash(auth->jwks, hash);
    ink_buf_putc(&etag, '"');
    ink_buf_base64url(&etag, hash, sizeof(hash));
    ink_buf_putc(&etag, '"');
    memcpy(auth->etag, etag.data, sizeof(auth->etag));
}

struct ink_status ink_auth_new(const struct ink_auth_options *options, struct ink_arena *arena,
                               struct ink_auth **ret_auth)
{
    struct ink_keys keys;
    struct ink_status status = check_times_of(options);
    if (ink_is_ok(status))
        status = ink_keys_init(&keys, options, arena);
    if (!ink_is_ok(status))
        return status;
    struct ink_auth *auth = ink_calloc(1, sizeof(*auth));
    auth->keys = keys;
    write_jwks(auth, arena);
    auth->issuer = ink_strdup(options->issuer == NULL ? "inkmesh" : options->issuer);
    auth->audience = ink_strdup(options->audience == NULL ? "inkmesh" : options->audience);
    auth->access_ttl = options->access_ttl == 0 ? 3600 : options->access_ttl;
    auth->service_ttl = options->service_ttl == 0 ? 300 : options->service_ttl;
    auth->leeway = options->leeway;
    *ret_auth = auth;
    return ink_ok();
}

void ink_auth_free(struct ink_auth *auth)
{
    if (auth == NULL)
        return;
    ink_keys_release(&auth->keys);
    free(auth->jwks);
    free(auth->issuer);
    free(auth->audience);
    free(auth);
}

int64_t ink_auth_access_ttl(const struct ink_auth *auth)
{
    return auth->access_ttl;
}

const char *ink_auth_jwks(const struct ink_auth *auth)
{
    return auth->jwks;
}

const char *ink_auth_jwks_etag(const struct ink_auth *auth)
{
    return auth->etag;
}

struct ink_status ink_auth_check_issuer(const struct ink_auth *auth, struct ink_arena *arena,
                                        const char *service)
{
    const struct ink_key *key = auth->keys.signing;
    if (key != NULL && ink_keys_may_sign(key, service))
        return ink_ok();
    return ink_errorf(arena, INK_FAILED_PRECONDITION,
                      "there is no key to sign tokens of %s with: set %s",
                      service == NULL ? "users" : service, ink_keys_signing_setting(service));
}

/* `id` is the claim of that name, or NULL for none. 0 or an errno. */
static int fill(const struct ink_auth *auth, jwt_t *jwt, const char *typ, const char *subject,
                const char *id, int64_t ttl)
{
    int64_t now = seconds_since_1970();
    int error = id == NULL ? 0 : jwt_add_grant(jwt, "id", id);
    if (error == 0)
        error = jwt_add_grant(jwt, "sub", subject);
    if (error == 0)
        error = jwt_add_grant(jwt, "iss", auth->issuer);
    if (error == 0)
        error = jwt_add_grant(jwt, "aud", auth->audience);
    if (error == 0)
        error = jwt_add_grant(jwt, "typ", typ);
    if (error == 0)
        error = jwt_add_grant_int(jwt, "iat", now);
    if (error == 0)
        error = jwt_add_grant_int(jwt, "exp", now + ttl);
    return error;
}

/* 0 or an errno. */
static int set_key(const struct ink_keys *keys, jwt_t *jwt)
{
    const struct ink_key *key = keys->signing;
    const char *text = key->secret != NULL ? key->secret : keys->private_pem;
    int error = jwt_add_header(jwt, "kid", key->id);
    if (error == 0)
        error =
            jwt_set_alg(jwt, jwt_str_alg(key->alg), (const unsigned char *)text, (int)strlen(text));
    return error;
}

static struct ink_status issue(const struct ink_auth *auth, struct ink_arena *arena,
                               const char *typ, const char *subject, const char *id, int64_t ttl,
                               const char **ret_token)
{
    INK_CLEANUP(jwt_cleanup) jwt_t *jwt = NULL;
    const struct ink_status able = ink_auth_check_issuer(auth, arena, id == NULL ? subject : NULL);
    if (!ink_is_ok(able))
        return ink_error_cause(arena, INK_INTERNAL, "internal error", "%s", able.message);
    int error = jwt_new(&jwt);
    if (error == 0)
        error = fill(auth, jwt, typ, subject, id, ttl);
    if (error == 0)
        error = set_key(&auth->keys, jwt);
    char *token = error == 0 ? jwt_encode_str(jwt) : NULL;
    if (token == NULL)
        return ink_error_cause(arena, INK_INTERNAL, "internal error", "signing a token: %s",
                               strerror(error == 0 ? errno : error));
    *ret_token = ink_arena_strdup(arena, token);
    free(token);
    return ink_ok();
}

struct ink_status ink_auth_issue_user(const struct ink_auth *auth, struct ink_arena *arena,
                                      const char *user_id, const char **ret_token)
{
    char id[INK_UUID_SIZE];
    if (!ink_uuid_normalize(user_id, id))
        return ink_error_cause(arena, INK_INTERNAL, "internal error",
                               "signing a token: the user's id is no UUID");
    return issue(auth, arena, TYP_USER, id, id, auth->access_ttl, ret_token);
}

struct ink_status ink_auth_issue_service(const struct ink_auth *auth, struct ink_arena *arena,
                                         const char *service_name, const char **ret_token)
{
    if (*service_name == '\0')
        return ink_error_cause(arena, INK_INTERNAL, "internal error",
                               "signing a token: the service has no name");
    return issue(auth, arena, TYP_SERVICE, service_name, NULL, auth->service_ttl, ret_token);
}

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

/* exp comes last: TOKEN_EXPIRED says that all else was right. */
static struct ink_status check_times(const struct ink_auth *auth, const struct ink_claims *claims,
                                     int64_t *ret_until)
{
    int64_t now = seconds_since_1970();
    if (!claims->has_iat || !claims->has_exp)
        return invalid("no iat, or no exp");
    if (claims->iat > now + auth->leeway)
        return invalid("iat is in the future");
    if (claims->has_nbf && claims->nbf > now + auth->leeway)
        return invalid("nbf is in the future");
    if (claims->exp <= now - auth->leeway)
        return expired();
    *ret_until = end_of(claims->exp, now, auth->leeway);
    return ink_ok();
}

struct ink_status ink_auth_still_good(const struct ink_caller *caller)
{
    return caller->until == 0 || ink_now() < caller->until ? ink_ok() : expired();
}

static struct ink_status check_service(struct ink_arena *arena, const struct ink_key *key,
                                       const struct ink_claims *claims,
                                       struct ink_caller *ret_caller)
{
    if (!ink_keys_may_sign(key, claims->sub))
        return invalid("this key does not sign for this service");
    ret_caller->kind = INK_CALLER_SERVICE;
    ret_caller->id = ink_arena_strdup(arena, claims->sub);
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
    struct ink_status status =
        is(claims->typ, TYP_USER)      ? check_user(arena, key, claims, ret_caller)
        : is(claims->typ, TYP_SERVICE) ? check_service(arena, key, claims, ret_caller)
                                       : invalid("wrong typ");
    return ink_is_ok(status) ? check_times(auth, claims, &ret_caller->until) : status;
}

struct ink_status ink_auth_verify(const struct ink_auth *auth, struct ink_arena *arena,
                                  const char *authorization, struct ink_caller *ret_caller)
{
    const char *token = NULL, *wrong = NULL;
    struct ink_status status = bearer_token(authorization, &token);
    if (!ink_is_ok(status))
        return status;
    const struct ink_key *key;
    struct ink_json_text json;
    struct ink_claims claims;
    if (!ink_jws_verify(&auth->keys, arena, token, &key, &json, &wrong))
        return invalid(wrong);
    if (!ink_claims_read(arena, json, &claims))
        return invalid("the claims are malformed");
    struct ink_caller caller = {0};
    status = check_claims(auth, arena, key, &claims, &caller);
    if (ink_is_ok(status))
        *ret_caller = caller;
    return status;
}
