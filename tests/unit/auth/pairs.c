#include "tests/unit/auth/pairs.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/text.h"
#include "tests/unit/auth/forge.h"

struct pair rsa, ec, *const pairs[PAIRS] = {&rsa, &ec};

struct ink_auth *auth_of(const struct ink_auth_options options)
{
    struct ink_auth *auth = NULL;
    struct ink_status status = ink_auth_new(&options, &arena, &auth);
    if (!ink_is_ok(status))
        fail_msg("%s", status.message);
    return auth;
}

const char *member(const char *json, const char *name)
{
    const char *at = strstr(json, ink_arena_printf(&arena, "\"%s\":\"", name));
    assert_non_null(at);
    at += strlen(name) + 4;
    return ink_arena_strndup(&arena, at, strcspn(at, "\""));
}

static void open_pair(struct pair *pair, EVP_PKEY *key, const char *alg)
{
    pair->key = key;
    pair->alg = alg;
    pair->public_file = forge_file(&arena, forge_public_pem(&arena, key));
    pair->private_file = forge_file(&arena, forge_private_pem(&arena, key));
    pair->auth = auth_of((struct ink_auth_options){.public_keys_file = pair->public_file,
                                                   .signing_key_file = pair->private_file});
    pair->kid = member(ink_auth_jwks(pair->auth), "kid");
}

int pairs_set_up(void **state)
{
    arena_set_up(state);
    open_pair(&rsa, forge_rsa(), "RS256");
    open_pair(&ec, forge_ec(), "ES256");
    return 0;
}

int pairs_tear_down(void **state)
{
    for (size_t i = 0; i < PAIRS; i++) {
        ink_auth_free(pairs[i]->auth);
        EVP_PKEY_free(pairs[i]->key);
    }
    return arena_tear_down(state);
}

static struct ink_status verify(const struct ink_auth *auth, const char *token,
                                struct ink_caller *ret_caller)
{
    return ink_auth_verify(auth, &arena, ink_arena_printf(&arena, "Bearer %s", token), ret_caller);
}

void accepts(const struct ink_auth *auth, const char *token, enum ink_caller_kind kind,
             const char *id)
{
    struct ink_caller caller = {0};
    struct ink_status status = verify(auth, token, &caller);
    if (!ink_is_ok(status))
        fail_msg("%s: %s", status.message, status.cause);
    assert_int_equal(caller.kind, kind);
    assert_string_equal(caller.id, id);
}

void refuses(const struct ink_auth *auth, const char *token, const char *cause)
{
    struct ink_caller caller = {.id = "untouched"};
    struct ink_status status = verify(auth, token, &caller);
    assert_int_equal(status.code, INK_UNAUTHENTICATED);
    assert_string_equal(status.reason, INK_AUTH_TOKEN_INVALID);
    assert_string_equal(caller.id, "untouched");
    if (cause != NULL)
        assert_string_equal(status.cause, cause);
}

const char *claims_of(const char *typ, const char *sub)
{
    long now = (long)(ink_wall_clock() / 1000000);
    return ink_arena_printf(&arena,
                            "{\"id\":\"%s\",\"sub\":\"%s\",\"iss\":\"inkmesh\",\"aud\":\"inkmesh\","
                            "\"typ\":\"%s\",\"iat\":%ld,\"exp\":%ld}",
                            sub, sub, typ, now, now + 60);
}

const char *unsigned_with(const char *header)
{
    const char *claims = claims_of("access", USER);
    return forge_unsigned(&arena, header, claims, strlen(claims));
}

const char *header_of(const struct pair *pair, const char *more)
{
    return ink_arena_printf(&arena, "{\"alg\":\"%s\",\"kid\":\"%s\"%s}", pair->alg, pair->kid,
                            more);
}

const char *signed_by(const struct pair *pair, const char *header)
{
    return forge_signed(&arena, unsigned_with(header), pair->key);
}

const char *issue(const struct ink_auth *auth)
{
    const char *token = NULL;
    struct ink_status status = ink_auth_issue_user(auth, &arena, USER, &token);
    if (!ink_is_ok(status))
        fail_msg("%s", status.cause);
    return token;
}

const char *part_of(const char *token)
{
    void *data;
    size_t size;
    assert_true(ink_base64_decode(&arena, token, strcspn(token, "."), &data, &size));
    return ink_arena_strndup(&arena, data, size);
}
