/*
 * lib/auth/auth.h: what is issued, and every way in which a token can be bad. All of it
 * with a secret; keys_test.c has the other keys.
 */
#include "lib/auth/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/text.h"
#include "tests/unit/auth/forge.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define USER "0190a5c8-7b1e-7c3d-8f2a-1234567890ab"
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

struct fixture {
    struct ink_arena arena;
    struct ink_auth *auth;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    ink_arena_init(&f->arena);
    struct ink_auth_options options = {.secret = SECRET};
    assert_true(ink_is_ok(ink_auth_new(&options, &f->arena, &f->auth)));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ink_auth_free(f->auth);
    ink_arena_release(&f->arena);
    free(f);
    return 0;
}

static int64_t now(void)
{
    return ink_wall_clock() / 1000000;
}

/* header.body.signature, signed with `key` by HMAC with `digest`. */
static char *sign(struct ink_arena *arena, const char *header, const char *body, const char *key,
                  const EVP_MD *digest)
{
    return forge_hmac(arena, forge_unsigned(arena, header, body, strlen(body)), key, strlen(key),
                      digest);
}

/* The claims of a good token, with `extra` (",\"a\":1") at the end. */
static char *claims(struct ink_arena *arena, const char *extra)
{
    return ink_arena_printf(arena,
                            "{\"id\":\"" USER "\",\"sub\":\"" USER "\",\"iss\":\"inkmesh\","
                            "\"aud\":\"inkmesh\",\"typ\":\"access\",\"iat\":%ld,\"exp\":%ld%s}",
                            (long)now(), (long)now() + 60, extra);
}

static char *bearer(struct ink_arena *arena, const char *token)
{
    return ink_arena_printf(arena, "Bearer %s", token);
}

static void assert_refused(struct fixture *f, const char *authorization, const char *reason)
{
    struct ink_caller caller = {.kind = INK_CALLER_ANYONE, .id = "untouched"};
    struct ink_status status = ink_auth_verify(f->auth, &f->arena, authorization, &caller);
    assert_int_equal(status.code, INK_UNAUTHENTICATED);
    assert_string_equal(status.reason, reason);
    assert_non_null(status.message);
    assert_string_equal(caller.id, "untouched");
}

static void assert_invalid(struct fixture *f, const char *token)
{
    assert_refused(f, bearer(&f->arena, token), INK_AUTH_TOKEN_INVALID);
}

static void assert_accepted(struct fixture *f, const char *authorization)
{
    struct ink_caller caller = {0};
    struct ink_status status = ink_auth_verify(f->auth, &f->arena, authorization, &caller);
    if (!ink_is_ok(status))
        fail_msg("%s: %s", status.message, status.cause);
    assert_int_equal(caller.kind, INK_CALLER_USER);
    assert_string_equal(caller.id, USER);
}

static const char *issue(struct fixture *f)
{
    const char *token = NULL;
    assert_true(ink_is_ok(ink_auth_issue_user(f->auth, &f->arena, USER, &token)));
    return token;
}

static char *body_of(struct fixture *f, const char *token)
{
    const char *body = strchr(token, '.') + 1;
    void *data;
    size_t size;
    assert_true(ink_base64_decode(&f->arena, body, strcspn(body, "."), &data, &size));
    return ink_arena_strndup(&f->arena, data, size);
}

static void test_issue_and_verify(void **state)
{
    struct fixture *f = *state;
    const char *token = issue(f);
    assert_accepted(f, bearer(&f->arena, token));

    const char *body = body_of(f, token);
    assert_non_null(strstr(body, "\"id\":\"" USER "\""));
    assert_non_null(strstr(body, "\"sub\":\"" USER "\""));
    assert_non_null(strstr(body, "\"iss\":\"inkmesh\""));
    assert_non_null(strstr(body, "\"aud\":\"inkmesh\""));
    assert_non_null(strstr(body, "\"typ\":\"access\""));
    long iat = 0, exp = 0;
    assert_int_equal(sscanf(strstr(body, "\"iat\":"), "\"iat\":%ld", &iat), 1);
    assert_int_equal(sscanf(strstr(body, "\"exp\":"), "\"exp\":%ld", &exp), 1);
    assert_int_equal(exp - iat, 3600);
    assert_in_range(iat, now() - 5, now());
    assert_int_equal(ink_auth_access_ttl(f->auth), 3600);
}

static void test_service_token(void **state)
{
    struct fixture *f = *state;
    const char *token = NULL;
    assert_true(ink_is_ok(ink_auth_issue_service(f->auth, &f->arena, "notification", &token)));
    struct ink_caller caller = {0};
    assert_true(ink_is_ok(ink_auth_verify(f->auth, &f->arena, bearer(&f->arena, token), &caller)));
    assert_int_equal(caller.kind, INK_CALLER_SERVICE);
    assert_string_equal(caller.id, "notification");
    assert_null(strstr(body_of(f, token), "\"id\""));
}

static void test_issue_refuses_bad_subjects(void **state)
{
    struct fixture *f = *state;
    const char *token = "untouched";
    assert_int_equal(ink_auth_issue_user(f->auth, &f->arena, "42", &token).code, INK_INTERNAL);
    assert_int_equal(ink_auth_issue_service(f->auth, &f->arena, "", &token).code, INK_INTERNAL);
    assert_string_equal(token, "untouched");
}

static void test_id_is_normalised(void **state)
{
    struct fixture *f = *state;
    const char *token = NULL;
    assert_true(ink_is_ok(
        ink_auth_issue_user(f->auth, &f->arena, "0190A5C8-7B1E-7C3D-8F2A-1234567890AB", &token)));
    assert_accepted(f, bearer(&f->arena, token));
    /* Somebody else's token with our secret may have the id in upper case. */
    char *body = claims(&f->arena, "");
    for (char *at = body; (at = strstr(at, USER)) != NULL; at += strlen(USER))
        memcpy(at, "0190A5C8-7B1E-7C3D-8F2A-1234567890AB", strlen(USER));
    assert_accepted(f, bearer(&f->arena, sign(&f->arena, HS256, body, SECRET, EVP_sha256())));
}

static void test_scheme(void **state)
{
    struct fixture *f = *state;
    const char *token = issue(f);
    static const char *const good[] = {"Bearer %s", "bearer %s", "BEARER %s", "bEaReR   %s"};
    for (size_t i = 0; i < INK_COUNT(good); i++) {
        char header[1024];
        snprintf(header, sizeof(header), good[i], token);
        assert_accepted(f, header);
    }
    static const char *const bad[] = {"Basic %s",   "Token %s",   "JWT %s",     "%s",
                                      "Bearerx %s", " Bearer %s", "Bearer\t%s", "Bearer:%s"};
    for (size_t i = 0; i < INK_COUNT(bad); i++) {
        char header[1024];
        snprintf(header, sizeof(header), bad[i], token);
        assert_refused(f, header, INK_AUTH_TOKEN_MISSING);
    }
    assert_refused(f, NULL, INK_AUTH_TOKEN_MISSING);
    assert_refused(f, "", INK_AUTH_TOKEN_MISSING);
    assert_refused(f, "Bearer", INK_AUTH_TOKEN_MISSING);
    assert_refused(f, "Bearer   ", INK_AUTH_TOKEN_MISSING);
}

static void test_the_forged_tokens_would_be_good(void **state)
{
    struct fixture *f = *state;
    const char *body = claims(&f->arena, "");
    assert_accepted(f, bearer(&f->arena, sign(&f->arena, HS256, body, SECRET, EVP_sha256())));
}

static void test_alg_none(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = {"{\"alg\":\"none\"}",
                                          "{\"alg\":\"None\",\"typ\":\"JWT\"}",
                                          "{\"alg\":\"NONE\"}",
                                          "{\"typ\":\"JWT\"}",
                                          "{\"alg\":\"\"}",
                                          "{\"alg\":null}",
                                          "{}"};
    for (size_t i = 0; i < INK_COUNT(headers); i++) {
        char *token = sign(&f->arena, headers[i], claims(&f->arena, ""), SECRET, EVP_sha256());
        assert_invalid(f, token);
        /* Unsigned, with and without the last dot. */
        *(strrchr(token, '.') + 1) = '\0';
        assert_invalid(f, token);
        *strrchr(token, '.') = '\0';
        assert_invalid(f, token);
    }
}

/* Signed with our very secret, by another algorithm of the same family. */
static void test_other_hmac(void **state)
{
    struct fixture *f = *state;
    const char *body = claims(&f->arena, "");
    assert_invalid(f, sign(&f->arena, "{\"alg\":\"HS384\"}", body, SECRET, EVP_sha384()));
    assert_invalid(f, sign(&f->arena, "{\"alg\":\"HS512\"}", body, SECRET, EVP_sha512()));
    assert_invalid(f, sign(&f->arena, "{\"alg\":\"Hs256\"}", body, SECRET, EVP_sha256()));
    assert_invalid(f, sign(&f->arena, "{\"alg\":\"RS256\"}", body, SECRET, EVP_sha256()));
    assert_invalid(f, sign(&f->arena, "{\"alg\":\"ES256\"}", body, SECRET, EVP_sha256()));
    assert_invalid(f, sign(&f->arena, "{\"alg\":\"hs257\"}", body, SECRET, EVP_sha256()));
}

/* A secret that is a public key: a token signed with the private one is an RS256 token, which this
 * server never issues. */
static void test_key_confusion(void **state)
{
    struct fixture *f = *state;
    EVP_PKEY *key = forge_rsa();
    struct ink_auth_options options = {.secret = forge_public_pem(&f->arena, key)};
    struct ink_auth *auth = NULL;
    assert_true(ink_is_ok(ink_auth_new(&options, &f->arena, &auth)));
    const char *body = claims(&f->arena, "");
    const char *token = forge_signed(
        &f->arena,
        forge_unsigned(&f->arena, "{\"alg\":\"RS256\",\"typ\":\"JWT\"}", body, strlen(body)), key);

    struct ink_caller caller = {.id = "untouched"};
    struct ink_status status = ink_auth_verify(auth, &f->arena, bearer(&f->arena, token), &caller);
    assert_int_equal(status.code, INK_UNAUTHENTICATED);
    assert_string_equal(status.reason, INK_AUTH_TOKEN_INVALID);
    assert_string_equal(status.cause, "wrong algorithm"); /* the signature itself was good */
    assert_string_equal(caller.id, "untouched");
    ink_auth_free(auth);
    EVP_PKEY_free(key);
}

static void test_wrong_key_and_tampering(void **state)
{
    struct fixture *f = *state;
    const char *body = claims(&f->arena, "");
    assert_invalid(f,
                   sign(&f->arena, HS256, body, "another secret of thirty-two byte", EVP_sha256()));
    assert_invalid(f, sign(&f->arena, HS256, body, "", EVP_sha256()));
    /* Every single character of a good token matters. */
    const char *token = issue(f);
    for (size_t i = 0; token[i] != '\0'; i++) {
        char *copy = ink_arena_strdup(&f->arena, token);
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        assert_invalid(f, copy);
    }
}

static void test_truncated(void **state)
{
    struct fixture *f = *state;
    const char *token = issue(f);
    for (size_t size = 1; size < strlen(token); size++)
        assert_invalid(f, ink_arena_strndup(&f->arena, token, size));
}

static void test_garbage(void **state)
{
    struct fixture *f = *state;
    const char *token = issue(f);
    static const char *const bad[] = {".",   "..",          "...",   "a.b.c", "....",
                                      "%%%", "e30.e30.e30", "é.é.é", "null",  "a b c"};
    for (size_t i = 0; i < INK_COUNT(bad); i++)
        assert_invalid(f, bad[i]);
    assert_invalid(f, ink_arena_printf(&f->arena, "%s ", token));
    assert_invalid(f, ink_arena_printf(&f->arena, "%s,%s", token, token));
    assert_invalid(f, ink_arena_printf(&f->arena, "%s.", token));
    assert_invalid(f, ink_arena_printf(&f->arena, "%s.e30", token));
    assert_invalid(f, ink_arena_printf(&f->arena, "%s=", token));
    assert_invalid(f, sign(&f->arena, "[]", claims(&f->arena, ""), SECRET, EVP_sha256()));
    assert_invalid(f, sign(&f->arena, HS256, "[]", SECRET, EVP_sha256()));
    assert_invalid(f, sign(&f->arena, HS256, "", SECRET, EVP_sha256()));
    assert_invalid(f, sign(&f->arena, HS256, "\"" USER "\"", SECRET, EVP_sha256()));
    assert_invalid(f, sign(&f->arena, "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}",
                           claims(&f->arena, ""), SECRET, EVP_sha256()));
}

/* A token that would be good but for its length. */
static void test_oversized(void **state)
{
    struct fixture *f = *state;
    char padding[INK_AUTH_TOKEN_MAX];
    memset(padding, 'x', sizeof(padding) - 1);
    padding[sizeof(padding) - 1] = '\0';
    char *extra = ink_arena_printf(&f->arena, ",\"x\":\"%.2000s\"", padding);
    char *token = sign(&f->arena, HS256, claims(&f->arena, extra), SECRET, EVP_sha256());
    assert_true(strlen(token) < INK_AUTH_TOKEN_MAX);
    assert_accepted(f, bearer(&f->arena, token));
    extra = ink_arena_printf(&f->arena, ",\"x\":\"%.3000s\"", padding);
    token = sign(&f->arena, HS256, claims(&f->arena, extra), SECRET, EVP_sha256());
    assert_true(strlen(token) > INK_AUTH_TOKEN_MAX);
    assert_invalid(f, token);
}

/* Claims with one of them replaced or missing: `members` are those after id and sub. */
static void test_claims(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char
            *body; /* $ is a minute from now, < a minute ago, which is iat if there is none */
        const char *reason;
    } cases[] = {
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$}", NULL},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$,'nbf':<}",
         NULL},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$,'iat':<,"
         "'x':{'typ':'service','typ':7},'y':[null]}",
         NULL},
        /* Wrong types, one by one. */
        {"{'id':'U','sub':'U','iss':['inkmesh'],'aud':'inkmesh','typ':'access','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':['inkmesh'],'typ':'access','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':true,'exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':{'x':'U'},'iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$.5}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$e0}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':true}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':[$]}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh\\u0000','aud':'inkmesh','typ':'access','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'sub':7,'iss':'inkmesh','aud':'inkmesh','typ':'service','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'sub':null,'iss':'inkmesh','aud':'inkmesh','typ':'service','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        /* Given twice: which of the two counts is not a question to ask. */
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$,'exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'refresh','typ':'access',"
         "'exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$,"
         "'\\u0065xp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$,'x':1,'x':2}",
         INK_AUTH_TOKEN_INVALID},
        /* JSON and something behind it. */
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$,'iat':<} x",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$,'iat':<}{}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$,'noiat':<}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$,'iat':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$,'iat':'<'}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':<}",
         INK_AUTH_TOKEN_EXPIRED},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':0}",
         INK_AUTH_TOKEN_EXPIRED},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':-1}",
         INK_AUTH_TOKEN_EXPIRED},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access'}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':'$'}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':null}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':1e300}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access',"
         "'exp':99999999999999999999}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$,'nbf':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$,'nbf':'x'}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'another','aud':'inkmesh','typ':'access','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','aud':'inkmesh','typ':'access','exp':$}", INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'another','typ':'access','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','typ':'access','exp':$}", INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':7,'typ':'access','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','exp':$}", INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'refresh','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'ACCESS','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'root','sub':'root','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'sub':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':'U','sub':'U2','iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'id':7,'sub':7,'iss':'inkmesh','aud':'inkmesh','typ':'access','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'iss':'inkmesh','aud':'inkmesh','typ':'service','exp':$}", INK_AUTH_TOKEN_INVALID},
        {"{'sub':'','iss':'inkmesh','aud':'inkmesh','typ':'service','exp':$}",
         INK_AUTH_TOKEN_INVALID},
        {"{'sub':'x','iss':'inkmesh','aud':'inkmesh','typ':'service','exp':<}",
         INK_AUTH_TOKEN_EXPIRED},
        /* Of a bad and an expired token one learns only that it is bad. */
        {"{'id':'U','sub':'U','iss':'another','aud':'inkmesh','typ':'access','exp':<}",
         INK_AUTH_TOKEN_INVALID},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_buf body = INK_BUF_INIT;
        const char *text = cases[i].body;
        if (strstr(text, "iat'") == NULL)
            text = ink_arena_printf(&f->arena, "%.*s,'iat':<}", (int)strlen(text) - 1, text);
        for (const char *at = text; *at != '\0'; at++) {
            if (*at == '\'')
                ink_buf_putc(&body, '"');
            else if (*at == 'U')
                ink_buf_puts(&body, USER);
            else if (*at == '$' || *at == '<')
                ink_buf_printf(&body, "%ld", (long)now() + (*at == '$' ? 60 : -60));
            else
                ink_buf_putc(&body, *at);
        }
        char *token = sign(&f->arena, HS256, body.data, SECRET, EVP_sha256());
        ink_buf_release(&body);
        print_message("%s\n", cases[i].body);
        if (cases[i].reason == NULL)
            assert_accepted(f, bearer(&f->arena, token));
        else
            assert_refused(f, bearer(&f->arena, token), cases[i].reason);
    }
}

static void test_leeway(void **state)
{
    struct fixture *f = *state;
    struct ink_auth_options options = {.secret = SECRET, .leeway = 120};
    struct ink_auth *lenient = NULL;
    assert_true(ink_is_ok(ink_auth_new(&options, &f->arena, &lenient)));
    char *body = ink_arena_printf(&f->arena,
                                  "{\"id\":\"" USER "\",\"sub\":\"" USER "\",\"iss\":\"inkmesh\","
                                  "\"aud\":\"inkmesh\",\"typ\":\"access\",\"exp\":%ld,"
                                  "\"nbf\":%ld,\"iat\":%ld}",
                                  (long)now() - 60, (long)now() + 60, (long)now() + 60);
    char *header = bearer(&f->arena, sign(&f->arena, HS256, body, SECRET, EVP_sha256()));
    struct ink_caller caller = {0};
    assert_true(ink_is_ok(ink_auth_verify(lenient, &f->arena, header, &caller)));
    assert_string_equal(caller.id, USER);
    /* exp, a minute ago, and the leeway */
    assert_in_range(caller.until, ink_now() + 50 * INK_SECOND, ink_now() + 60 * INK_SECOND);
    assert_refused(f, header, INK_AUTH_TOKEN_INVALID);
    ink_auth_free(lenient);
}

static void test_what_lasts_ends_with_the_token(void **state)
{
    (void)state;
    struct ink_caller caller = {.kind = INK_CALLER_USER, .id = USER};
    assert_true(ink_is_ok(ink_auth_still_good(&caller))); /* a certificate's, say */
    caller.until = ink_now() + 60 * INK_SECOND;
    assert_true(ink_is_ok(ink_auth_still_good(&caller)));
    caller.until = ink_now();
    struct ink_status status = ink_auth_still_good(&caller);
    assert_int_equal(status.code, INK_UNAUTHENTICATED);
    assert_string_equal(status.reason, INK_AUTH_TOKEN_EXPIRED);
}

/* An exp that no clock will reach. */
static void test_endless_token(void **state)
{
    struct fixture *f = *state;
    char *body = ink_arena_printf(&f->arena,
                                  "{\"id\":\"" USER "\",\"sub\":\"" USER "\",\"iss\":\"inkmesh\","
                                  "\"aud\":\"inkmesh\",\"typ\":\"access\",\"iat\":1,\"exp\":%lld}",
                                  (long long)INT64_MAX);
    char *header = bearer(&f->arena, sign(&f->arena, HS256, body, SECRET, EVP_sha256()));
    struct ink_caller caller = {0};
    assert_true(ink_is_ok(ink_auth_verify(f->auth, &f->arena, header, &caller)));
    assert_true(ink_is_ok(ink_auth_still_good(&caller)));
}

/* Tokens of one stack are nothing to another with the same secret but other names. */
static void test_issuer_and_audience(void **state)
{
    struct fixture *f = *state;
    struct ink_auth_options options = {.secret = SECRET, .issuer = "elsewhere"};
    struct ink_auth *other = NULL;
    assert_true(ink_is_ok(ink_auth_new(&options, &f->arena, &other)));
    const char *token = NULL;
    assert_true(ink_is_ok(ink_auth_issue_user(other, &f->arena, USER, &token)));
    assert_invalid(f, token);
    struct ink_caller caller = {0};
    assert_true(ink_is_ok(ink_auth_verify(other, &f->arena, bearer(&f->arena, token), &caller)));
    ink_auth_free(other);
}

static void test_options(void **state)
{
    struct fixture *f = *state;
    static const struct ink_auth_options bad[] = {
        {.secret = NULL},
        {.secret = ""},
        {.secret = "31 bytes is one less than needed" + 1},
        {.secret = SECRET, .access_ttl = -1},
        {.secret = SECRET, .service_ttl = -1},
        {.secret = SECRET, .access_ttl = INT64_MAX},
        {.secret = SECRET, .leeway = -1},
        {.secret = SECRET, .leeway = 301},
    };
    for (size_t i = 0; i < INK_COUNT(bad); i++) {
        struct ink_auth *auth = NULL;
        struct ink_status status = ink_auth_new(&bad[i], &f->arena, &auth);
        assert_int_equal(status.code, INK_INVALID_ARGUMENT);
        assert_null(auth);
        if (i < 3)
            assert_non_null(strstr(status.message, "JWT_SECRET"));
        if (bad[i].secret != NULL && *bad[i].secret != '\0')
            assert_null(strstr(status.message, bad[i].secret));
    }
    ink_auth_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_issue_and_verify, setup, teardown),
        cmocka_unit_test_setup_teardown(test_service_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_issue_refuses_bad_subjects, setup, teardown),
        cmocka_unit_test_setup_teardown(test_id_is_normalised, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scheme, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_forged_tokens_would_be_good, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alg_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_hmac, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_confusion, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_key_and_tampering, setup, teardown),
        cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_oversized, setup, teardown),
        cmocka_unit_test_setup_teardown(test_claims, setup, teardown),
        cmocka_unit_test_setup_teardown(test_leeway, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_lasts_ends_with_the_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_endless_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_issuer_and_audience, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
