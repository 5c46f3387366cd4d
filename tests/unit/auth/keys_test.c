/*
 * lib/auth/auth.h with public keys, and with two keys at once: what is accepted, and every way to
 * make a key or a token of one kind pass for another.
 */
#include "lib/auth/auth.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/text.h"
#include "tests/unit/auth/forge.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define OTHER_SECRET "fedcba9876543210fedcba9876543210"
#define USER "0190a5c8-7b1e-7c3d-8f2a-1234567890ab"
#define KID "\",\"kid\":\"" /* between the two */

/* A key and who verifies by it. */
struct pair {
    EVP_PKEY *key;
    struct ink_auth *auth; /* issues by it, too */
    const char *alg, *kid, *public_file, *private_file;
};

static struct ink_arena arena;
static struct pair rsa, ec, *const pairs[] = {&rsa, &ec};

static struct ink_status make(const struct ink_auth_options *options, struct ink_auth **ret_auth)
{
    return ink_auth_new(options, &arena, ret_auth);
}

static struct ink_auth *auth_of(const struct ink_auth_options options)
{
    struct ink_auth *auth = NULL;
    struct ink_status status = make(&options, &auth);
    if (!ink_is_ok(status))
        fail_msg("%s", status.message);
    return auth;
}

/* The text of a member of a JSON object: good enough for what we make ourselves. */
static const char *member(const char *json, const char *name)
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

static int set_up(void **state)
{
    (void)state;
    ink_arena_init(&arena);
    open_pair(&rsa, forge_rsa(), "RS256");
    open_pair(&ec, forge_ec(), "ES256");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < INK_COUNT(pairs); i++) {
        ink_auth_free(pairs[i]->auth);
        EVP_PKEY_free(pairs[i]->key);
    }
    ink_arena_release(&arena);
    return 0;
}

/* Tokens */

static struct ink_status verify(const struct ink_auth *auth, const char *token,
                                struct ink_caller *ret_caller)
{
    return ink_auth_verify(auth, &arena, ink_arena_printf(&arena, "Bearer %s", token), ret_caller);
}

static void accepts(const struct ink_auth *auth, const char *token, enum ink_caller_kind kind,
                    const char *id)
{
    struct ink_caller caller = {0};
    struct ink_status status = verify(auth, token, &caller);
    if (!ink_is_ok(status))
        fail_msg("%s: %s", status.message, status.cause);
    assert_int_equal(caller.kind, kind);
    assert_string_equal(caller.id, id);
}

/* `cause` says which check it was, so that no case passes for another's reason; NULL: any. */
static void refuses(const struct ink_auth *auth, const char *token, const char *cause)
{
    struct ink_caller caller = {.id = "untouched"};
    struct ink_status status = verify(auth, token, &caller);
    assert_int_equal(status.code, INK_UNAUTHENTICATED);
    assert_string_equal(status.reason, INK_AUTH_TOKEN_INVALID);
    assert_string_equal(caller.id, "untouched");
    if (cause != NULL)
        assert_string_equal(status.cause, cause);
}

static const char *claims_of(const char *typ, const char *sub)
{
    long now = (long)(ink_wall_clock() / 1000000);
    return ink_arena_printf(&arena,
                            "{\"id\":\"%s\",\"sub\":\"%s\",\"iss\":\"inkmesh\",\"aud\":\"inkmesh\","
                            "\"typ\":\"%s\",\"iat\":%ld,\"exp\":%ld}",
                            sub, sub, typ, now, now + 60);
}

/* With a user's claims, not yet signed. */
static const char *unsigned_with(const char *header)
{
    const char *claims = claims_of("access", USER);
    return forge_unsigned(&arena, header, claims, strlen(claims));
}

/* {"alg":"...","kid":"...", and `more` } */
static const char *header_of(const struct pair *pair, const char *more)
{
    return ink_arena_printf(&arena, "{\"alg\":\"%s\",\"kid\":\"%s\"%s}", pair->alg, pair->kid,
                            more);
}

static const char *signed_by(const struct pair *pair, const char *header)
{
    return forge_signed(&arena, unsigned_with(header), pair->key);
}

static const char *issue(const struct ink_auth *auth)
{
    const char *token = NULL;
    struct ink_status status = ink_auth_issue_user(auth, &arena, USER, &token);
    if (!ink_is_ok(status))
        fail_msg("%s", status.cause);
    return token;
}

static const char *part_of(const char *token)
{
    void *data;
    size_t size;
    assert_true(ink_base64_decode(&arena, token, strcspn(token, "."), &data, &size));
    return ink_arena_strndup(&arena, data, size);
}

static void test_issue_and_verify(void **state)
{
    (void)state;
    for (size_t i = 0; i < INK_COUNT(pairs); i++) {
        const char *token = issue(pairs[i]->auth);
        accepts(pairs[i]->auth, token, INK_CALLER_USER, USER);
        assert_string_equal(member(part_of(token), "alg"), pairs[i]->alg);
        assert_string_equal(member(part_of(token), "kid"), pairs[i]->kid);
        assert_string_equal(member(part_of(token), "typ"), "JWT");
        /* The forged ones would be good. */
        accepts(pairs[i]->auth, signed_by(pairs[i], header_of(pairs[i], "")), INK_CALLER_USER,
                USER);
        accepts(pairs[i]->auth, signed_by(pairs[i], header_of(pairs[i], ",\"typ\":\"jwt\"")),
                INK_CALLER_USER, USER);
    }
}

/* About one in 128 has a number with a zero in front, which must be kept. */
static void test_many_signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < 600; i++)
        accepts(ec.auth, issue(ec.auth), INK_CALLER_USER, USER);
}

struct verifier {
    pthread_t thread;
    const struct pair *pair;
    const char *token;
    int accepted;
};

static void *verify_often(void *self)
{
    struct verifier *verifier = self;
    struct ink_arena own;
    ink_arena_init(&own);
    for (int i = 0; i < 200; i++) {
        struct ink_caller caller;
        verifier->accepted +=
            ink_is_ok(ink_auth_verify(verifier->pair->auth, &own, verifier->token, &caller));
    }
    ink_arena_release(&own);
    return NULL;
}

/* The parsed keys are shared by all threads. */
static void test_threads(void **state)
{
    (void)state;
    struct verifier verifiers[8];
    for (size_t i = 0; i < INK_COUNT(verifiers); i++) {
        const struct pair *pair = pairs[i % 2];
        verifiers[i] = (struct verifier){
            .pair = pair, .token = ink_arena_printf(&arena, "Bearer %s", issue(pair->auth))};
    }
    for (size_t i = 0; i < INK_COUNT(verifiers); i++)
        assert_int_equal(pthread_create(&verifiers[i].thread, NULL, verify_often, &verifiers[i]),
                         0);
    for (size_t i = 0; i < INK_COUNT(verifiers); i++) {
        pthread_join(verifiers[i].thread, NULL);
        assert_int_equal(verifiers[i].accepted, 200);
    }
}

/* RFC 7638, section 3.1 */
static void test_thumbprint(void **state)
{
    (void)state;
    const char *file =
        forge_file(&arena, "-----BEGIN PUBLIC KEY-----\n"
                           "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0vx7agoebGcQSuuPiLJX\n"
                           "ZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS\n"
                           "oc/BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ/2W+5JsGY4Hc5n9yBXArwl93lqt\n"
                           "7/RN5w6Cf0h4QyQ5v+65YGjQR0/FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0\n"
                           "zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt+bFTWhAI4vMQFh6WeZu0f\n"
                           "M4lFd2NcRwr3XPksINHaQ+G/xBniIqbw0Ls1jF44+csFCur+kEgU8awapJzKnqDK\n"
                           "gwIDAQAB\n"
                           "-----END PUBLIC KEY-----\n");
    struct ink_auth *auth = auth_of((struct ink_auth_options){.public_keys_file = file});
    assert_string_equal(member(ink_auth_jwks(auth), "kid"),
                        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    ink_auth_free(auth);
}

/* Attacks on the header */

static void test_alg_none(void **state)
{
    (void)state;
    static const char *const names[] = {"none", "None", "NONE", "nOnE", ""};
    for (size_t p = 0; p < INK_COUNT(pairs); p++) {
        for (size_t i = 0; i < INK_COUNT(names); i++) {
            const char *header =
                ink_arena_printf(&arena, "{\"alg\":\"%s" KID "%s\"}", names[i], pairs[p]->kid);
            const char *text = unsigned_with(header);
            refuses(pairs[p]->auth, ink_arena_printf(&arena, "%s.", text), "wrong algorithm");
            refuses(pairs[p]->auth, signed_by(pairs[p], header), "wrong algorithm");
            refuses(pairs[p]->auth, text, "malformed");
        }
        refuses(pairs[p]->auth,
                signed_by(pairs[p], ink_arena_printf(&arena, "{\"kid\":\"%s\"}", pairs[p]->kid)),
                "wrong algorithm");
    }
}

/* The public key, which everybody has, as a secret, in every form that a program might hold it. */
static void test_key_confusion(void **state)
{
    (void)state;
    for (size_t p = 0; p < INK_COUNT(pairs); p++) {
        const struct pair *pair = pairs[p];
        const char *pem = forge_public_pem(&arena, pair->key);
        unsigned char *der = NULL;
        int der_size = i2d_PUBKEY(pair->key, &der);
        const char *jwks = ink_auth_jwks(pair->auth);
        const struct {
            const void *data;
            size_t size;
        } secrets[] = {{pem, strlen(pem)},
                       {pem, strlen(pem) - 1},
                       {pem, strlen(pem) + 1},
                       {der, (size_t)der_size},
                       {pair->kid, strlen(pair->kid)},
                       {jwks, strlen(jwks)},
                       {"", 0}};
        const char *headers[] = {
            ink_arena_printf(&arena, "{\"alg\":\"HS256" KID "%s\"}", pair->kid),
            header_of(pair, ""), "{\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"};
        static const char *const causes[] = {"wrong algorithm", "not signed with our key", "no kid",
                                             "no kid"};
        for (size_t s = 0; s < INK_COUNT(secrets); s++)
            for (size_t h = 0; h < INK_COUNT(headers); h++)
                refuses(pair->auth,
                        forge_hmac(&arena, unsigned_with(headers[h]), secrets[s].data,
                                   secrets[s].size, EVP_sha256()),
                        causes[h]);
        OPENSSL_free(der);
    }
}

/* With public keys no secret signs, not even one that is set for seals. */
static void test_no_secret_beside_public_keys(void **state)
{
    (void)state;
    struct ink_auth *by_secret = auth_of((struct ink_auth_options){.secret = SECRET});
    struct ink_auth *both = auth_of((struct ink_auth_options){
        .secret = SECRET, .public_keys_file = ec.public_file, .signing_key_file = ec.private_file});
    const char *token = issue(by_secret);
    accepts(by_secret, token, INK_CALLER_USER, USER);
    refuses(both, token, "no key has this kid");
    refuses(both,
            forge_hmac(&arena, unsigned_with("{\"alg\":\"HS256\"}"), SECRET, strlen(SECRET),
                       EVP_sha256()),
            "no kid");
    assert_string_equal(member(part_of(issue(both)), "alg"), "ES256");
    ink_auth_free(by_secret);
    ink_auth_free(both);
}

static void test_algorithm_is_the_keys(void **state)
{
    (void)state;
    static const char *const algs[] = {"RS384", "RS512", "PS256", "ES384", "ES256K", "EdDSA",
                                       "HS256", "rs256", "es256", "RS256", "ES256"};
    for (size_t p = 0; p < INK_COUNT(pairs); p++)
        for (size_t i = 0; i < INK_COUNT(algs); i++)
            if (strcmp(algs[i], pairs[p]->alg) != 0)
                refuses(pairs[p]->auth,
                        signed_by(pairs[p], ink_arena_printf(&arena, "{\"alg\":\"%s" KID "%s\"}",
                                                             algs[i], pairs[p]->kid)),
                        "wrong algorithm");
}

static void test_kid(void **state)
{
    (void)state;
    static const char *const kids[] = {"",
                                       ",\"kid\":\"\"",
                                       ",\"kid\":\"unknown\"",
                                       ",\"kid\":\"../../etc/passwd\"",
                                       ",\"kid\":\"' OR 1=1 --\"",
                                       ",\"kid\":\"\\u0000\"",
                                       ",\"kid\":7",
                                       ",\"kid\":null",
                                       ",\"kid\":[\"x\"]"};
    for (size_t p = 0; p < INK_COUNT(pairs); p++) {
        for (size_t i = 0; i < INK_COUNT(kids); i++)
            refuses(pairs[p]->auth,
                    signed_by(pairs[p], ink_arena_printf(&arena, "{\"alg\":\"%s\"%s}",
                                                         pairs[p]->alg, kids[i])),
                    i == 0  ? "no kid"
                    : i < 5 ? "no key has this kid"
                            : "malformed");
        /* Cut, longer, in another case. */
        const char *kid = pairs[p]->kid;
        refuses(pairs[p]->auth,
                signed_by(pairs[p], ink_arena_printf(&arena, "{\"alg\":\"%s" KID "%.42s\"}",
                                                     pairs[p]->alg, kid)),
                "no key has this kid");
        refuses(pairs[p]->auth,
                signed_by(pairs[p], ink_arena_printf(&arena, "{\"alg\":\"%s" KID "%s\\u0000\"}",
                                                     pairs[p]->alg, kid)),
                "malformed");
    }
}

/* Keys that a token brings along, and extensions; each is signed well. */
static void test_foreign_headers(void **state)
{
    (void)state;
    static const char *const more[] = {
        ",\"jku\":\"https://attacker.example/keys\"",
        ",\"x5u\":\"https://attacker.example/chain\"",
        ",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
        ",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}",
        ",\"x5c\":[\"MIIB\"]",
        ",\"x5t\":\"AA\"",
        ",\"x5t#S256\":\"AA\"",
        ",\"crit\":[\"exp\"],\"exp\":1",
        ",\"crit\":[]",
        ",\"crit\":[\"b64\"],\"b64\":false",
        ",\"b64\":false",
    };
    for (size_t p = 0; p < INK_COUNT(pairs); p++)
        for (size_t i = 0; i < INK_COUNT(more); i++)
            refuses(pairs[p]->auth, signed_by(pairs[p], header_of(pairs[p], more[i])),
                    "a header that is not followed");
}

static void test_malformed_headers(void **state)
{
    (void)state;
    for (size_t p = 0; p < INK_COUNT(pairs); p++) {
        const struct pair *pair = pairs[p];
        static const char *const more[] = {
            ",\"alg\":\"none\"", ",\"\\u0061lg\":\"none\"", ",\"kid\":\"x\"", ",\"x\":1,\"x\":1",
            ",\"typ\":\"JOSE\"", ",\"typ\":\"at+jwt\"",     ",\"typ\":1",     ",",
        };
        for (size_t i = 0; i < INK_COUNT(more); i++)
            refuses(pair->auth, signed_by(pair, header_of(pair, more[i])), "malformed");
        refuses(pair->auth, signed_by(pair, ink_arena_printf(&arena, "%s{}", header_of(pair, ""))),
                "malformed");
        refuses(pair->auth, signed_by(pair, ink_arena_printf(&arena, "%s x", header_of(pair, ""))),
                "malformed");
        refuses(pair->auth, signed_by(pair, "[]"), "malformed");
        refuses(pair->auth, signed_by(pair, ""), "malformed");
        struct ink_buf many = INK_BUF_INIT;
        for (int i = 0; i < 100; i++)
            ink_buf_printf(&many, ",\"%d\":0", i);
        refuses(pair->auth, signed_by(pair, header_of(pair, many.data)), "malformed");
        ink_buf_release(&many);
    }
}

/* Signatures */

static void test_another_keys_signature(void **state)
{
    (void)state;
    refuses(rsa.auth, issue(ec.auth), "no key has this kid");
    refuses(ec.auth, issue(rsa.auth), "no key has this kid");
    EVP_PKEY *strangers[] = {EVP_RSA_gen(2048), EVP_EC_gen("P-256")};
    for (size_t p = 0; p < INK_COUNT(pairs); p++) {
        refuses(pairs[p]->auth,
                forge_signed(&arena, unsigned_with(header_of(pairs[p], "")), strangers[p]),
                "not signed with our key");
        EVP_PKEY_free(strangers[p]);
    }
}

static void test_changed_signatures(void **state)
{
    (void)state;
    for (size_t p = 0; p < INK_COUNT(pairs); p++) {
        const char *token = issue(pairs[p]->auth);
        const char *signature = strrchr(token, '.') + 1;
        for (size_t at = (size_t)(signature - token); token[at] != '\0'; at++) {
            char *copy = ink_arena_strdup(&arena, token);
            copy[at] = copy[at] == 'A' ? 'B' : 'A';
            refuses(pairs[p]->auth, copy, "not signed with our key");
        }
        /* The same bytes in another spelling: the last character has bits that mean nothing. */
        char *copy = ink_arena_strdup(&arena, token);
        char *last = copy + strlen(copy) - 1;
        *last = *last == 'A' || *last == 'Q' || *last == 'g' || *last == 'w' ? *last + 1 : *last;
        assert_string_not_equal(copy, token);
        refuses(pairs[p]->auth, copy, "not signed with our key");
        static const char *const behind[] = {"=",  "==",   "A", "AA", "AAA", ".",
                                             "..", ".e30", " ", ",",  "+",   "/"};
        for (size_t i = 0; i < INK_COUNT(behind); i++)
            refuses(pairs[p]->auth, ink_arena_printf(&arena, "%s%s", token, behind[i]), NULL);
        for (size_t size = 0; size < strlen(token); size++)
            if (size > 0)
                refuses(pairs[p]->auth, ink_arena_strndup(&arena, token, size), NULL);
    }
}

/* Numbers that a careless verification of ECDSA takes for a signature of anything. */
static void test_no_numbers(void **state)
{
    (void)state;
    const char *text = unsigned_with(header_of(&ec, ""));
    static const unsigned char order[] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                          0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                          0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    unsigned char numbers[64] = {0};
    refuses(ec.auth, forge_with(&arena, text, numbers, 64), "not signed with our key");
    refuses(ec.auth, forge_with(&arena, text, numbers, 0), "not signed with our key");
    numbers[31] = numbers[63] = 1;
    refuses(ec.auth, forge_with(&arena, text, numbers, 64), "not signed with our key");
    memcpy(numbers, order, 32);
    memcpy(numbers + 32, order, 32);
    refuses(ec.auth, forge_with(&arena, text, numbers, 64), "not signed with our key");
    /* As OpenSSL writes it, which JWS does not allow. */
    unsigned char der[128];
    size_t size = sizeof(der);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(digest, NULL, EVP_sha256(), NULL, ec.key), 1);
    assert_int_equal(EVP_DigestSign(digest, der, &size, (const unsigned char *)text, strlen(text)),
                     1);
    EVP_MD_CTX_free(digest);
    refuses(ec.auth, forge_with(&arena, text, der, size), "not signed with our key");
}

/* PS256 by the key that is for RS256. */
static void test_other_padding(void **state)
{
    (void)state;
    const char *text = unsigned_with(header_of(&rsa, ""));
    unsigned char signature[512];
    size_t size = sizeof(signature);
    EVP_PKEY_CTX *context;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(digest, &context, EVP_sha256(), NULL, rsa.key), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(
        EVP_DigestSign(digest, signature, &size, (const unsigned char *)text, strlen(text)), 1);
    EVP_MD_CTX_free(digest);
    refuses(rsa.auth, forge_with(&arena, text, signature, size), "not signed with our key");
}

/* Two keys at once */

static void test_accepted_secret(void **state)
{
    (void)state;
    struct ink_auth *old = auth_of((struct ink_auth_options){.secret = SECRET});
    struct ink_auth *first =
        auth_of((struct ink_auth_options){.secret = SECRET, .accepted_secret = OTHER_SECRET});
    struct ink_auth *second =
        auth_of((struct ink_auth_options){.secret = OTHER_SECRET, .accepted_secret = SECRET});
    struct ink_auth *last = auth_of((struct ink_auth_options){.secret = OTHER_SECRET});
    struct ink_auth *same =
        auth_of((struct ink_auth_options){.secret = SECRET, .accepted_secret = SECRET});
    /* Each step may be anywhere while the next begins. */
    struct ink_auth *const steps[] = {old, first, second, last};
    for (size_t i = 0; i + 1 < INK_COUNT(steps); i++) {
        accepts(steps[i + 1], issue(steps[i == 2 ? 3 : i]), INK_CALLER_USER, USER);
        accepts(steps[i], issue(steps[i + 1]), INK_CALLER_USER, USER);
    }
    refuses(last, issue(old), "no key has this kid");
    refuses(old, issue(last), "no key has this kid");
    accepts(same, issue(old), INK_CALLER_USER, USER);
    /* Without kid it must be the first. */
    const char *text = unsigned_with("{\"alg\":\"HS256\"}");
    accepts(second, forge_hmac(&arena, text, OTHER_SECRET, strlen(OTHER_SECRET), EVP_sha256()),
            INK_CALLER_USER, USER);
    refuses(second, forge_hmac(&arena, text, SECRET, strlen(SECRET), EVP_sha256()),
            "not signed with our key");
    /* A kid does not help another secret. */
    const char *kid = member(part_of(issue(old)), "kid");
    refuses(second,
            forge_hmac(&arena,
                       unsigned_with(ink_arena_printf(&arena, "{\"alg\":\"HS256" KID "%s\"}", kid)),
                       OTHER_SECRET, strlen(OTHER_SECRET), EVP_sha256()),
            "not signed with our key");
    assert_null(strstr(kid, SECRET));
    assert_string_equal(ink_auth_jwks(second), "{\"keys\":[]}");
    for (size_t i = 0; i < INK_COUNT(steps); i++)
        ink_auth_free(steps[i]);
    ink_auth_free(same);
}

static const char *both_public_keys(const struct pair *a, const struct pair *b)
{
    return forge_file(&arena, ink_arena_printf(&arena, "# a comment\n%s\nanother\n%s",
                                               forge_public_pem(&arena, a->key),
                                               forge_public_pem(&arena, b->key)));
}

static void test_several_public_keys(void **state)
{
    (void)state;
    struct ink_auth *both = auth_of((struct ink_auth_options){
        .public_keys_file = both_public_keys(&rsa, &ec), .signing_key_file = ec.private_file});
    accepts(both, issue(rsa.auth), INK_CALLER_USER, USER);
    accepts(both, issue(ec.auth), INK_CALLER_USER, USER);
    accepts(ec.auth, issue(both), INK_CALLER_USER, USER);
    /* One key's signature under the other's name. */
    refuses(both, forge_signed(&arena, unsigned_with(header_of(&rsa, "")), ec.key),
            "not signed with our key");
    refuses(both, forge_signed(&arena, unsigned_with(header_of(&ec, "")), rsa.key),
            "not signed with our key");
    ink_auth_free(both);
}

static void test_jwks(void **state)
{
    (void)state;
    struct ink_auth *both = auth_of((struct ink_auth_options){
        .public_keys_file = both_public_keys(&rsa, &ec), .signing_key_file = ec.private_file});
    const char *jwks = ink_auth_jwks(both);
    const char *first = strstr(jwks, rsa.kid), *second = strstr(jwks, ec.kid);
    assert_true(first != NULL && second != NULL && first < second);
    assert_non_null(strstr(jwks, "\"kty\":\"RSA\""));
    assert_non_null(strstr(jwks, "\"kty\":\"EC\""));
    assert_string_equal(member(jwks, "e"), "AQAB");
    assert_int_equal(strlen(member(jwks, "n")), 342);
    assert_int_equal(strlen(member(jwks, "x")), 43);
    assert_int_equal(strlen(member(jwks, "y")), 43);
    static const char *const private[] = {"\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"k\"", "oct"};
    for (size_t i = 0; i < INK_COUNT(private); i++)
        assert_null(strstr(jwks, private[i]));
    assert_int_equal(ink_auth_jwks_etag(both)[0], '"');
    assert_string_not_equal(ink_auth_jwks_etag(both), ink_auth_jwks_etag(ec.auth));
    ink_auth_free(both);
}

/* Services */

static const char *service_token(const struct ink_auth *auth, const char *name)
{
    const char *token = NULL;
    struct ink_status status = ink_auth_issue_service(auth, &arena, name, &token);
    if (!ink_is_ok(status))
        fail_msg("%s", status.cause);
    return token;
}

static void test_a_service_signs_for_itself_only(void **state)
{
    (void)state;
    const char *services = ink_arena_printf(&arena, "notification=%s", ec.public_file);
    struct ink_auth *user =
        auth_of((struct ink_auth_options){.public_keys_file = rsa.public_file,
                                          .service_keys = services,
                                          .signing_key_file = rsa.private_file});
    struct ink_auth *notification =
        auth_of((struct ink_auth_options){.public_keys_file = rsa.public_file,
                                          .service_keys = services,
                                          .signing_key_file = ec.private_file,
                                          .signing_service = "notification"});
    accepts(user, service_token(notification, "notification"), INK_CALLER_SERVICE, "notification");
    accepts(notification, issue(user), INK_CALLER_USER, USER);
    /* What the notification service's key is not for, though it signs well. */
    static const struct {
        const char *typ, *sub, *cause;
    } cases[] = {
        {"access", USER, "this key does not sign for users"},
        {"service", "blog", "this key does not sign for this service"},
        {"service", "Notification", "this key does not sign for this service"},
        {"service", "", "no sub"},
        {"refresh", USER, "wrong typ"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        const char *claims = claims_of(cases[i].typ, cases[i].sub);
        const char *text = forge_unsigned(&arena, header_of(&ec, ""), claims, strlen(claims));
        refuses(user, forge_signed(&arena, text, ec.key), cases[i].cause);
    }
    /* Nor does the users' key speak for a service. */
    const char *claims = claims_of("service", "notification");
    refuses(user,
            forge_signed(&arena,
                         forge_unsigned(&arena, header_of(&rsa, ""), claims, strlen(claims)),
                         rsa.key),
            "this key does not sign for this service");
    /* And neither program tries. */
    const char *token = "untouched";
    assert_int_equal(ink_auth_issue_user(notification, &arena, USER, &token).code, INK_INTERNAL);
    assert_int_equal(ink_auth_issue_service(notification, &arena, "blog", &token).code,
                     INK_INTERNAL);
    assert_int_equal(ink_auth_issue_service(user, &arena, "notification", &token).code,
                     INK_INTERNAL);
    assert_string_equal(token, "untouched");
    /* Outside only users' keys are told. */
    assert_null(strstr(ink_auth_jwks(user), ec.kid));
    assert_non_null(strstr(ink_auth_jwks(user), rsa.kid));
    ink_auth_free(user);
    ink_auth_free(notification);
}

static void test_check_issuer(void **state)
{
    (void)state;
    struct ink_auth *secret = auth_of((struct ink_auth_options){.secret = SECRET});
    struct ink_auth *verifier =
        auth_of((struct ink_auth_options){.public_keys_file = rsa.public_file});
    assert_true(ink_is_ok(ink_auth_check_issuer(secret, &arena, NULL)));
    assert_true(ink_is_ok(ink_auth_check_issuer(secret, &arena, "notification")));
    assert_true(ink_is_ok(ink_auth_check_issuer(rsa.auth, &arena, NULL)));
    struct ink_status status = ink_auth_check_issuer(verifier, &arena, NULL);
    assert_int_equal(status.code, INK_FAILED_PRECONDITION);
    assert_non_null(strstr(status.message, "JWT_SIGNING_KEY_FILE"));
    status = ink_auth_check_issuer(rsa.auth, &arena, "notification");
    assert_int_equal(status.code, INK_FAILED_PRECONDITION);
    assert_non_null(strstr(status.message, "JWT_SERVICE_SIGNING_KEY_FILE"));
    const char *token;
    assert_int_equal(ink_auth_issue_user(verifier, &arena, USER, &token).code, INK_INTERNAL);
    ink_auth_free(secret);
    ink_auth_free(verifier);
}

/* Settings */

static void bad_options(const struct ink_auth_options options, const char *setting,
                        const char *said)
{
    struct ink_auth *auth = NULL;
    struct ink_status status = make(&options, &auth);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_null(auth);
    print_message("%s\n", status.message);
    assert_non_null(strstr(status.message, setting));
    assert_non_null(strstr(status.message, said));
    assert_null(strstr(status.message, SECRET));
}

static void bad_public_key(EVP_PKEY *key, const char *said)
{
    assert_non_null(key);
    const char *pem = forge_public_pem(&arena, key);
    bad_options((struct ink_auth_options){.public_keys_file = forge_file(&arena, pem)},
                "JWT_PUBLIC_KEYS_FILE", said);
    EVP_PKEY_free(key);
}

/* RSA with a modulus of so many bits, which nobody needs to be able to sign with. */
static EVP_PKEY *rsa_of(int bits, unsigned long exponent)
{
    EVP_PKEY *key = NULL;
    BIGNUM *n = BN_new(), *e = BN_new();
    BN_set_bit(n, bits - 1);
    BN_set_bit(n, 0);
    BN_set_word(e, exponent);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return key;
}

static void test_weak_and_other_keys(void **state)
{
    (void)state;
    bad_public_key(EVP_RSA_gen(1024), "2048");
    bad_public_key(rsa_of(2047, 65537), "2048");
    bad_public_key(rsa_of(8193, 65537), "8192");
    bad_public_key(rsa_of(2048, 1), "not valid");
    bad_public_key(EVP_EC_gen("P-384"), "P-256");
    bad_public_key(EVP_EC_gen("secp256k1"), "P-256");
    bad_public_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "RSA or EC");
    bad_public_key(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), "RSA or EC");
}

static void test_bad_public_keys_files(void **state)
{
    (void)state;
    const char *good = forge_public_pem(&arena, ec.key);
    const struct {
        const char *text, *said;
    } cases[] = {
        {"", "no key"},
        {"no PEM at all\n", "no key"},
        {forge_private_pem(&arena, ec.key), "public keys only"},
        {ink_arena_printf(&arena, "%s%s", good, forge_private_pem(&arena, ec.key)),
         "public keys only"},
        {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "public keys only"},
        {"-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n", "malformed"},
        {ink_arena_strndup(&arena, good, strlen(good) / 2), "not PEM"},
        {ink_arena_printf(&arena, "%s%.60s", good, good), "not PEM"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        const char *file = forge_file(&arena, cases[i].text);
        bad_options((struct ink_auth_options){.public_keys_file = file}, "JWT_PUBLIC_KEYS_FILE",
                    cases[i].said);
        bad_options(
            (struct ink_auth_options){.public_keys_file = rsa.public_file,
                                      .service_keys = ink_arena_printf(&arena, "a=%s", file)},
            "JWT_SERVICE_KEYS", cases[i].said);
    }
    bad_options((struct ink_auth_options){.public_keys_file = "/nowhere/key"},
                "JWT_PUBLIC_KEYS_FILE", "/nowhere/key: No such file");
}

/* A private key in PEM that asks for a password. */
static const char *encrypted_key(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    assert_int_equal(PEM_write_bio_PrivateKey(bio, ec.key, EVP_aes_128_cbc(), (unsigned char *)"x",
                                              1, NULL, NULL),
                     1);
    long size = BIO_get_mem_data(bio, &data);
    char *text = ink_arena_strndup(&arena, data, (size_t)size);
    BIO_free(bio);
    return forge_file(&arena, text);
}

static void test_bad_signing_keys(void **state)
{
    (void)state;
    const char *services = ink_arena_printf(&arena, "blog=%s", rsa.public_file);
    const struct ink_auth_options cases[] = {
        {.signing_key_file = "/nowhere/key"},
        {.signing_key_file = ec.public_file},
        {.signing_key_file = encrypted_key()},
        {.signing_key_file = rsa.private_file},
        {.signing_key_file = rsa.private_file, .service_keys = services},
        {.signing_key_file = ec.private_file, .signing_service = "blog", .service_keys = services},
        {.signing_key_file = rsa.private_file,
         .signing_service = "notification",
         .service_keys = services},
    };
    static const char *const said[] = {
        "No such file",
        "unencrypted private key",
        "unencrypted private key",
        "in JWT_PUBLIC_KEYS",
        "in JWT_PUBLIC_KEYS",
        "JWT_SERVICE_KEYS does not",
        "JWT_SERVICE_KEYS does not",
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_auth_options options = cases[i];
        options.public_keys_file = ec.public_file;
        bad_options(options, i < 5 ? "JWT_SIGNING_KEY_FILE" : "JWT_SERVICE_SIGNING_KEY_FILE",
                    said[i]);
    }
}

static void test_settings_that_contradict(void **state)
{
    (void)state;
    const char *services = ink_arena_printf(&arena, "blog=%s", rsa.public_file);
    bad_options((struct ink_auth_options){0}, "JWT_SECRET", "JWT_PUBLIC_KEYS_FILE");
    bad_options((struct ink_auth_options){.secret = SECRET, .accepted_secret = "short"},
                "JWT_SECRET_ACCEPTED", "32");
    bad_options(
        (struct ink_auth_options){.public_keys_file = ec.public_file, .accepted_secret = SECRET},
        "JWT_SECRET_ACCEPTED", "not accepted");
    bad_options((struct ink_auth_options){.secret = SECRET, .service_keys = services},
                "JWT_SERVICE_KEYS", "without JWT_PUBLIC_KEYS_FILE");
    bad_options((struct ink_auth_options){.secret = SECRET, .signing_key_file = ec.private_file},
                "JWT_SIGNING_KEY_FILE", "without JWT_PUBLIC_KEYS_FILE");
    /* One key for two uses. */
    bad_options(
        (struct ink_auth_options){.public_keys_file = rsa.public_file, .service_keys = services},
        "JWT_SERVICE_KEYS", "another use");
    bad_options((struct ink_auth_options){.public_keys_file = ec.public_file,
                                          .service_keys = ink_arena_printf(
                                              &arena, "%s,user=%s", services, rsa.public_file)},
                "JWT_SERVICE_KEYS", "another use");
    static const char *const lists[] = {"", "blog", "=/x", "blog=", "blog=/dev/null,", ","};
    for (size_t i = 0; i < INK_COUNT(lists); i++)
        bad_options(
            (struct ink_auth_options){.public_keys_file = ec.public_file, .service_keys = lists[i]},
            "JWT_SERVICE_KEYS", "");
    /* Two keys of one service, and the same key twice, are meant well. */
    ink_auth_free(auth_of((struct ink_auth_options){
        .public_keys_file = ec.public_file,
        .service_keys = ink_arena_printf(&arena, "%s,%s", services, services)}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_issue_and_verify),
        cmocka_unit_test(test_many_signatures),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_thumbprint),
        cmocka_unit_test(test_alg_none),
        cmocka_unit_test(test_key_confusion),
        cmocka_unit_test(test_no_secret_beside_public_keys),
        cmocka_unit_test(test_algorithm_is_the_keys),
        cmocka_unit_test(test_kid),
        cmocka_unit_test(test_foreign_headers),
        cmocka_unit_test(test_malformed_headers),
        cmocka_unit_test(test_another_keys_signature),
        cmocka_unit_test(test_changed_signatures),
        cmocka_unit_test(test_no_numbers),
        cmocka_unit_test(test_other_padding),
        cmocka_unit_test(test_accepted_secret),
        cmocka_unit_test(test_several_public_keys),
        cmocka_unit_test(test_jwks),
        cmocka_unit_test(test_a_service_signs_for_itself_only),
        cmocka_unit_test(test_check_issuer),
        cmocka_unit_test(test_weak_and_other_keys),
        cmocka_unit_test(test_bad_public_keys_files),
        cmocka_unit_test(test_bad_signing_keys),
        cmocka_unit_test(test_settings_that_contradict),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
