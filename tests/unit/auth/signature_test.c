/*
 * Signatures by public keys: what is issued is accepted, by all threads, and nothing else is.
 */
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <string.h>

#include "tests/unit/auth/forge.h"
#include "tests/unit/auth/pairs.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_issue_and_verify),
        cmocka_unit_test(test_many_signatures),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_another_keys_signature),
        cmocka_unit_test(test_changed_signatures),
        cmocka_unit_test(test_no_numbers),
        cmocka_unit_test(test_other_padding),
    };
    return cmocka_run_group_tests(tests, pairs_set_up, pairs_tear_down);
}
