/*
 * A token's header, with public keys: every way to make a key or a token of one kind pass for
 * another, to bring along a key, and to be read in two ways.
 */
#include <openssl/x509.h>
#include <string.h>

#include "lib/base/buf.h"
#include "tests/unit/auth/forge.h"
#include "tests/unit/auth/pairs.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alg_none),
        cmocka_unit_test(test_key_confusion),
        cmocka_unit_test(test_no_secret_beside_public_keys),
        cmocka_unit_test(test_algorithm_is_the_keys),
        cmocka_unit_test(test_kid),
        cmocka_unit_test(test_foreign_headers),
        cmocka_unit_test(test_malformed_headers),
    };
    return cmocka_run_group_tests(tests, pairs_set_up, pairs_tear_down);
}
