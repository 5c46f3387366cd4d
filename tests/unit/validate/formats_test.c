/* The string formats, at their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/validate/formats.h"

#define LABEL63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"
#define LABEL61 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1"

typedef bool test_fn(const char *text, size_t size);

static void check(test_fn *test, const char *const *texts, bool expected)
{
    for (; *texts != NULL; texts++)
        if (test(*texts, strlen(*texts)) != expected)
            fail_msg("\"%s\" is %s", *texts, expected ? "refused" : "accepted");
}

#define ACCEPTS(test, ...) check(test, (const char *const[]){__VA_ARGS__, NULL}, true)
#define REFUSES(test, ...) check(test, (const char *const[]){__VA_ARGS__, NULL}, false)

static void emails(void **state)
{
    (void)state;
    ACCEPTS(ink_is_email, "a@b", "a.b+c@d.example", "a..b@c", ".a@b", "!#$%&'*+/=?^_`{|}~-@x",
            "a@1.2.3.4", "a@" LABEL63, "a@x-y.z");
    REFUSES(ink_is_email, "", "a", "@b", "a@", "a@b@c", "a b@c", "a@b c", "a@b.", "a@.b", "a@b..c",
            "a@-b", "a@b-", "a@" LABEL63 "4", "\"a\"@b", "a@[1.2.3.4]", "\xc3\xa9@b", "a@\xc3\xa9",
            "a@b\n", " a@b", "a(b)@c", "<a@b>");
}

static void hostnames(void **state)
{
    (void)state;
    ACCEPTS(ink_is_hostname, "a", "a.b", "a.b.", "1.a", "1a.2b", "a-b.c--d", "A.B", LABEL63,
            LABEL63 "." LABEL63 "." LABEL63 "." LABEL61,
            LABEL63 "." LABEL63 "." LABEL63 "." LABEL61 ".");
    REFUSES(ink_is_hostname, "", ".", "a..b", ".a", "a..", "-a", "a-", "a.-b", "a_b", "a b", "1",
            "1.2", "a.1", "127.0.0.1", LABEL63 "4", LABEL63 "." LABEL63 "." LABEL63 "." LABEL61 "2",
            "\xc3\xa9", "a.1.", "a\n");
}

static void addresses(void **state)
{
    (void)state;
    ACCEPTS(ink_is_ipv4, "0.0.0.0", "255.255.255.255", "1.20.100.9");
    REFUSES(ink_is_ipv4, "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.04", "1..2.3",
            "1.2.3.", ".1.2.3", "1.2.3.4 ", "1.2.3.0x4", "1.2.3.1000", "::1");
    ACCEPTS(ink_is_ipv6, "::", "::1", "1::", "1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::3:4:5:6:7:8", "ABCD:ef01::", "::1.2.3.4",
            "1:2:3:4:5:6:1.2.3.4", "64:ff9b::1.2.3.4", "fe80::1%en1", "fe80::1%a%b", "0001::");
    REFUSES(ink_is_ipv6, "", ":", ":::", ":1", "1:", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2::3", "1:::2", "12345::", "::g",
            "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1.2.3.256", "1.2.3.4::", "1::1.2.3.4:5",
            "1:2:3:4:5:6::1.2.3.4", "fe80::1%", "%en1", "[::1]", "::1 ", "1.2.3.4", "::2:3:");
    ACCEPTS(ink_is_address, "a.b", "1.2.3.4", "::1");
    REFUSES(ink_is_address, "", "1.2.3", "[::1]", "a_b");
}

static void zones_end_before_nul(void **state)
{
    (void)state;
    assert_false(ink_is_ipv6("fe80::1%a\0b", 11));
    assert_true(ink_is_ipv6("fe80::1%ab", 10));
}

static void prefixes(void **state)
{
    (void)state;
    ACCEPTS(ink_is_ip_with_prefixlen, "1.2.3.4/0", "1.2.3.4/32", "::1/0", "::1/128");
    REFUSES(ink_is_ip_with_prefixlen, "", "1.2.3.4", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/08",
            "1.2.3.4/-1", "1.2.3.4/8 ", "::/129", "::1%en1/64", "/8", "1.2.3.4/8/8",
            "1.2.3.4/99999999999");
    ACCEPTS(ink_is_ipv4_prefix, "0.0.0.0/0", "10.0.0.0/8", "10.128.0.0/9", "1.2.3.4/32");
    REFUSES(ink_is_ipv4_prefix, "10.0.0.1/8", "10.128.0.0/8",
            "1.2.3.4/31"
            "x",
            "1.2.3.5/31", "::/0");
    ACCEPTS(ink_is_ipv6_prefix, "::/0", "2001:db8::/32", "::1/128", "8000::/1");
    REFUSES(ink_is_ipv6_prefix, "::1/127", "2001:db8::1/32", "8000::/0", "0.0.0.0/0");
    ACCEPTS(ink_is_ipv6_with_prefixlen, "::1.2.3.4/3");
    REFUSES(ink_is_ipv4_with_prefixlen, "::/0");
    ACCEPTS(ink_is_ip_prefix, "::/0", "0.0.0.0/0");
}

static void hosts_with_ports(void **state)
{
    (void)state;
    ACCEPTS(ink_is_host_and_port, "a:0", "a.b:65535", "1.2.3.4:80", "[::1]:80", "[fe80::1%en]:1");
    REFUSES(ink_is_host_and_port, "", ":", "a", "a:", ":80", "a:65536", "a:080", "a:-1", "a:8 ",
            "::1:80", "[::1]", "[::1]80", "[1.2.3.4]:80", "[]:80", "a_b:1", "a:b:1", "[::1]]:1",
            "[:1");
}

static void uris(void **state)
{
    (void)state;
    ACCEPTS(ink_is_uri, "a:", "a:b", "http://", "http://a", "http://a/b?c#d", "http://u:p@h:80/",
            "http://@h", "http://h:", "http://h:99999", "http://[::1]", "http://[::1]:80/a",
            "http://[::1%25en0]", "http://[::1%25%41]", "http://[v1f.a:b]", "http://[::1.2.3.4]",
            "http://%c3%a9", "http://a%20b/c%20d", "mailto:a@b.c", "urn:a:b", "a+b-c.d:x",
            "http:///a", "file:///a", "a://b?c/d?e#f/g?h", "a:/b", "http://h/%ff", "a:////");
    REFUSES(ink_is_uri, "", "a", "//a", "/a", ":a", "1a:b", "a b:c", "http://a b", "http://[::1",
            "http://::1", "http://[::1]a", "http://h:8a", "http://u@v@h", "http://%ff", "http://a%",
            "http://a%4", "http://a%zz", "http://[::1%en0]", "http://[::1%25]", "http://[v.a]",
            "http://[v1.]", "http://[v1]", "http://[::g]", "http://[]", "http://[1.2.3.4]",
            "a:b#c#d", "a:<b>", "a:\"b\"", "a:b\\c", "a:[b]", "a:\xc3\xa9", "http://a^b",
            "http://h/a|b", "a:b\n", "http://[::1%25%ff]");
    ACCEPTS(ink_is_uri_ref, "", "a", "a/b:c", "/a", "//a", "//a:1/b", ".", "..", "../a", "?a", "#a",
            "a?b#c", "./a:b", "http://a", "/:a", "?a:b", "a@b");
    REFUSES(ink_is_uri_ref, ":", "1a:b", ":a", "a b", "##", "//[", "%", "a:b c", "//a b");
}

static void compact_uuids(void **state)
{
    (void)state;
    ACCEPTS(ink_is_tuuid, "0123456789abcdefABCDEF0123456789");
    REFUSES(ink_is_tuuid, "", "0123456789abcdefABCDEF012345678",
            "0123456789abcdefABCDEF01234567890", "0123456789abcdefABCDEF012345678g",
            "01234567-89ab-cdef-ABCD-EF0123456789");
}

static void headers(void **state)
{
    (void)state;
    ACCEPTS(ink_is_header_name, "a", "Content-Type", ":path", "!#$%&'*+-.^_|~`");
    REFUSES(ink_is_header_name, "", ":", "::a", "a b", "a:", "a/b", "a\"", "\xc3\xa9", "a\x7f");
    ACCEPTS(ink_is_header_value, "", "a b\tc", "\xc3\xa9", "\"(),/:;<=>?@[\\]{}");
    REFUSES(ink_is_header_value, "\n", "a\r", "\x01", "\x1f", "a\x7f");
    ACCEPTS(ink_is_header_name_loose, " ", "\x01");
    REFUSES(ink_is_header_name_loose, "", "a\n", "\ra");
    ACCEPTS(ink_is_header_value_loose, "", "\x7f");
    REFUSES(ink_is_header_value_loose, "\n", "\r");
    assert_false(ink_is_header_value("a\0b", 3));
    assert_false(ink_is_header_value_loose("a\0b", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emails),    cmocka_unit_test(hostnames),
        cmocka_unit_test(addresses), cmocka_unit_test(zones_end_before_nul),
        cmocka_unit_test(prefixes),  cmocka_unit_test(hosts_with_ports),
        cmocka_unit_test(uris),      cmocka_unit_test(compact_uuids),
        cmocka_unit_test(headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
