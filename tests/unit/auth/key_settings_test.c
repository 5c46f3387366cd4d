/*
 * Settings of keys that are refused at start: weak and malformed keys, those of another kind, and
 * settings that contradict each other.
 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "tests/unit/auth/forge.h"
#include "tests/unit/auth/pairs.h"

static void bad_options(const struct ink_auth_options options, const char *setting,
                        const char *said)
{
    struct ink_auth *auth = NULL;
    struct ink_status status = ink_auth_new(&options, &arena, &auth);
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
        cmocka_unit_test(test_weak_and_other_keys),
        cmocka_unit_test(test_bad_public_keys_files),
        cmocka_unit_test(test_bad_signing_keys),
        cmocka_unit_test(test_settings_that_contradict),
    };
    return cmocka_run_group_tests(tests, pairs_set_up, pairs_tear_down);
}
