/*
 * Several keys at once, and what each is good for: while one is changed for another, and for
 * services that sign for themselves only. What is told about them outside.
 */
#include <string.h>

#include "tests/unit/auth/forge.h"
#include "tests/unit/auth/pairs.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thumbprint),
        cmocka_unit_test(test_accepted_secret),
        cmocka_unit_test(test_several_public_keys),
        cmocka_unit_test(test_jwks),
        cmocka_unit_test(test_a_service_signs_for_itself_only),
        cmocka_unit_test(test_check_issuer),
    };
    return cmocka_run_group_tests(tests, pairs_set_up, pairs_tear_down);
}
