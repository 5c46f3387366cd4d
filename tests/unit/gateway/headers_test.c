/* Request ids and media types: what clients send in headers. */
#include <string.h>

#include "gateway/log_path.h"
#include "gateway/media_type.h"
#include "gateway/request_id.h"
#include "lib/base/uuid.h"
#include "tests/support/arena_case.h"

static void request_ids(void **state)
{
    char long_id[GATEWAY_REQUEST_ID_MAX + 2];
    (void)state;
    assert_string_equal(gateway_request_id(&arena, "a~!-9"), "a~!-9");
    memset(long_id, 'x', sizeof(long_id));
    long_id[GATEWAY_REQUEST_ID_MAX + 1] = '\0';
    assert_false(gateway_request_id_valid(long_id));
    long_id[GATEWAY_REQUEST_ID_MAX] = '\0';
    assert_true(gateway_request_id_valid(long_id));
    static const char *const bad[] = {"",       " ",    "a b",      "a\tb",
                                      "a\r\nb", "\x7f", "\xc3\xbc", "a\x01"};
    for (size_t i = 0; i < INK_COUNT(bad); i++) {
        assert_false(gateway_request_id_valid(bad[i]));
        assert_true(ink_uuid_valid(gateway_request_id(&arena, bad[i]), 36));
    }
    const char *one = gateway_request_id(&arena, NULL);
    assert_string_not_equal(one, gateway_request_id(&arena, NULL));
}

static void json_types(void **state)
{
    static const char *const good[] = {
        "application/json", "APPLICATION/Json", "application/json; charset=utf-8",
        "application/json ;charset=\"UTF-8\"", "application/json;v=1;charset=utf-8"};
    static const char *const bad[] = {"",
                                      "application/jsonp",
                                      "application/json-patch+json",
                                      "text/json",
                                      "text/plain; application/json",
                                      "application/json; charset=latin1",
                                      "application/json; charset=utf-80",
                                      "application/x-www-form-urlencoded",
                                      "application/json, text/plain",
                                      "application/json,application/json"};
    (void)state;
    for (size_t i = 0; i < INK_COUNT(good); i++)
        assert_true(gateway_is_json(good[i]));
    for (size_t i = 0; i < INK_COUNT(bad); i++)
        assert_false(gateway_is_json(bad[i]));
    assert_false(gateway_is_json(NULL));
}

static void accepted_types(void **state)
{
    const char *type = "application/x-ndjson";
    (void)state;
    assert_true(gateway_accepts("application/x-ndjson", type));
    assert_true(gateway_accepts("text/html, Application/X-NDJSON;q=0.5", type));
    assert_true(gateway_accepts("text/html;q=0,application/x-ndjson", type));
    assert_false(gateway_accepts("application/x-ndjson;q=0", type));
    assert_false(gateway_accepts("application/x-ndjson; q=0.000, text/html", type));
    assert_false(gateway_accepts("application/x-ndjsonl", type));
    assert_false(gateway_accepts("*/*", type));
    assert_false(gateway_accepts("", type));
    assert_false(gateway_accepts(NULL, type));
}

static void shows_paths_without_what_may_be_a_token(void **state)
{
    static const struct {
        const char *path, *shown;
    } cases[] = {
        {"", ""},
        {"/", "/"},
        {"*", "*"},
        {"//a//b/", "//a//b/"},
        {"/api/v1/blogs/01939d1c-0000-7000-8000-000000000001",
         "/api/v1/blogs/01939d1c-0000-7000-8000-000000000001"},
        {"/1234567890123456789012345678901234567890/x",
         "/1234567890123456789012345678901234567890/x"},
        {"/12345678901234567890123456789012345678901", "/12345678..."},
        {"/a/12345678901234567890123456789012345678901/b/"
         "12345678901234567890123456789012345678901/",
         "/a/12345678.../b/12345678.../"},
        {"12345678901234567890123456789012345678901", "12345678..."},
    };
    (void)state;
    for (size_t i = 0; i < INK_COUNT(cases); i++)
        assert_string_equal(gateway_log_path(&arena, cases[i].path), cases[i].shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_ids),
        cmocka_unit_test(json_types),
        cmocka_unit_test(accepted_types),
        cmocka_unit_test(shows_paths_without_what_may_be_a_token),
    };
    return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
