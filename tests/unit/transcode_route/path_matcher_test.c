#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/transcode/path_matcher.h"
#include "tests/support/arena_case.h"

#define MAX_RULES 64

struct declared {
    const char *method, *text;
};

static struct ink_template templates[MAX_RULES];
static struct ink_path_rule rules[MAX_RULES];

static struct ink_path_matcher *build(const struct declared *declared, size_t count,
                                      size_t conflict[2])
{
    assert_in_range(count, 1, MAX_RULES);
    for (size_t i = 0; i < count; i++) {
        assert_true(ink_is_ok(ink_template_parse(&arena, declared[i].text, &templates[i])));
        rules[i] = (struct ink_path_rule){declared[i].method, &templates[i]};
    }
    return ink_path_matcher_new(rules, count, conflict);
}

/* A match as one line: "TEMPLATE value|value|", "404", "405 ALLOW", "options ALLOW", "400 WHY". */
static const char *line_of(const struct ink_path_matcher *matcher, const char *method,
                           const char *path, size_t size)
{
    struct ink_path_match match = ink_path_matcher_find(matcher, method, path, size, &arena);
    switch (match.result) {
    case INK_PATH_UNKNOWN:
        return "404";
    case INK_PATH_BAD_METHOD:
        return ink_arena_printf(&arena, "405 %s", match.allow);
    case INK_PATH_OPTIONS:
        return ink_arena_printf(&arena, "options %s", match.allow);
    case INK_PATH_MALFORMED:
        return ink_arena_printf(&arena, "400 %s", match.problem);
    default:
        break;
    }
    const struct ink_template *template = rules[match.rule].template;
    char *line = ink_arena_printf(&arena, "%s %s", rules[match.rule].method, template->text);
    for (size_t i = 0; i < template->n_variables; i++)
        line = ink_arena_printf(&arena, "%s|%s", line, match.values[i]);
    return line;
}

struct expectation {
    const char *method, *path, *line;
};

static void check(const struct ink_path_matcher *matcher, const struct expectation *cases,
                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *line = line_of(matcher, cases[i].method, cases[i].path, strlen(cases[i].path));
        if (strcmp(line, cases[i].line))
            fail_msg("%s %s: got \"%s\", wanted \"%s\"", cases[i].method, cases[i].path, line,
                     cases[i].line);
    }
}

/* Variables are declared before the literals that have to win over them. */
static const struct declared blog[] = {
    {"GET", "/v1/blogs/{id}"},
    {"DELETE", "/v1/blogs/{id}"},
    {"PATCH", "/v1/blogs/{id}"},
    {"PUT", "/v1/blogs/{id}"},
    {"GET", "/v1/{kind}/featured"},
    {"GET", "/v1/blogs/featured"},
    {"GET", "/v1/blogs"},
    {"POST", "/v1/blogs"},
    {"POST", "/v1/blogs/{id}:publish"},
    {"POST", "/v1/blogs:import"},
    {"GET", "/v1/blogs/{id}/tags/{tag}"},
    {"GET", "/v1/files/{path=**}"},
    {"POST", "/v1/files/{path=**}:archive"},
    {"GET", "/v1/{name=shelves/*/books/*}"},
    {"GET", "/v1/{name=shelves/*/**}:tree"},
    {"PURGE", "/v1/cache/{key}"},
    {"*", "/v1/any/{thing}"},
    {"POST", "/v1/any/{thing}"},
    {"POST", "/v1/read-all"},
    {"GET", "/v1/with%20space/caf\xc3\xa9"},
    {"GET", "/v1/odd/a%3Ab"},
    {"GET", "/v1/odd/c%2Fd"},
    {"GET", "/v1/one/*/two"},
    {"OPTIONS", "/v1/custom/options"},
    {"HEAD", "/v1/custom/head"},
    {"GET", "/v1/custom/head"},
};

static void matches_paths(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"GET", "/v1/blogs", "GET /v1/blogs"},
        {"POST", "/v1/blogs", "POST /v1/blogs"},
        {"GET", "/v1/blogs/42", "GET /v1/blogs/{id}|42"},
        {"PUT", "/v1/blogs/42", "PUT /v1/blogs/{id}|42"},
        {"GET", "/v1/blogs/featured", "GET /v1/blogs/featured"},
        {"GET", "/v1/users/featured", "GET /v1/{kind}/featured|users"},
        {"DELETE", "/v1/blogs/featured", "DELETE /v1/blogs/{id}|featured"},
        {"GET", "/v1/blogs/1/tags/2", "GET /v1/blogs/{id}/tags/{tag}|1|2"},
        {"GET", "/v1/%62logs", "GET /v1/blogs"},
        {"GET", "/%76%31/blogs/%66eatured", "GET /v1/blogs/featured"},
        {"GET", "/v1/with%20space/caf%C3%A9", "GET /v1/with%20space/caf\xc3\xa9"},
        {"GET", "/v1/with%20space/caf\xc3\xa9", "GET /v1/with%20space/caf\xc3\xa9"},
        {"GET", "/v1/with+space/caf\xc3\xa9", "404"},
        {"GET", "/v1/one/x/two", "GET /v1/one/*/two"},
        {"PURGE", "/v1/cache/x", "PURGE /v1/cache/{key}|x"},
        {"GET", "/", "404"},
        {"GET", "", "404"},
        {"GET", "*", "404"},
        {"GET", "v1/blogs", "404"},
        {"GET", "/v1", "404"},
        {"GET", "/v2/blogs", "404"},
        {"GET", "/V1/blogs", "404"},
        {"GET", "/v1/blogs/1/tags", "404"},
        {"GET", "/v1/blogs/1/tags/2/3", "404"},
    };
    size_t conflict[2];
    struct ink_path_matcher *matcher = build(blog, INK_COUNT(blog), conflict);
    assert_non_null(matcher);
    check(matcher, cases, INK_COUNT(cases));
    ink_path_matcher_free(matcher);
}

static void decodes_segment_by_segment(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"GET", "/v1/blogs/a%2Fb", "GET /v1/blogs/{id}|a/b"},
        {"GET", "/v1/blogs/a%2fb%3Fc%23%25", "GET /v1/blogs/{id}|a/b?c#%"},
        {"GET", "/v1/blogs/a+b", "GET /v1/blogs/{id}|a+b"},
        {"GET", "/v1/blogs/%C3%A9", "GET /v1/blogs/{id}|\xc3\xa9"},
        {"GET", "/v1/blogs/%2525", "GET /v1/blogs/{id}|%25"},
        {"GET", "/v1/blogs%2F42", "404"},
        {"GET", "/v1/odd/c%2Fd", "GET /v1/odd/c%2Fd"},
        {"GET", "/v1/odd/c/d", "404"},
        {"GET", "/v1/files/a%2Fb/c%20d%2f", "GET /v1/files/{path=**}|a%2Fb/c d%2f"},
        {"GET", "/v1/shelves/a%2Fb/books/c%3Ad",
         "GET /v1/{name=shelves/*/books/*}|shelves/a%2Fb/books/c:d"},
        {"GET", "/v1/shelv%65s/1/books/2", "GET /v1/{name=shelves/*/books/*}|shelves/1/books/2"},
        {"GET", "/v1/blogs/%", "400 has a \"%\" that no two hexadecimal digits follow"},
        {"GET", "/v1/blogs/%4", "400 has a \"%\" that no two hexadecimal digits follow"},
        {"GET", "/v1/blogs/a%zzb", "400 has a \"%\" that no two hexadecimal digits follow"},
        {"GET", "/v1/blogs/%00", "400 has a NUL character"},
        {"GET", "/v1/blogs/a%ff", "400 is not valid UTF-8"},
        {"GET", "/v1/blogs/a\xff", "400 is not valid UTF-8"},
        {"GET", "/v1/blogs/%C3/%A9", "400 is not valid UTF-8"},
        {"GET", "/nowhere/%C0%AF", "400 is not valid UTF-8"},
        {"GET", "/v1/files/a/%e2%82/b", "400 is not valid UTF-8"},
        {"GET", "//%zz", "400 has a \"%\" that no two hexadecimal digits follow"},
    };
    size_t conflict[2];
    struct ink_path_matcher *matcher = build(blog, INK_COUNT(blog), conflict);
    check(matcher, cases, INK_COUNT(cases));
    assert_string_equal(line_of(matcher, "GET", "/v1/blogs/a\0b", 13), "400 has a NUL character");
    ink_path_matcher_free(matcher);
}

static void empty_segments_match_nothing(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"GET", "/v1/blogs/", "404"},
        {"GET", "/v1//blogs", "404"},
        {"GET", "//v1/blogs", "404"},
        {"GET", "/v1/blogs//", "404"},
        {"GET", "/v1/blogs/featured/", "404"},
        {"GET", "/v1/files/", "404"},
        {"GET", "/v1/files/a//b", "404"},
        {"GET", "/v1/files/a/", "404"},
        {"OPTIONS", "/v1/blogs/", "404"},
        {"GET", "/v1/one//two", "404"},
        {"GET", "//", "404"},
        /* "**" alone takes no segment at all, which is not an empty one. */
        {"GET", "/v1/files", "GET /v1/files/{path=**}|"},
        {"GET", "/v1/files/a/b/c", "GET /v1/files/{path=**}|a/b/c"},
    };
    size_t conflict[2];
    struct ink_path_matcher *matcher = build(blog, INK_COUNT(blog), conflict);
    check(matcher, cases, INK_COUNT(cases));
    ink_path_matcher_free(matcher);
}

static void tells_verbs_from_values(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"POST", "/v1/blogs/42:publish", "POST /v1/blogs/{id}:publish|42"},
        {"POST", "/v1/blogs/a:b:publish", "POST /v1/blogs/{id}:publish|a:b"},
        {"POST", "/v1/blogs/4%2F2:%70ublish", "POST /v1/blogs/{id}:publish|4/2"},
        {"GET", "/v1/blogs/42:other", "GET /v1/blogs/{id}|42:other"},
        {"GET", "/v1/blogs/42:publish", "GET /v1/blogs/{id}|42:publish"},
        {"GET", "/v1/blogs/42:", "GET /v1/blogs/{id}|42:"},
        {"GET", "/v1/blogs/:publish", "GET /v1/blogs/{id}|:publish"},
        {"GET", "/v1/blogs/42%3Apublish", "GET /v1/blogs/{id}|42:publish"},
        {"POST", "/v1/blogs/42%3Apublish", "405 GET, HEAD, PUT, PATCH, DELETE, OPTIONS"},
        {"POST", "/v1/blogs/:publish", "405 GET, HEAD, PUT, PATCH, DELETE, OPTIONS"},
        {"POST", "/v1/blogs:import", "POST /v1/blogs:import"},
        {"POST", "/v1/blogs:publish", "404"},
        {"GET", "/v1/blogs:import", "405 POST, OPTIONS"},
        {"GET", "/v1/odd/a:b", "GET /v1/odd/a%3Ab"},
        {"GET", "/v1/odd/a%3Ab", "GET /v1/odd/a%3Ab"},
        {"POST", "/v1/files/x/y:archive", "POST /v1/files/{path=**}:archive|x/y"},
        {"POST", "/v1/files:archive", "POST /v1/files/{path=**}:archive|"},
        {"GET", "/v1/files/x:archive", "GET /v1/files/{path=**}|x:archive"},
        {"GET", "/v1/shelves/1/books/2:tree", "GET /v1/{name=shelves/*/**}:tree|shelves/1/books/2"},
        {"GET", "/v1/shelves/1:tree", "GET /v1/{name=shelves/*/**}:tree|shelves/1"},
        {"POST", "/v1/bl:ogs/x", "404"},
    };
    size_t conflict[2];
    struct ink_path_matcher *matcher = build(blog, INK_COUNT(blog), conflict);
    check(matcher, cases, INK_COUNT(cases));
    ink_path_matcher_free(matcher);
}

static void answers_methods(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"HEAD", "/v1/blogs", "GET /v1/blogs"},
        {"HEAD", "/v1/blogs/42", "GET /v1/blogs/{id}|42"},
        {"HEAD", "/v1/custom/head", "HEAD /v1/custom/head"},
        {"HEAD", "/v1/read-all", "405 POST, OPTIONS"},
        {"get", "/v1/blogs", "405 GET, HEAD, POST, OPTIONS"},
        {"DELETE", "/v1/blogs", "405 GET, HEAD, POST, OPTIONS"},
        {"OPTIONS", "/v1/blogs", "options GET, HEAD, POST, OPTIONS"},
        {"OPTIONS", "/v1/blogs/1", "options GET, HEAD, PUT, PATCH, DELETE, OPTIONS"},
        {"OPTIONS", "/v1/custom/options", "OPTIONS /v1/custom/options"},
        {"GET", "/v1/custom/options", "405 OPTIONS"},
        {"OPTIONS", "/v1/nowhere", "404"},
        {"GET", "/v1/cache/x", "405 PURGE, OPTIONS"},
        /* What several templates take together. */
        {"TRACE", "/v1/blogs/featured", "405 GET, HEAD, PUT, PATCH, DELETE, OPTIONS"},
        {"PUT", "/v1/blogs/1:publish", "PUT /v1/blogs/{id}|1:publish"},
        {"TRACE", "/v1/blogs/1:publish", "405 GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
        /* Any method. */
        {"POST", "/v1/any/x", "POST /v1/any/{thing}|x"},
        {"GET", "/v1/any/x", "* /v1/any/{thing}|x"},
        {"HEAD", "/v1/any/x", "* /v1/any/{thing}|x"},
        {"BREW", "/v1/any/x", "* /v1/any/{thing}|x"},
        {"*", "/v1/any/x", "* /v1/any/{thing}|x"},
        {"*", "/v1/blogs", "405 GET, HEAD, POST, OPTIONS"},
    };
    size_t conflict[2];
    struct ink_path_matcher *matcher = build(blog, INK_COUNT(blog), conflict);
    check(matcher, cases, INK_COUNT(cases));
    ink_path_matcher_free(matcher);
}

static void the_more_specific_template_wins(void **state)
{
    (void)state;
    static const struct declared declared[] = {
        {"GET", "/**"},    {"GET", "/{a}/{b}"}, {"GET", "/{a}/y"},
        {"GET", "/x/{b}"}, {"GET", "/x/y"},     {"GET", "/x/**"},
        {"POST", "/**"},   {"GET", "/x/{b}/z"}, {"DELETE", "/{a}/y"},
    };
    static const struct expectation cases[] = {
        {"GET", "/x/y", "GET /x/y"},
        {"GET", "/x/1", "GET /x/{b}|1"},
        {"GET", "/1/y", "GET /{a}/y|1"},
        {"GET", "/1/2", "GET /{a}/{b}|1|2"},
        {"GET", "/x/1/z", "GET /x/{b}/z|1"},
        {"GET", "/x/1/w", "GET /x/**"},
        {"GET", "/x", "GET /x/**"},
        {"GET", "/w", "GET /**"},
        {"GET", "/", "GET /**"},
        {"GET", "/1/2/3", "GET /**"},
        {"DELETE", "/x/y", "DELETE /{a}/y|x"},
        {"POST", "/x/y", "POST /**"},
        {"PUT", "/x/y", "405 GET, HEAD, POST, DELETE, OPTIONS"},
        {"PUT", "/x/1", "405 GET, HEAD, POST, OPTIONS"},
    };
    size_t conflict[2];
    struct ink_path_matcher *matcher = build(declared, INK_COUNT(declared), conflict);
    check(matcher, cases, INK_COUNT(cases));
    ink_path_matcher_free(matcher);
}

static void finds_conflicts(void **state)
{
    (void)state;
    static const struct {
        struct declared declared[2];
        bool conflict;
    } cases[] = {
        {{{"GET", "/a/{id}"}, {"GET", "/a/{blog_id}"}}, true},
        {{{"GET", "/a/{id}"}, {"GET", "/a/*"}}, true},
        {{{"GET", "/a/{id}"}, {"GET", "/{x=a/*}"}}, true},
        {{{"GET", "/a/{id=**}"}, {"GET", "/{x=a/**}"}}, true},
        {{{"GET", "/a"}, {"GET", "/a"}}, true},
        {{{"GET", "/a%2Db"}, {"GET", "/a-b"}}, true},
        {{{"GET", "/a:go"}, {"GET", "/a:%67o"}}, true},
        {{{"*", "/a"}, {"*", "/a"}}, true},
        {{{"GET", "/a/{id}"}, {"PUT", "/a/{id}"}}, false},
        {{{"GET", "/a/{id}"}, {"*", "/a/{id}"}}, false},
        {{{"GET", "/a/{id}"}, {"GET", "/a/{id=**}"}}, false},
        {{{"GET", "/a/{id}"}, {"GET", "/a/b"}}, false},
        {{{"GET", "/a:go"}, {"GET", "/a"}}, false},
        {{{"GET", "/a:go"}, {"GET", "/a%3Ago"}}, false},
        {{{"GET", "/a"}, {"GET", "/A"}}, false},
        {{{"GET", "/a"}, {"get", "/a"}}, false},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        size_t conflict[2] = {9, 9};
        struct ink_path_matcher *matcher = build(cases[i].declared, 2, conflict);
        if ((matcher == NULL) != cases[i].conflict)
            fail_msg("%s and %s", cases[i].declared[0].text, cases[i].declared[1].text);
        assert_int_equal(conflict[0], cases[i].conflict ? 0 : 9);
        assert_int_equal(conflict[1], cases[i].conflict ? 1 : 9);
        ink_path_matcher_free(matcher);
    }
}

/* Every level could go two ways, and only the last segment tells that none leads anywhere. */
static void overlapping_templates_stay_cheap(void **state)
{
    (void)state;
    struct declared declared[MAX_RULES];
    size_t conflict[2];
    for (size_t i = 0; i < MAX_RULES; i++) {
        struct ink_buf text = INK_BUF_INIT;
        for (size_t level = 0; level < 6; level++)
            ink_buf_puts(&text, i >> level & 1 ? "/a" : "/*");
        ink_buf_puts(&text, "/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/end");
        declared[i] = (struct declared){"GET", ink_arena_strdup(&arena, text.data)};
        ink_buf_release(&text);
    }
    struct ink_path_matcher *matcher = build(declared, MAX_RULES, conflict);
    assert_non_null(matcher);
    const char *hit = "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/end";
    assert_string_equal(line_of(matcher, "GET", hit, strlen(hit)) + strlen("GET "),
                        declared[MAX_RULES - 1].text);
    struct ink_buf path = INK_BUF_INIT;
    for (int i = 0; i < 8000; i++)
        ink_buf_puts(&path, "/a");
    assert_string_equal(line_of(matcher, "GET", path.data, path.len), "404");
    assert_string_equal(line_of(matcher, "GET", path.data, 50), "404");
    ink_buf_release(&path);
    ink_path_matcher_free(matcher);
}

static void no_rules_match_nothing(void **state)
{
    (void)state;
    size_t conflict[2];
    struct ink_path_matcher *matcher = ink_path_matcher_new(NULL, 0, conflict);
    assert_non_null(matcher);
    assert_string_equal(line_of(matcher, "GET", "/", 1), "404");
    assert_string_equal(line_of(matcher, "GET", "/a", 2), "404");
    assert_string_equal(line_of(matcher, "OPTIONS", "", 0), "404");
    ink_path_matcher_free(matcher);
    ink_path_matcher_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(matches_paths),
        ARENA_TEST(decodes_segment_by_segment),
        ARENA_TEST(empty_segments_match_nothing),
        ARENA_TEST(tells_verbs_from_values),
        ARENA_TEST(answers_methods),
        ARENA_TEST(the_more_specific_template_wins),
        ARENA_TEST(finds_conflicts),
        ARENA_TEST(overlapping_templates_stay_cheap),
        ARENA_TEST(no_rules_match_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
