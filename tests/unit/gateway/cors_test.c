/* Which origins are in the list, and which lists there may be. */
#include <string.h>

#include "gateway/cors.h"
#include "tests/support/arena_case.h"

static void parse(const char *text, struct gateway_cors *ret_cors)
{
    struct ink_status status = gateway_cors_parse(&arena, text, ret_cors);
    if (!ink_is_ok(status))
        fail_msg("%s", status.message);
}

static void nobody_by_default(void **state)
{
    static const char *const nothing[] = {NULL, ""};
    (void)state;
    for (size_t i = 0; i < INK_COUNT(nothing); i++) {
        struct gateway_cors cors = {.n_origins = 77};
        parse(nothing[i], &cors);
        assert_int_equal(cors.n_origins, 0);
        assert_null(gateway_cors_lines(&cors, "https://a.example"));
        assert_null(gateway_cors_lines(&cors, NULL));
    }
}

static void listed_origins(void **state)
{
    static const char *const origins[] = {
        "https://a.example",     "http://localhost:5173", "https://xn--bcher-kva.example",
        "http://127.0.0.1:8080", "http://[::1]:8080",     "https://[2001:db8::1]",
        "https://a.example.",    "http://a.example:443",  "https://a_b.example:65535"};
    struct gateway_cors cors;
    (void)state;
    parse("https://a.example , http://localhost:5173,\thttps://xn--bcher-kva.example,"
          "http://127.0.0.1:8080,http://[::1]:8080,https://[2001:db8::1],https://a.example.,"
          "http://a.example:443,https://a_b.example:65535 ",
          &cors);
    assert_int_equal(cors.n_origins, INK_COUNT(origins));
    for (size_t i = 0; i < INK_COUNT(origins); i++) {
        const char *lines = gateway_cors_lines(&cors, origins[i]);
        const char *wanted =
            ink_arena_printf(&arena, "Access-Control-Allow-Origin: %s\r\n", origins[i]);
        assert_non_null(lines);
        assert_memory_equal(lines, wanted, strlen(wanted));
        assert_non_null(strstr(lines, "Access-Control-Expose-Headers: "));
        assert_non_null(strstr(lines, " ETag,"));
        assert_null(strstr(lines, "Credentials"));
    }
}

static void other_origins(void **state)
{
    static const char *const others[] = {"http://a.example",
                                         "https://a.example:443",
                                         "https://a.example:8443",
                                         "https://a.example/",
                                         "https://a.example.",
                                         "https://A.example",
                                         "HTTPS://a.example",
                                         "https://b.a.example",
                                         "https://xa.example",
                                         "https://a.example.evil",
                                         "https://a.examplee",
                                         "https://a.exampl",
                                         "https://evil#https://a.example",
                                         "https://a.example@evil",
                                         "https://evil,https://a.example",
                                         "https://a.example https://evil",
                                         " https://a.example",
                                         "a.example",
                                         "http://localhost:517",
                                         "http://localhost:51730",
                                         "http://localhost",
                                         "null",
                                         "",
                                         "*",
                                         "file://"};
    struct gateway_cors cors;
    (void)state;
    parse("https://a.example,http://localhost:5173", &cors);
    for (size_t i = 0; i < INK_COUNT(others); i++)
        if (gateway_cors_lines(&cors, others[i]) != NULL)
            fail_msg("%s", others[i]);
    assert_null(gateway_cors_lines(&cors, NULL));
}

/* A setting that no browser's origin could ever equal is a mistake, and the start says which. */
static void bad_lists(void **state)
{
    static const struct {
        const char *text, *reason;
    } bad[] = {
        {"*", "name each"},
        {"null", "begin with"},
        {"a.example", "begin with"},
        {"ftp://a.example", "begin with"},
        {"HTTPS://a.example", "begin with"},
        {" ", "begin with"},
        {"https://a.example,", "begin with"},
        {"https://a.example,,https://b.example", "begin with"},
        {"https://a.example/", "not even a slash"},
        {"https://a.example/blog", "not even a slash"},
        {"https://a.example?q", "not even a slash"},
        {"https://a.example#", "not even a slash"},
        {"https://A.example", "lower case"},
        {"https://", "host"},
        {"https://:80", "host"},
        {"https://*.example", "host"},
        {"https://a..example", "host"},
        {"https://.example", "host"},
        {"https://me@a.example", "host"},
        {"https://a.example https://b.example", "host"},
        {"https://b\xc3\xbc"
         "cher.example",
         "host"},
        {"https://a.example\r\nX-Evil", "lower case"},
        {"https://a.example\r\nx: y", "host"},
        {"https://1.2.3", "host"},
        {"https://01.2.3.4", "host"},
        {"https://[::1", "host"},
        {"https://[]", "host"},
        {"https://[0:0::1]", "host"},
        {"https://[::1]x", "port"},
        {"https://a.example:", "port"},
        {"https://a.example:x", "port"},
        {"https://a.example:0", "port"},
        {"https://a.example:080", "port"},
        {"https://a.example:65536", "port"},
        {"https://a.example:1:2", "port"},
        {"https://a.example:443", "leave this port out"},
        {"http://a.example:80", "leave this port out"},
        {"https://good.example,https://a.example:443", "\"https://a.example:443\""},
    };
    (void)state;
    for (size_t i = 0; i < INK_COUNT(bad); i++) {
        struct gateway_cors cors = {.n_origins = 77};
        struct ink_status status = gateway_cors_parse(&arena, bad[i].text, &cors);
        if (status.code != INK_INVALID_ARGUMENT || strstr(status.message, bad[i].reason) == NULL)
            fail_msg("%s: %s", bad[i].text, status.message);
        assert_int_equal(cors.n_origins, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_by_default),
        cmocka_unit_test(listed_origins),
        cmocka_unit_test(other_origins),
        cmocka_unit_test(bad_lists),
    };
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
