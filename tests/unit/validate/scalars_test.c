/* The rules of single values, at their edges. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/validate/expect.h"

#define FOR_EACH(cases, check)                                                                     \
    for (size_t i = 0; i < sizeof(cases) / sizeof((cases)[0]); i++)                                \
    check(&(cases)[i])

static void strings_are_measured(void **state)
{
    (void)state;
    static const struct string_case cases[] = {
        {"StrConst", "héllo", NULL},
        {"StrConst", "hello", "must be \"héllo\""},
        {"StrLen", "abc", NULL},
        {"StrLen", "日本語", NULL},
        {"StrLen", "ab", "must be exactly 3 characters"},
        {"StrLen", "😀😀😀😀", "must be exactly 3 characters"},
        {"StrMinLen", "ééé", NULL},
        {"StrMinLen", "éé", "must be at least 3 characters"},
        {"StrMinLen", "", "must be at least 3 characters"},
        {"StrMinOne", "", "must be at least 1 character"},
        {"StrMaxLen", "", NULL},
        {"StrMaxLen", "日本語", NULL},
        {"StrMaxLen", "abcd", "must be at most 3 characters"},
        {"StrLenBytes", "éé", NULL},
        {"StrLenBytes", "éé1", "must be exactly 4 bytes"},
        {"StrMinBytes", "éé", NULL},
        {"StrMinBytes", "éa", "must be at least 4 bytes"},
        {"StrMaxBytes", "éé", NULL},
        {"StrMaxBytes", "ééa", "must be at most 4 bytes"},
        {"StrExample", "something else", NULL},
    };
    FOR_EACH(cases, check_string);
}

static void strings_are_compared(void **state)
{
    (void)state;
    static const struct string_case cases[] = {
        {"StrPattern", "a-bc-d", NULL},
        {"StrPattern", "a-", "must match the pattern ^[a-z]+(-[a-z]+)*$"},
        {"StrPattern", "abc\n", "must match the pattern ^[a-z]+(-[a-z]+)*$"},
        {"StrPatternPart", "so bad", NULL},
        {"StrPatternPart", "bédé", NULL},
        {"StrPatternPart", "b\nd", "must match the pattern b.d"},
        {"StrPrefix", "pré", NULL},
        {"StrPrefix", "prefix", "must start with \"pré\""},
        {"StrPrefix", "pr", "must start with \"pré\""},
        {"StrSuffix", "suffix", NULL},
        {"StrSuffix", "fixed", "must end with \"fix\""},
        {"StrContains", "main", NULL},
        {"StrContains", "i n", "must contain \"in\""},
        {"StrNotContains", "i n", NULL},
        {"StrNotContains", "main", "must not contain \"in\""},
        {"StrIn", "bb", NULL},
        {"StrIn", "b", "must be one of \"a\", \"bb\""},
        {"StrIn", "", "must be one of \"a\", \"bb\""},
        {"StrNotIn", "b", NULL},
        {"StrNotIn", "a", "must not be one of \"a\", \"bb\""},
    };
    FOR_EACH(cases, check_string);
}

static void strings_have_formats(void **state)
{
    (void)state;
    static const struct string_case cases[] = {
        {"StrEmail", "ann@example.com", NULL},
        {"StrEmail", "", "must be a valid email address"},
        {"StrEmailOff", "ann", NULL},
        {"StrHostname", "example.com", NULL},
        {"StrHostname", "1.2", "must be a valid hostname"},
        {"StrIp", "::1", NULL},
        {"StrIp", "1.2.3", "must be a valid IP address"},
        {"StrIpv4", "1.2.3.4", NULL},
        {"StrIpv4", "::1", "must be a valid IPv4 address"},
        {"StrIpv6", "::1", NULL},
        {"StrIpv6", "1.2.3.4", "must be a valid IPv6 address"},
        {"StrUri", "http://a/b", NULL},
        {"StrUri", "a/b", "must be a valid URI"},
        {"StrUriRef", "a/b", NULL},
        {"StrUriRef", "a b", "must be a valid URI reference"},
        {"StrAddress", "::1", NULL},
        {"StrAddress", "a.b", NULL},
        {"StrAddress", "a_b", "must be a valid hostname or IP address"},
        {"StrUuid", "0198E3A5-7C2B-7E3A-9D40-5B1C2D3E4F50", NULL},
        {"StrUuid", "0198e3a57c2b7e3a9d405b1c2d3e4f50", "must be a valid UUID"},
        {"StrTuuid", "0198e3a57c2b7e3a9d405b1c2d3e4f50", NULL},
        {"StrTuuid", "", "must be a valid UUID without hyphens"},
        {"StrIpLen", "1.2.3.4/8", NULL},
        {"StrIpLen", "1.2.3.4", "must be a valid IP address with prefix length"},
        {"StrIpv4Len", "::/8", "must be a valid IPv4 address with prefix length"},
        {"StrIpv6Len", "::1/8", NULL},
        {"StrIpv6Len", "1.2.3.4/8", "must be a valid IPv6 address with prefix length"},
        {"StrIpPrefix", "10.0.0.0/8", NULL},
        {"StrIpPrefix", "10.0.0.1/8", "must be a valid IP prefix"},
        {"StrIpv4Prefix", "10.0.0.1/8", "must be a valid IPv4 prefix"},
        {"StrIpv6Prefix", "1::1/64", "must be a valid IPv6 prefix"},
        {"StrHostPort", "[::1]:80", NULL},
        {"StrHostPort", "a.b", "must be a valid host and port pair"},
        {"StrHeaderName", "Content-Type", NULL},
        {"StrHeaderName", "a b", "must be a valid HTTP header name"},
        {"StrHeaderNameLoose", "a b", NULL},
        {"StrHeaderNameLoose", "a\n", "must be a valid HTTP header name"},
        {"StrHeaderValue", "a\tb", NULL},
        {"StrHeaderValue", "a\x01", "must be a valid HTTP header value"},
        {"StrHeaderValueLoose", "a\x01", NULL},
        {"StrHeaderValueLoose", "a\r", "must be a valid HTTP header value"},
    };
    FOR_EACH(cases, check_string);
}

static void strings_are_utf8_without_any_rule(void **state)
{
    (void)state;
    static const struct string_case cases[] = {
        {"StrPlain", "any \x01 text 😀", NULL},
        {"StrPlain", "\xff", "must be valid UTF-8"},
        {"StrPlain", "eight bytes and then \xc3", "must be valid UTF-8"},
        {"StrPlain", "\xed\xa0\x80", "must be valid UTF-8"}, /* a surrogate */
        {"StrPlain", "\xc0\x80", "must be valid UTF-8"},     /* overlong */
        {"StrMinLen", "\xff\xfe\xfd", "must be valid UTF-8"},
    };
    FOR_EACH(cases, check_string);
}

static void bytes_have_rules(void **state)
{
    (void)state;
    static const struct bytes_case cases[] = {
        {"BytesConst", "\x01\x02", 2, NULL},
        {"BytesConst", "\x01", 1, "must be 0x0102"},
        {"BytesLen", "\0\xff", 2, NULL},
        {"BytesLen", "\0", 1, "must be exactly 2 bytes"},
        {"BytesMinMax", "", 0, "must be at least 1 byte"},
        {"BytesMinMax", "abc", 3, NULL},
        {"BytesMinMax", "abcd", 4, "must be at most 3 bytes"},
        {"BytesPattern", "aaa", 3, NULL},
        {"BytesPattern", "aab", 3, "must match the pattern ^a+$"},
        {"BytesPattern", "\xff", 1, "must match the pattern ^a+$"},
        {"BytesParts", "ammz", 4, NULL},
        {"BytesParts", "amz", 3, "must contain 0x6d6d"},
        {"BytesIn", "b", 1, NULL},
        {"BytesIn", "", 0, "must be one of 0x61, 0x62"},
        {"BytesNotIn", "", 0, NULL},
        {"BytesNotIn", "b", 1, "must not be one of 0x61, 0x62"},
        {"BytesIp", "abcd", 4, NULL},
        {"BytesIp", "abcdefghijklmnop", 16, NULL},
        {"BytesIp", "abcde", 5, "must be a valid IP address"},
        {"BytesIpv4", "abcdefghijklmnop", 16, "must be a valid IPv4 address"},
        {"BytesIpv6", "", 0, "must be a valid IPv6 address"},
    };
    FOR_EACH(cases, check_bytes);
}

static void integers_have_rules(void **state)
{
    (void)state;
    static const struct int_case cases[] = {
        {"BoolConst", 1, NULL},
        {"BoolConst", 0, "must be true"},
        {"Int32Const", -7, NULL},
        {"Int32Const", 7, "must be -7"},
        {"Int32Between", -2, NULL},
        {"Int32Between", 4, NULL},
        {"Int32Between", -3, "must be at least -2 and less than 5"},
        {"Int32Between", 5, "must be at least -2 and less than 5"},
        {"Int32Outside", -2, NULL},
        {"Int32Outside", 6, NULL},
        {"Int32Outside", -1, "must be greater than 5 or at most -2"},
        {"Int32Outside", 5, "must be greater than 5 or at most -2"},
        {"Int32In", -3, NULL},
        {"Int32In", 3, "must be one of 1, 2, -3"},
        {"Int32NotIn", 3, NULL},
        {"Int32NotIn", -3, "must not be one of 1, 2, -3"},
        {"Int64Lt", INT64_MIN, NULL},
        {"Int64Lt", -3, "must be less than -3"},
        {"Uint32Gte", 4000000000, NULL},
        {"Uint32Gte", 3999999999, "must be at least 4000000000"},
        {"Uint64Between", -2, NULL}, /* 2^64 - 2 */
        {"Uint64Between", -1, "must be greater than 3 and at most 18446744073709551614"},
        {"Uint64Between", 3, "must be greater than 3 and at most 18446744073709551614"},
        {"Sint32Lte", -1, NULL},
        {"Sint32Lte", 0, "must be at most -1"},
        {"Sint64Gt", 0, NULL},
        {"Sint64Gt", -1, "must be greater than -1"},
        {"Fixed32Lt", 2, NULL},
        {"Fixed32Lt", -1, "must be less than 3"}, /* 2^32 - 1 */
        {"Fixed64In", 9, NULL},
        {"Fixed64In", 2, "must be one of 1, 9"},
        {"Sfixed32Const", -1, NULL},
        {"Sfixed32Const", 1, "must be -1"},
        {"Sfixed64NotIn", -1, "must not be -1"},
    };
    FOR_EACH(cases, check_int);
}

static void enums_have_rules(void **state)
{
    (void)state;
    static const struct int_case cases[] = {
        {"EnumConst", 1, NULL},
        {"EnumConst", 0, "must be COLOR_RED"},
        {"EnumDefined", 3, NULL},
        {"EnumDefined", 2, "must be one of the defined values"},
        {"EnumDefined", -1, "must be one of the defined values"},
        {"EnumIn", 3, NULL},
        {"EnumIn", 0, "must be one of COLOR_RED, COLOR_BLUE"},
        {"EnumNotIn", 2, NULL},
        {"EnumNotIn", 0, "must not be COLOR_UNSPECIFIED"},
    };
    FOR_EACH(cases, check_int);
}

static void floats_have_rules(void **state)
{
    (void)state;
    static const struct double_case cases[] = {
        {"FloatBetween", 0.3, NULL},
        {"FloatBetween", 0.1, "must be greater than 0.1 and less than 0.5"},
        {"FloatBetween", NAN, "must be greater than 0.1 and less than 0.5"},
        {"FloatFinite", 1e30, NULL},
        {"FloatFinite", INFINITY, "must be a finite number"},
        {"FloatFinite", NAN, "must be a finite number"},
        {"FloatConst", 0.1, NULL},
        {"FloatConst", 0.2, "must be 0.1"},
        {"DoubleOutside", 2.5, NULL},
        {"DoubleOutside", -INFINITY, NULL},
        {"DoubleOutside", -2.5, "must be at least 2.5 or less than -2.5"},
        {"DoubleOutside", NAN, "must be at least 2.5 or less than -2.5"},
        {"DoubleNotIn", NAN, NULL},
        {"DoubleNotIn", 1.5, "must not be 1.5"},
        {"DoubleLt", 9.999, NULL},
        {"DoubleLt", 10, "must be less than 10"},
        {"DoubleLt", NAN, "must be less than 10"},
    };
    FOR_EACH(cases, check_double);
}

static void zero_values_can_be_required_or_ignored(void **state)
{
    (void)state;
    check_string(&(struct string_case){"RequiredString", "", "is required"});
    check_string(&(struct string_case){"RequiredString", "x", NULL});
    check_int(&(struct int_case){"RequiredInt", 0, "is required"});
    check_int(&(struct int_case){"RequiredInt", 5, "must be greater than 5"});
    check_string(&(struct string_case){"IgnoreZeroString", "", NULL});
    check_string(&(struct string_case){"IgnoreZeroString", "a", "must be at least 3 characters"});
    check_int(&(struct int_case){"IgnoreZeroInt", 0, NULL});
    check_int(&(struct int_case){"IgnoreZeroInt", 3, "must be greater than 3"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_measured),
        cmocka_unit_test(strings_are_compared),
        cmocka_unit_test(strings_have_formats),
        cmocka_unit_test(strings_are_utf8_without_any_rule),
        cmocka_unit_test(bytes_have_rules),
        cmocka_unit_test(integers_have_rules),
        cmocka_unit_test(enums_have_rules),
        cmocka_unit_test(floats_have_rules),
        cmocka_unit_test(zero_values_can_be_required_or_ignored),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_contract_release();
    return failed;
}
