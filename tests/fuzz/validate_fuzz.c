/* The string formats on any text: they must not read outside of it, must agree where one contains
 * the other, and must not take what no such text can have. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/validate/formats.h"
#include "tests/fuzz/fuzz.h"

static void implies(int a, int b)
{
    CHECK(!a || b);
}

static void addresses(const char *text, size_t size)
{
    int v4 = ink_is_ipv4(text, size), v6 = ink_is_ipv6(text, size);
    CHECK(!(v4 && v6));
    CHECK(ink_is_ip(text, size) == (v4 || v6));
    implies(v4, !ink_is_hostname(text, size)); /* its last label is only digits */
    CHECK(ink_is_address(text, size) == (v4 || v6 || ink_is_hostname(text, size)));
    implies(ink_is_ipv4_prefix(text, size), ink_is_ipv4_with_prefixlen(text, size));
    implies(ink_is_ipv6_prefix(text, size), ink_is_ipv6_with_prefixlen(text, size));
    implies(ink_is_ip_prefix(text, size), ink_is_ip_with_prefixlen(text, size));
    implies(ink_is_host_and_port(text, size), size >= 3);
}

static void names(const char *text, size_t size)
{
    implies(ink_is_email(text, size), size >= 3 && memchr(text, '@', size) != NULL);
    implies(ink_is_hostname(text, size), size != 0 && size <= 254);
    implies(ink_is_tuuid(text, size), size == 32);
    implies(ink_is_header_name(text, size), ink_is_header_name_loose(text, size));
    implies(ink_is_header_value(text, size), ink_is_header_value_loose(text, size));
}

static void uris(const char *text, size_t size)
{
    implies(ink_is_uri(text, size), memchr(text, ':', size) != NULL);
    implies(ink_is_uri(text, size), ink_is_uri_ref(text, size));
    implies(ink_is_uri_ref(text, size), size == 0 || memchr(text, ' ', size) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || !ink_utf8_valid((const char *)data, size))
        return 0;
    char *text = malloc(size); /* no NUL after it: a byte more is out of bounds */
    CHECK(text != NULL);
    memcpy(text, data, size);
    addresses(text, size);
    names(text, size);
    uris(text, size);
    free(text);
    return 0;
}
