/* Addresses, lists of networks, and the client behind proxies, also when it lies. */
#include <netinet/in.h>
#include <string.h>

#include "lib/ip/ip.h"
#include "tests/support/arena_case.h"

static struct ink_ip ip(const char *text)
{
    struct ink_ip parsed;
    assert_true(ink_ip_parse(text, strlen(text), &parsed));
    return parsed;
}

static void assert_text(struct ink_ip address, const char *expected)
{
    char text[INK_IP_TEXT];
    ink_ip_text(&address, text);
    assert_string_equal(text, expected);
}

static void addresses(void **state)
{
    (void)state;
    assert_text(ip("203.0.113.7"), "203.0.113.7");
    assert_text(ip("::ffff:203.0.113.7"), "203.0.113.7");
    assert_text(ip("2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
    assert_text(ip("::"), "::");
    struct ink_ip four = ip("10.0.0.1"), same = ip("::ffff:a00:1"), other = ip("10.0.0.2");
    assert_true(ink_ip_equal(&four, &same));
    assert_false(ink_ip_equal(&four, &other));
}

static void no_addresses(void **state)
{
    static const char *const bad[] = {
        "",         "localhost",    "1.2.3",         "1.2.3.4.5", "1.2.3.256", "01.2.3.4",
        " 1.2.3.4", "1.2.3.4 ",     "1.2.3.4:80",    "[::1]",     "::1%lo",    "1::2::3",
        "0x7f.1",   "::ffff:1.2.3", "unknown",       "_hidden",   "1.2.3.4\n", "12345::",
        "-1.2.3.4", "1.2.3.4/32",   "fe80::1%25eth", "127.1",     "::g",       "1,2",
    };
    struct ink_ip parsed;
    (void)state;
    for (size_t i = 0; i < INK_COUNT(bad); i++)
        assert_false(ink_ip_parse(bad[i], strlen(bad[i]), &parsed));
    assert_false(ink_ip_parse("1.2.3.4\0", 8, &parsed));
    char giant[4096];
    memset(giant, '1', sizeof(giant));
    assert_false(ink_ip_parse(giant, sizeof(giant), &parsed));
}

static void socket_addresses(void **state)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct ink_ip parsed;
    (void)state;
    assert_true(ink_ip_from_sockaddr((struct sockaddr *)&four, &parsed));
    assert_text(parsed, "127.0.0.1");
    assert_true(ink_ip_from_sockaddr((struct sockaddr *)&six, &parsed));
    assert_text(parsed, "::1");
    assert_false(ink_ip_from_sockaddr(&other, &parsed));
}

static void clients(void **state)
{
    struct ink_ip four = ip("203.0.113.7"), six = ip("2001:db8:1:2:3:4:5:6");
    (void)state;
    assert_text(ink_ip_client(&four), "203.0.113.7");
    assert_text(ink_ip_client(&six), "2001:db8:1:2::");
}

static struct ink_ip_list list(const char *text)
{
    struct ink_ip_list parsed;
    assert_int_equal(ink_ip_list_parse(&arena, text, &parsed).code, INK_OK);
    return parsed;
}

static bool has(const char *networks, const char *address)
{
    struct ink_ip_list parsed = list(networks);
    struct ink_ip one = ip(address);
    return ink_ip_list_has(&parsed, &one);
}

static void networks(void **state)
{
    (void)state;
    assert_int_equal(list(NULL).count, 0);
    assert_int_equal(list("").count, 0);
    assert_false(has("", "10.0.0.1"));
    assert_true(has("10.0.0.0/8, 2001:db8::/32,127.0.0.1", "10.255.0.1"));
    assert_true(has("10.0.0.0/8, 2001:db8::/32,127.0.0.1", "2001:db8:ffff::1"));
    assert_true(has("10.0.0.0/8, 2001:db8::/32,127.0.0.1", "127.0.0.1"));
    assert_false(has("10.0.0.0/8, 2001:db8::/32,127.0.0.1", "127.0.0.2"));
    assert_false(has("10.0.0.0/8, 2001:db8::/32,127.0.0.1", "2001:db9::1"));
    assert_true(has("192.0.2.128/25", "192.0.2.200"));
    assert_false(has("192.0.2.128/25", "192.0.2.100"));
    assert_true(has("192.0.2.128/31", "::ffff:192.0.2.129"));
    assert_true(has("::ffff:10.0.0.0/104", "10.1.2.3"));
    assert_true(has("0.0.0.0/0", "8.8.8.8"));
    assert_false(has("0.0.0.0/0", "::1"));
    assert_true(has("::/0", "8.8.8.8"));
}

static void bad_networks(void **state)
{
    static const char *const bad[] = {
        "10.0.0.0/33", "10.0.0.1/8",    "::1/129", "10.0.0.0/",   "10.0.0.0/-1",    "10.0.0.0/8/8",
        "10.0.0.0/ 8", "example.org",   ",",       "10.0.0.0/8,", "2001:db8::1/32", "10.0.0.0/08x",
        "/8",          "10.0.0.0/9999",
    };
    (void)state;
    for (size_t i = 0; i < INK_COUNT(bad); i++) {
        struct ink_ip_list parsed;
        struct ink_status status = ink_ip_list_parse(&arena, bad[i], &parsed);
        assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    }
}

/* The client with the proxies 10.0.0.0/8 and 2001:db8:ffff::/48 trusted. */
static struct ink_ip behind(const char *peer, const char *const *values, size_t n_values)
{
    struct ink_ip_list trusted = list("10.0.0.0/8,2001:db8:ffff::/48");
    struct ink_ip address = ip(peer);
    return ink_ip_forwarded(&trusted, &address, values, n_values);
}

static void assert_client(const char *peer, const char *value, const char *expected)
{
    assert_text(behind(peer, &value, 1), expected);
}

static void forwarded(void **state)
{
    (void)state;
    assert_text(behind("10.0.0.1", NULL, 0), "10.0.0.1");
    assert_client("10.0.0.1", "203.0.113.7", "203.0.113.7");
    assert_client("10.0.0.1", "203.0.113.7:4711", "203.0.113.7");
    assert_client("10.0.0.1", "2001:db8::1", "2001:db8::1");
    assert_client("10.0.0.1", "[2001:db8::1]", "2001:db8::1");
    assert_client("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1");
    assert_client("10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7");
    assert_client("2001:db8:ffff::9", "203.0.113.7", "203.0.113.7");
    assert_client("10.0.0.1", "203.0.113.7, 10.0.0.2,\t10.0.0.3 ", "203.0.113.7");
    assert_client("10.0.0.1", "10.0.0.9, 10.0.0.2", "10.0.0.9"); /* nobody else is known */
    const char *const lines[] = {"203.0.113.7", "10.0.0.5, 10.0.0.4"};
    assert_text(behind("10.0.0.1", lines, 2), "203.0.113.7");
}

static void forged(void **state)
{
    (void)state;
    /* From nobody who is trusted: not looked at. */
    assert_client("203.0.113.7", "198.51.100.1", "203.0.113.7");
    assert_client("203.0.113.7", "10.0.0.1, 10.0.0.2", "203.0.113.7");
    /* What the client wrote is to the left of what the proxy wrote. */
    assert_client("10.0.0.1", "127.0.0.1, 203.0.113.7", "203.0.113.7");
    assert_client("10.0.0.1", "127.0.0.1, 203.0.113.7, 10.0.0.2", "203.0.113.7");
    assert_client("10.0.0.1", "10.0.0.7, 203.0.113.7", "203.0.113.7");
    const char *const lines[] = {"127.0.0.1", "203.0.113.7"};
    assert_text(behind("10.0.0.1", lines, 2), "203.0.113.7");
}

static void malformed(void **state)
{
    static const char *const bad[] = {
        "",
        ",",
        ",,,,",
        "unknown",
        "203.0.113.7,",
        " ",
        "[::1",
        "[1.2.3.4]",
        "[]",
        "203.0.113.7:",
        "a, b",
        "::1]:80",
        "203.0.113.7:x",
        "203.0.113.7:123456",
        "1.2.3.4 5.6.7.8",
        "\"1.2.3.4\"",
        "for=1.2.3.4",
        "1.2.3.4;5.6.7.8",
        "198.51.100.1, garbage",
        "[::1]80",
        "\xff\xfe",
        "198.51.100.1,\x01",
    };
    (void)state;
    for (size_t i = 0; i < INK_COUNT(bad); i++)
        assert_client("10.0.0.1", bad[i], "10.0.0.1");
    assert_client("10.0.0.1", "198.51.100.1, garbage, 10.0.0.2", "10.0.0.2");
}

static void endless(void **state)
{
    char many[64 * 1024 + 1];
    (void)state;
    for (size_t i = 0; i + 9 <= sizeof(many); i += 9)
        memcpy(many + i, "10.1.1.1,", 9);
    memcpy(many, "1.1.1.1 ,", 9);
    many[sizeof(many) / 9 * 9 - 1] = '\0';
    assert_client("10.0.0.1", many, "10.1.1.1");
    memset(many, ',', sizeof(many) - 1);
    many[sizeof(many) - 1] = '\0';
    assert_client("10.0.0.1", many, "10.0.0.1");
    memset(many, '1', sizeof(many) - 1);
    assert_client("10.0.0.1", many, "10.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses), cmocka_unit_test(no_addresses),
        cmocka_unit_test(clients),   cmocka_unit_test(socket_addresses),
        cmocka_unit_test(networks),  cmocka_unit_test(bad_networks),
        cmocka_unit_test(forwarded), cmocka_unit_test(forged),
        cmocka_unit_test(malformed), cmocka_unit_test(endless),
    };
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
