#include "lib/transcode/problem.h"
#include "tests/unit/transcode_json/fixture.h"

static int http_of(enum ink_code code, const char *reason)
{
    struct ink_status status = {.code = code, .message = "text", .reason = reason};
    return ink_problem_from_status(status).http_status;
}

static void maps_codes(void **state)
{
    (void)state;
    static const int expected[] = {200, 499, 500, 400, 504, 404, 409, 403, 429,
                                   400, 409, 400, 501, 500, 503, 500, 401};
    for (size_t code = 0; code < INK_COUNT(expected); code++)
        assert_int_equal(http_of(code, NULL), expected[code]);
    assert_int_equal(http_of(INK_FAILED_PRECONDITION, "ETAG_MISMATCH"), 412);
    assert_int_equal(http_of(INK_FAILED_PRECONDITION, "ETAG_MATCH"), 412);
    assert_int_equal(http_of(INK_FAILED_PRECONDITION, "OTHER"), 400);
    assert_int_equal(http_of(INK_RESOURCE_EXHAUSTED, "SERVER_OVERLOADED"), 503);
    assert_int_equal(http_of(77, NULL), 500);
}

static int retry_after(enum ink_code code, int64_t milliseconds)
{
    struct ink_status status = {.code = code, .message = "", .retry_after_ms = milliseconds};
    return ink_problem_from_status(status).retry_after;
}

static void says_when_to_come_back(void **state)
{
    (void)state;
    assert_int_equal(retry_after(INK_RESOURCE_EXHAUSTED, 0), 1);
    assert_int_equal(retry_after(INK_RESOURCE_EXHAUSTED, 1), 1);
    assert_int_equal(retry_after(INK_UNAVAILABLE, 2001), 3);
    assert_int_equal(retry_after(INK_UNAVAILABLE, INT64_MAX), 86400);
    assert_int_equal(retry_after(INK_UNAVAILABLE, -5), 1);
    assert_int_equal(retry_after(INK_NOT_FOUND, 2000), 0);
}

static const char *written(const struct ink_problem *problem, const struct ink_problem_place *place)
{
    struct ink_buf out = INK_BUF_INIT;
    ink_problem_write(&arena, problem, place, &out);
    const char *text = ink_arena_strdup(&arena, out.data);
    ink_buf_release(&out);
    return text;
}

static void writes_a_problem(void **state)
{
    (void)state;
    struct ink_problem problem =
        ink_problem_from_status(ink_error(INK_NOT_FOUND, "there is no \"x\""));
    struct ink_problem_place place = {.instance = "/api/v1/x", .request_id = "r-1"};
    assert_string_equal(
        written(&problem, &place),
        "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
        "\"detail\":\"there is no \\\"x\\\"\",\"instance\":\"/api/v1/x\",\"requestId\":\"r-1\","
        "\"error\":\"there is no \\\"x\\\"\"}");
}

static void writes_one_made_by_hand(void **state)
{
    (void)state;
    struct ink_problem problem = {.http_status = 405};
    struct ink_problem_place place = {0};
    assert_string_equal(written(&problem, &place),
                        "{\"type\":\"about:blank\",\"title\":\"Method Not Allowed\","
                        "\"status\":405,\"error\":\"Method Not Allowed\"}");
}

static void names_fields_as_json_does(void **state)
{
    (void)state;
    struct ink_violation *list = NULL;
    ink_violation_add(&arena, &list, "item.item_count", "must be positive");
    ink_violation_add(&arena, &list, "maps.to_item[\"a_b\"].inner_item.name", "is too long");
    ink_violation_add(&arena, &list, "", "is odd");
    struct ink_problem problem = ink_problem_from_status(ink_violations_status(&arena, list));
    struct ink_problem_place place = {.type = type_named("Everything")};
    assert_string_equal(
        written(&problem, &place),
        "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
        "\"detail\":\"item.itemCount: must be positive (and 2 more)\",\"errors\":["
        "{\"field\":\"item.itemCount\",\"message\":\"must be positive\"},"
        "{\"field\":\"maps.toItem[\\\"a_b\\\"].innerItem.name\",\"message\":\"is too long\"},"
        "{\"field\":\"\",\"message\":\"is odd\"}],"
        "\"error\":\"item.itemCount: must be positive (and 2 more)\"}");
}

static void lists_nothing_that_names_no_field(void **state)
{
    (void)state;
    struct ink_violation *list = NULL;
    ink_violation_add(&arena, &list, "", "the JSON is cut off");
    struct ink_problem problem = ink_problem_from_status(ink_violations_status(&arena, list));
    struct ink_problem_place place = {.type = type_named("Everything")};
    const char *text = written(&problem, &place);
    assert_null(strstr(text, "errors"));
    assert_non_null(strstr(text, "\"detail\":\"the JSON is cut off\""));
}

static void types_a_reason(void **state)
{
    (void)state;
    struct ink_status status = {
        .code = INK_FAILED_PRECONDITION, .message = "changed since", .reason = "ETAG_MISMATCH"};
    struct ink_problem problem = ink_problem_from_status(status);
    struct ink_problem_place place = {0};
    assert_non_null(strstr(written(&problem, &place),
                           "{\"type\":\"tag:inkmesh,2026:problem/etag-mismatch\","
                           "\"title\":\"Precondition Failed\",\"status\":412,"));
}

static void tells_nothing_of_the_inside(void **state)
{
    (void)state;
    static const enum ink_code codes[] = {INK_INTERNAL, INK_UNKNOWN, INK_DATA_LOSS,
                                          INK_UNAVAILABLE};
    struct ink_problem_place place = {0};
    for (size_t i = 0; i < INK_COUNT(codes); i++) {
        struct ink_status status =
            ink_error_cause(&arena, codes[i], "secret 127.0.0.1", "secret SQL");
        struct ink_problem problem = ink_problem_from_status(status);
        const char *text = written(&problem, &place);
        assert_null(strstr(text, "secret"));
        assert_non_null(strstr(text, "\"detail\":"));
    }
    struct ink_status status = ink_error_cause(&arena, INK_NOT_FOUND, "no such user", "secret SQL");
    struct ink_problem problem = ink_problem_from_status(status);
    assert_null(strstr(written(&problem, &place), "secret"));
}

static void converts_paths(void **state)
{
    (void)state;
    static const struct {
        const char *type, *path, *json;
    } cases[] = {
        {"Everything", "well_known", "wellKnown"},
        {"Everything", "lists.int32_values[3]", "lists.int32Values[3]"},
        {"Everything", "everything[2].well_known.int64_wrapper",
         "everything[2].wellKnown.int64Wrapper"},
        {"Everything", "named[\"].well_known\"].well_known", "named[\"].well_known\"].wellKnown"},
        {"Everything", "named[\"\\\"]\"].well_known", "named[\"\\\"]\"].wellKnown"},
        {"Everything", "no_such.well_known", "no_such.well_known"},
        {"Everything", "item.no_such.inner_item", "item.no_such.inner_item"},
        {"Names", "renamed", "another-name"},
        {"Names", "", ""},
        {"Names", "renamed[", "another-name["},
        {"Names", "a..b", "a..b"},
        {"Maps", "by_int32[-5]", "byInt32[-5]"},
        {"Maps", "by_string[\"unclosed", "byString[\"unclosed"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++)
        assert_string_equal(ink_path_to_json(&arena, type_named(cases[i].type), cases[i].path),
                            cases[i].json);
    assert_string_equal(ink_path_to_json(&arena, NULL, "as_it_is"), "as_it_is");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(maps_codes),
        TEST(says_when_to_come_back),
        TEST(writes_a_problem),
        TEST(writes_one_made_by_hand),
        TEST(names_fields_as_json_does),
        TEST(lists_nothing_that_names_no_field),
        TEST(types_a_reason),
        TEST(tells_nothing_of_the_inside),
        TEST(converts_paths),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
