/* Any text as a path template: what is accepted has to be sound, and to match a path made of it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/text.h"
#include "lib/transcode/path_matcher.h"
#include "tests/fuzz/fuzz.h"

static void check_segments(const struct ink_template *template)
{
    CHECK(template->n_segments > 0);
    for (size_t i = 0; i < template->n_segments; i++) {
        const struct ink_template_segment *segment = &template->segments[i];
        CHECK((segment->kind == INK_SEGMENT_LITERAL) == (segment->literal != NULL));
        CHECK(segment->kind != INK_SEGMENT_REST || i + 1 == template->n_segments);
        if (segment->literal) {
            CHECK(segment->size > 0 && strlen(segment->literal) == segment->size);
            CHECK(ink_utf8_valid(segment->literal, segment->size));
        }
    }
}

static void check_variables(const struct ink_template *template)
{
    size_t end = 0;
    for (size_t i = 0; i < template->n_variables; i++) {
        const struct ink_template_variable *variable = &template->variables[i];
        CHECK(variable->count > 0 && variable->first >= end);
        end = variable->first + variable->count;
        CHECK(end <= template->n_segments && *variable->field_path);
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(template->variables[j].field_path, variable->field_path));
    }
}

static void escape(struct ink_buf *out, const char *text)
{
    for (; *text; text++)
        ink_buf_printf(out, "%%%02x", (unsigned char)*text);
}

/* A path that the template has to match: "v" for each wildcard, all else escaped. */
static void path_of(const struct ink_template *template, struct ink_buf *out)
{
    for (size_t i = 0; i < template->n_segments; i++) {
        ink_buf_putc(out, '/');
        if (template->segments[i].literal)
            escape(out, template->segments[i].literal);
        else
            ink_buf_putc(out, 'v');
    }
    if (template->verb) {
        ink_buf_putc(out, ':');
        escape(out, template->verb);
    }
}

static void check_match(const struct ink_template *template, struct ink_arena *arena)
{
    struct ink_path_rule rule = {"GET", template};
    struct ink_buf path = INK_BUF_INIT;
    size_t conflict[2];
    struct ink_path_matcher *matcher = ink_path_matcher_new(&rule, 1, conflict);
    CHECK(matcher);
    path_of(template, &path);
    struct ink_path_match match = ink_path_matcher_find(matcher, "GET", path.data, path.len, arena);
    CHECK(match.result == INK_PATH_FOUND && match.rule == 0);
    for (size_t i = 0; i < template->n_variables; i++) {
        const struct ink_template_variable *variable = &template->variables[i];
        if (variable->count == 1 && !template->segments[variable->first].literal)
            CHECK(!strcmp(match.values[i], "v"));
    }
    ink_path_matcher_free(matcher);
    ink_buf_release(&path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ink_arena arena;
    struct ink_template template;
    ink_arena_init(&arena);
    char *text = ink_arena_strndup(&arena, (const char *)data, size);
    struct ink_status status = ink_template_parse(&arena, text, &template);
    if (ink_is_ok(status)) {
        check_segments(&template);
        check_variables(&template);
        check_match(&template, &arena);
    } else {
        CHECK(status.code == INK_INVALID_ARGUMENT && status.message);
    }
    ink_arena_release(&arena);
    return 0;
}
