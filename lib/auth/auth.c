#include "lib/auth/auth.h"

#include <errno.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/alloc.h"
#include "lib/base/text.h"
#include "lib/base/uuid.h"

#define TYP_USER "access"
#define TYP_SERVICE "service"

/* A year: a longer life is a mistake in a setting, and sums of such times cannot overflow. */
#define TTL_MAX (INT64_C(365) * 24 * 3600)
#define LEEWAY_MAX 300

struct ink_auth {
    unsigned char *secret;
    size_t secret_size;
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

static struct ink_status check_options(const struct ink_auth_options *options,
                                       struct ink_arena *arena)
{
    size_t size = options->secret == NULL ? 0 : strlen(options->secret);
    if (size < INK_AUTH_SECRET_MIN)
        return ink_errorf(arena, INK_INVALID_ARGUMENT,
                          "JWT_SECRET must be at least %d bytes long, and has %zu",
                          INK_AUTH_SECRET_MIN, size);
    if (options->access_ttl < 0 || options->access_ttl > TTL_MAX || options->service_ttl < 0 ||
        options->service_ttl > TTL_MAX)
        return ink_error(INK_INVALID_ARGUMENT, "the life of a token must be 1 second to 1 year");
    if (options->leeway < 0 || options->leeway > LEEWAY_MAX)
        return ink_error(INK_INVALID_ARGUMENT, "the leeway of clocks must be 0 to 300 seconds");
    return ink_ok();
}

struct ink_status ink_auth_new(const struct ink_auth_options *options, struct ink_arena *arena,
                               struct ink_auth **ret_auth)
{
    struct ink_status status = check_options(options, arena);
    if (!ink_is_ok(status))
        return status;
    struct ink_auth *auth = ink_calloc(1, sizeof(*auth));
    auth->secret = (unsigned char *)ink_strdup(options->secret);
    auth->secret_size = strlen(options->secret);
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
    explicit_bzero(auth->secret, auth->secret_size);
    free(auth->secret);
    free(auth->issuer);
    free(auth->audience);
    free(auth);
}

int64_t ink_auth_access_ttl(const struct ink_auth *auth)
{
    return auth->access_ttl;
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
    if (error == 0)
        error = jwt_set_alg(jwt, JWT_ALG_HS256, auth->secret, (int)auth->secret_size);
    return error;
}

static struct ink_status issue(const struct ink_auth *auth, struct ink_arena *arena,
                               const char *typ, const char *subject, const char *id, int64_t ttl,
                               const char **ret_token)
{
    INK_CLEANUP(jwt_cleanup) jwt_t *jwt = NULL;
    int error = jwt_new(&jwt);
    if (error == 0)
        error = fill(auth, jwt, typ, subject, id, ttl);
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

static bool claim_is(jwt_t *jwt, const char *claim, const char *wanted)
{
    const char *value = jwt_get_grant(jwt, claim);
    return value != NULL && strcmp(value, wanted) == 0;
}

/* Whether `claim` is an integer; *ret_absent tells apart why not. Read as JSON, since libjwt takes
 * what is no integer for 0. */
static bool claim_time(jwt_t *jwt, const char *claim, bool *ret_absent, int64_t *ret_time)
{
    char *json = jwt_get_grants_json(jwt, claim);
    *ret_absent = json == NULL;
    if (json == NULL)
        return false;
    char *end;
    errno = 0;
    long long value = strtoll(json, &end, 10);
    bool is_integer = errno == 0 && end != json && *end == '\0';
    free(json);
    if (is_integer)
        *ret_time = value;
    return is_integer;
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
static struct ink_status check_times(const struct ink_auth *auth, jwt_t *jwt, int64_t *ret_until)
{
    int64_t now = seconds_since_1970();
    int64_t not_before, expires;
    bool absent;
    if (claim_time(jwt, "nbf", &absent, &not_before)) {
        if (not_before > now + auth->leeway)
            return invalid("nbf is in the future");
    } else if (!absent) {
        return invalid("nbf is no integer");
    }
    if (!claim_time(jwt, "exp", &absent, &expires))
        return invalid("no exp, or no integer");
    if (expires <= now - auth->leeway)
        return expired();
    *ret_until = end_of(expires, now, auth->leeway);
    return ink_ok();
}

struct ink_status ink_auth_still_good(const struct ink_caller *caller)
{
    return caller->until == 0 || ink_now() < caller->until ? ink_ok() : expired();
}

static struct ink_status check_subject(struct ink_arena *arena, jwt_t *jwt,
                                       struct ink_caller *ret_caller)
{
    const char *subject = jwt_get_grant(jwt, "sub");
    if (subject == NULL || *subject == '\0')
        return invalid("no sub");
    if (claim_is(jwt, "typ", TYP_SERVICE)) {
        ret_caller->kind = INK_CALLER_SERVICE;
        ret_caller->id = ink_arena_strdup(arena, subject);
        return ink_ok();
    }
    if (!claim_is(jwt, "typ", TYP_USER))
        return invalid("wrong typ");
    char id[INK_UUID_SIZE];
    if (!claim_is(jwt, "id", subject) || !ink_uuid_normalize(subject, id))
        return invalid("id is not sub, or no UUID");
    ret_caller->kind = INK_CALLER_USER;
    ret_caller->id = ink_arena_strdup(arena, id);
    return ink_ok();
}

/* RFC 7515, section 4.1.11: extensions that must be understood are not. */
static bool has_critical_extension(jwt_t *jwt)
{
    char *crit = jwt_get_headers_json(jwt, "crit");
    bool found = crit != NULL;
    free(crit);
    return found;
}

/* RFC 7515, section 4.1.1: names of algorithms are case-sensitive, which libjwt leaves to us. */
static bool says_hs256(jwt_t *jwt)
{
    const char *alg = jwt_get_header(jwt, "alg");
    return alg != NULL && strcmp(alg, "HS256") == 0;
}

struct ink_status ink_auth_verify(const struct ink_auth *auth, struct ink_arena *arena,
                                  const char *authorization, struct ink_caller *ret_caller)
{
    const char *token = NULL;
    struct ink_status status = bearer_token(authorization, &token);
    if (!ink_is_ok(status))
        return status;
    INK_CLEANUP(jwt_cleanup) jwt_t *jwt = NULL;
    if (jwt_decode(&jwt, token, auth->secret, (int)auth->secret_size) != 0)
        return invalid("malformed, or not signed with our key");
    /* A key of ours must never be used as another algorithm's (RFC 8725, section 3.1). */
    if (jwt_get_alg(jwt) != JWT_ALG_HS256 || !says_hs256(jwt))
        return invalid("wrong algorithm");
    if (has_critical_extension(jwt))
        return invalid("a critical header that is not understood");
    if (!claim_is(jwt, "iss", auth->issuer))
        return invalid("wrong iss");
    if (!claim_is(jwt, "aud", auth->audience))
        return invalid("wrong aud");
    struct ink_caller caller = {0};
    status = check_subject(arena, jwt, &caller);
    if (ink_is_ok(status))
        status = check_times(auth, jwt, &caller.until);
    if (ink_is_ok(status))
        *ret_caller = caller;
    return status;
}
