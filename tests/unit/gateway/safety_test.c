/* The headers that every answer has. */
#include <string.h>

#include "gateway/safety.h"
#include "tests/support/arena_case.h"

#define HSTS "Strict-Transport-Security: "

static size_t count(const char *lines, const char *what)
{
    size_t found = 0;
    for (const char *at = lines; (at = strstr(at, what)) != NULL; at++)
        found++;
    return found;
}

static struct gateway_safety *make(unsigned hsts_max_age, bool subdomains, bool by_origin)
{
    struct gateway_safety_options options = {.page_policy = "default-src 'self'",
                                             .hsts_max_age = hsts_max_age,
                                             .hsts_subdomains = subdomains,
                                             .by_origin = by_origin};
    return gateway_safety_new(&options);
}

static void each_header_once(void **state)
{
    static const char *const wanted[] = {
        "Content-Security-Policy: ",
        "Cross-Origin-Opener-Policy: same-origin\r\n",
        "Cross-Origin-Resource-Policy: same-origin\r\n",
        "Origin-Agent-Cluster: ?1\r\n",
        "Referrer-Policy: no-referrer\r\n",
        "X-Content-Type-Options: nosniff\r\n",
        "X-DNS-Prefetch-Control: off\r\n",
        "X-Download-Options: noopen\r\n",
        "X-Frame-Options: DENY\r\n",
        "X-Permitted-Cross-Domain-Policies: none\r\n",
        "X-XSS-Protection: 0\r\n",
    };
    struct gateway_safety *safety = make(60, true, false);
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        const char *lines = gateway_safety_lines(safety, kind & 1, kind & 2);
        for (size_t i = 0; i < INK_COUNT(wanted); i++)
            assert_int_equal(count(lines, wanted[i]), 1);
        assert_int_equal(count(lines, "\n"), INK_COUNT(wanted) + (kind & 2 ? 1 : 0));
        assert_int_equal(count(lines, "\r\n"), count(lines, "\n"));
        assert_int_equal(count(lines, "X-Powered-By"), 0);
    }
    gateway_safety_free(safety);
    gateway_safety_free(NULL);
}

static void policies(void **state)
{
    struct gateway_safety *safety = make(0, false, false);
    (void)state;
    assert_int_equal(count(gateway_safety_lines(safety, true, false),
                           "Content-Security-Policy: default-src 'self'\r\n"),
                     1);
    assert_int_equal(
        count(gateway_safety_lines(safety, false, false),
              "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"),
        1);
    gateway_safety_free(safety);
}

static void transport_security(void **state)
{
    static const struct {
        unsigned max_age;
        bool subdomains;
        const char *line; /* over TLS; NULL for none */
    } cases[] = {{31536000, true, HSTS "max-age=31536000; includeSubDomains\r\n"},
                 {60, false, HSTS "max-age=60\r\n"},
                 {0, true, NULL}};
    (void)state;
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct gateway_safety *safety = make(cases[i].max_age, cases[i].subdomains, false);
        const char *lines = gateway_safety_lines(safety, false, true);
        assert_int_equal(count(lines, HSTS), cases[i].line != NULL);
        if (cases[i].line != NULL)
            assert_int_equal(count(lines, cases[i].line), 1);
        assert_int_equal(count(gateway_safety_lines(safety, false, false), HSTS), 0);
        gateway_safety_free(safety);
    }
}

static void caches_know_what_answers_depend_on(void **state)
{
    (void)state;
    for (int by_origin = 0; by_origin < 2; by_origin++) {
        struct gateway_safety *safety = make(60, true, by_origin);
        for (int kind = 0; kind < 4; kind++)
            assert_int_equal(
                count(gateway_safety_lines(safety, kind & 1, kind & 2), "Vary: Origin\r\n"),
                by_origin);
        gateway_safety_free(safety);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_header_once),
        cmocka_unit_test(policies),
        cmocka_unit_test(transport_security),
        cmocka_unit_test(caches_know_what_answers_depend_on),
    };
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
