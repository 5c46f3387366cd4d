#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/transcode/http_template.h"

/* A template as one line: its segments, its variables as name[first,count] (with a "+" for several
 * segments), its verb. */
static void describe(const struct ink_template *template, struct ink_buf *out)
{
    for (size_t i = 0; i < template->n_segments; i++) {
        const struct ink_template_segment *segment = &template->segments[i];
        if (segment->kind == INK_SEGMENT_LITERAL) {
            assert_int_equal(strlen(segment->literal), segment->size);
            ink_buf_printf(out, "/'%s'", segment->literal);
        } else {
            ink_buf_puts(out, segment->kind == INK_SEGMENT_ONE ? "/*" : "/**");
        }
    }
    for (size_t i = 0; i < template->n_variables; i++) {
        const struct ink_template_variable *variable = &template->variables[i];
        ink_buf_printf(out, " %s[%zu,%zu]%s", variable->field_path, variable->first,
                       variable->count, variable->multi ? "+" : "");
    }
    if (template->verb)
        ink_buf_printf(out, " :%s", template->verb);
}

static void parses_what_the_grammar_allows(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"/a", "/'a'"},
        {"/api/v1/blogs", "/'api'/'v1'/'blogs'"},
        {"/*", "/*"},
        {"/**", "/**"},
        {"/a/*/b/**", "/'a'/*/'b'/**"},
        {"/a/{id}", "/'a'/* id[1,1]"},
        {"/a/{id=*}", "/'a'/* id[1,1]"},
        {"/a/{id=b}", "/'a'/'b' id[1,1]"},
        {"/a/{id=**}", "/'a'/** id[1,1]+"},
        {"/v1/{name=shelves/*/books/*}", "/'v1'/'shelves'/*/'books'/* name[1,4]+"},
        {"/v1/{book.name=shelves/*}", "/'v1'/'shelves'/* book.name[1,2]+"},
        {"/v1/{a.b_c.D1}/x/{_z}", "/'v1'/*/'x'/* a.b_c.D1[1,1] _z[3,1]"},
        {"/v1/{a=x/**}:go", "/'v1'/'x'/** a[1,2]+ :go"},
        {"/v1/blogs:search", "/'v1'/'blogs' :search"},
        {"/v1/blogs/{id}:publish", "/'v1'/'blogs'/* id[2,1] :publish"},
        {"/v1/**:all", "/'v1'/** :all"},
        {"/a%20b/caf\xc3\xa9/%C3%A9", "/'a b'/'caf\xc3\xa9'/'\xc3\xa9'"},
        {"/a%2Fb/c%3ad", "/'a/b'/'c:d'"},
        {"/-._~!$&'()+,;=@", "/'-._~!$&'()+,;=@'"},
        {"/.well-known/jwks.json", "/'.well-known'/'jwks.json'"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_arena arena;
        struct ink_template template;
        struct ink_buf line = INK_BUF_INIT;
        ink_arena_init(&arena);
        struct ink_status status = ink_template_parse(&arena, cases[i].text, &template);
        if (!ink_is_ok(status))
            fail_msg("%s", status.message);
        assert_string_equal(template.text, cases[i].text);
        describe(&template, &line);
        assert_string_equal(line.data, cases[i].expected);
        ink_buf_release(&line);
        ink_arena_release(&arena);
    }
}

static void refuses_the_rest_with_the_position(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int position;
        const char *expected;
    } cases[] = {
        {"", 0, "expected \"/\""},
        {"a/b", 0, "expected \"/\""},
        {"/", 1, "expected a literal, \"*\", \"**\" or a variable"},
        {"//a", 1, "expected a literal"},
        {"/a/", 3, "expected a literal"},
        {"/a//b", 3, "expected a literal"},
        {"/a:", 3, "expected a literal"},
        {"/:go", 1, "expected a literal"},
        {"/a:go/b", 5, "expected the end"},
        {"/a:b:c", 4, "expected the end"},
        {"/a b", 2, "expected \"/\", \":\" or the end"},
        {"/a?b", 2, "expected \"/\", \":\" or the end"},
        {"/a#b", 2, "expected \"/\", \":\" or the end"},
        {"/a*", 2, "expected \"/\", \":\" or the end"},
        {"/*a", 2, "expected \"/\", \":\" or the end"},
        {"/***", 3, "expected \"/\", \":\" or the end"},
        {"/a}", 2, "expected \"/\", \":\" or the end"},
        {"/a{b}", 2, "expected \"/\", \":\" or the end"},
        {"/{b}a", 4, "expected \"/\", \":\" or the end"},
        {"/{", 2, "expected the name of a field"},
        {"/{}", 2, "expected the name of a field"},
        {"/{1a}", 2, "expected the name of a field"},
        {"/{a.}", 4, "expected the name of a field"},
        {"/{.a}", 2, "expected the name of a field"},
        {"/{a-b}", 3, "expected \"}\""},
        {"/{a", 3, "expected \"}\""},
        {"/{a=*", 5, "expected \"}\""},
        {"/{a=b:c}", 5, "expected \"}\""},
        {"/{a=}", 4, "expected a literal"},
        {"/{a=/b}", 4, "expected a literal"},
        {"/{a=b/}", 6, "expected a literal"},
        {"/{a={b}}", 4, "expected no variable inside a variable"},
        {"/{a=b/{c}}", 6, "expected no variable inside a variable"},
        {"/**/a", 4, "expected nothing more after \"**\" but a verb"},
        {"/**/**", 4, "expected nothing more after"},
        {"/{a=**}/b", 8, "expected nothing more after"},
        {"/{a=**/b}", 7, "expected nothing more after"},
        {"/{a=b/**}/{c}", 10, "expected nothing more after"},
        {"/x/{a}/{a}", 8, "expected a field that no other variable stands for"},
        {"/x/{a.b}/{a.b=c/*}", 10, "expected a field that no other variable stands for"},
        {"/a%", 2, "expected two hexadecimal digits after \"%\""},
        {"/a%2", 2, "expected two hexadecimal digits after \"%\""},
        {"/a%zz", 2, "expected two hexadecimal digits after \"%\""},
        {"/ab/x%00", 4, "expected a literal of UTF-8 without NUL"},
        {"/ab/%ff", 4, "expected a literal of UTF-8 without NUL"},
        {"/ab/\xff", 4, "expected a literal of UTF-8 without NUL"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++) {
        struct ink_arena arena;
        struct ink_template template = {.text = "untouched"};
        ink_arena_init(&arena);
        struct ink_status status = ink_template_parse(&arena, cases[i].text, &template);
        if (ink_is_ok(status))
            fail_msg("%s was accepted", cases[i].text);
        assert_int_equal(status.code, INK_INVALID_ARGUMENT);
        assert_string_equal(template.text, "untouched");
        char start[200], end[40];
        snprintf(start, sizeof(start), "path template \"%s\": %s", cases[i].text,
                 cases[i].expected);
        snprintf(end, sizeof(end), " at position %d", cases[i].position);
        if (strncmp(status.message, start, strlen(start)) ||
            strcmp(strrchr(status.message, ' ') - strlen(" at position"), end))
            fail_msg("got: %s; wanted: %s ...%s", status.message, start, end);
        ink_arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_what_the_grammar_allows),
        cmocka_unit_test(refuses_the_rest_with_the_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
