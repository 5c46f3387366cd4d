#include <errno.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/auth_internal.h"
#include "lib/auth/opaque.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"
#include "lib/base/uuid.h"

/* A year: a longer life is a mistake in a setting, and sums of such times cannot overflow. */
#define TTL_MAX (INT64_C(365) * 24 * 3600)
#define LEEWAY_MAX 300

static void jwt_cleanup(jwt_t **jwt)
{
    jwt_free(*jwt);
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
    auth->known = ink_known_tokens_new();
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
    ink_known_tokens_free(auth->known);
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
    int64_t now = ink_auth_clock();
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
