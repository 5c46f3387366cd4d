/* inkmesh.blog.v1 as REST shows it: the etag travels in headers and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "inkmesh/blog/v1/blog.pb-c.h"
#include "inkmesh_contract.h"
#include "lib/transcode/from_json.h"
#include "lib/transcode/problem.h"
#include "lib/transcode/to_json.h"
#include "lib/validate/validate.h"

#define ID "0193a5f0-7c00-7000-8000-000000000001"

static struct ink_arena arena;
static struct ink_contract *contract;
static struct ink_validator *validator;

static int set_up(void **state)
{
    (void)state;
    ink_arena_init(&arena);
    return !ink_is_ok(ink_contract_load(&inkmesh_contract, &arena, &contract)) ||
           !ink_is_ok(ink_validator_new(contract, &arena, &validator));
}

static int tear_down(void **state)
{
    (void)state;
    ink_validator_free(validator);
    ink_contract_free(contract);
    ink_arena_release(&arena);
    return 0;
}

static const struct ink_message *type(const char *name)
{
    return ink_contract_message(contract, ink_arena_printf(&arena, "inkmesh.blog.v1.%s", name));
}

static void headers_of_fields(void **state)
{
    (void)state;
    assert_string_equal(ink_message_field(type("Blog"), "etag", 4)->header, "ETag");
    assert_string_equal(ink_message_field(type("UpdateBlogRequest"), "if_match", 8)->header,
                        "If-Match");
    assert_string_equal(ink_message_field(type("DeleteBlogRequest"), "if_match", 8)->header,
                        "If-Match");
    assert_string_equal(ink_message_field(type("UpdateBlogRequest"), "if_none_match", 13)->header,
                        "If-None-Match");
    assert_string_equal(ink_message_field(type("DeleteBlogRequest"), "if_none_match", 13)->header,
                        "If-None-Match");
    assert_null(ink_message_field(type("Blog"), "title", 5)->header);
    assert_null(ink_message_field_json(type("Blog"), "etag", 4));
    assert_null(ink_message_field_json(type("UpdateBlogRequest"), "ifMatch", 7));
    assert_null(ink_message_field_json(type("UpdateBlogRequest"), "if_match", 8));
}

static void json_of_a_blog(void **state)
{
    (void)state;
    INK_CLEANUP(ink_buf_release) struct ink_buf text = INK_BUF_INIT;
    Inkmesh__Blog__V1__Blog blog = INKMESH__BLOG__V1__BLOG__INIT;
    Inkmesh__Blog__V1__Blog *list[] = {&blog};
    Inkmesh__Blog__V1__ListBlogsResponse page = INKMESH__BLOG__V1__LIST_BLOGS_RESPONSE__INIT;
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    blog.id = ID;
    blog.title = "T";
    blog.etag = "\"7\"";
    blog.created_at = blog.updated_at = &time;
    page.blogs = list;
    page.n_blogs = 1;
    assert_true(
        ink_is_ok(ink_to_json(contract, &arena, type("ListBlogsResponse"), &page.base, 0, &text)));
    assert_string_equal(text.data,
                        "{\"blogs\":[{\"id\":\"" ID "\",\"title\":\"T\",\"content\":\"\","
                        "\"authorId\":\"\",\"createdAt\":\"1970-01-01T00:00:00Z\","
                        "\"updatedAt\":\"1970-01-01T00:00:00Z\"}],\"nextPageToken\":\"\"}");
}

static void no_such_field_in_a_body(void **state)
{
    static const char *const bodies[] = {"{\"ifMatch\":\"*\"}", "{\"if_match\":\"*\"}",
                                         "{\"id\":\"" ID "\",\"title\":\"abc\",\"content\":null,"
                                         "\"authorId\":\"\",\"ifMatch\":\"*\"}"};
    (void)state;
    for (size_t i = 0; i < INK_COUNT(bodies); i++) {
        ProtobufCMessage *message;
        struct ink_status status = ink_from_json(contract, &arena, type("UpdateBlogRequest"),
                                                 bodies[i], strlen(bodies[i]), &message);
        assert_int_equal(status.code, INK_INVALID_ARGUMENT);
        assert_non_null(strstr(status.violations->field, "if"));
    }
}

static void problems_name_the_header(void **state)
{
    (void)state;
    assert_string_equal(ink_path_to_json(&arena, type("UpdateBlogRequest"), "if_match"),
                        "If-Match");
    assert_string_equal(ink_path_to_json(&arena, type("UpdateBlogRequest"), "author_id"),
                        "authorId");
}

static struct ink_status check(const ProtobufCMessage *message)
{
    return ink_validate(validator, &arena, ink_contract_message_of(contract, message->descriptor),
                        message);
}

/* "a" `n` times. */
static char *letters(size_t n)
{
    char *text = ink_arena_alloc(&arena, n + 1);
    memset(text, 'a', n);
    text[n] = '\0';
    return text;
}

static void rules_of_an_update(void **state)
{
    (void)state;
    Inkmesh__Blog__V1__UpdateBlogRequest m = INKMESH__BLOG__V1__UPDATE_BLOG_REQUEST__INIT;
    Google__Protobuf__StringValue title = GOOGLE__PROTOBUF__STRING_VALUE__INIT;
    Google__Protobuf__StringValue content = GOOGLE__PROTOBUF__STRING_VALUE__INIT;
    m.id = "0193A5F0-7C00-7000-8000-000000000001";
    assert_true(ink_is_ok(check(&m.base)));
    m.title = &title;
    assert_string_equal(check(&m.base).violations->field, "title");
    title.value = letters(200);
    assert_true(ink_is_ok(check(&m.base)));
    title.value = letters(201);
    assert_string_equal(check(&m.base).violations->field, "title");
    m.title = NULL;
    m.content = &content;
    content.value = letters(9);
    assert_string_equal(check(&m.base).violations->field, "content");
    content.value = letters(1 << 20);
    assert_true(ink_is_ok(check(&m.base)));
    content.value = letters((1 << 20) + 1);
    assert_string_equal(check(&m.base).violations->field, "content");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_of_fields),       cmocka_unit_test(json_of_a_blog),
        cmocka_unit_test(no_such_field_in_a_body), cmocka_unit_test(problems_name_the_header),
        cmocka_unit_test(rules_of_an_update),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
