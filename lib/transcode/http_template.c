#include "lib/transcode/http_template.h"

#include <string.h>

#include "lib/transcode/query.h"

struct parser {
    struct ink_arena *arena;
    const char *text;
    size_t at;
    const char *error; /* the first thing that is wrong */
    size_t error_at;
    struct ink_template_segment *segments;
    size_t n_segments;
    struct ink_template_variable *variables;
    size_t n_variables;
};

static bool fail(struct parser *parser, size_t at, const char *error)
{
    if (!parser->error) {
        parser->error = error;
        parser->error_at = at;
    }
    return false;
}

static bool take(struct parser *parser, char c)
{
    if (parser->text[parser->at] != c)
        return false;
    parser->at++;
    return true;
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* What a literal may hold beside escapes: RFC 3986's pchar without ":" (which starts the verb) and
 * "*", and bytes beyond ASCII, which are checked as UTF-8 later. */
static bool is_literal(char c)
{
    return is_alpha(c) || is_digit(c) || (unsigned char)c >= 0x80 ||
           (c != '\0' && strchr("-._~!$&'()+,;=@", c));
}

static bool parse_literal(struct parser *parser, const char **ret_literal, size_t *ret_size)
{
    const char *text = parser->text;
    size_t start = parser->at;
    for (;; parser->at++) {
        if (text[parser->at] == '%') {
            if (!is_hex(text[parser->at + 1]) || !is_hex(text[parser->at + 2]))
                return fail(parser, parser->at, "expected two hexadecimal digits after \"%\"");
            parser->at += 2;
        } else if (!is_literal(text[parser->at])) {
            break;
        }
    }
    if (parser->at == start)
        return fail(parser, start, "expected a literal, \"*\", \"**\" or a variable");
    if (ink_percent_decode(parser->arena, text + start, parser->at - start, INK_DECODE_ALL,
                           ret_literal, ret_size))
        return fail(parser, start, "expected a literal of UTF-8 without NUL");
    return true;
}

static bool parse_identifier(struct parser *parser)
{
    const char *text = parser->text;
    if (!is_alpha(text[parser->at]) && text[parser->at] != '_')
        return fail(parser, parser->at, "expected the name of a field");
    while (is_alpha(text[parser->at]) || is_digit(text[parser->at]) || text[parser->at] == '_')
        parser->at++;
    return true;
}

static bool parse_field_path(struct parser *parser, const char **ret_path)
{
    size_t start = parser->at;
    do {
        if (!parse_identifier(parser))
            return false;
    } while (take(parser, '.'));
    const char *path = ink_arena_strndup(parser->arena, parser->text + start, parser->at - start);
    for (size_t i = 0; i < parser->n_variables; i++)
        if (!strcmp(parser->variables[i].field_path, path))
            return fail(parser, start, "expected a field that no other variable stands for");
    *ret_path = path;
    return true;
}

static bool parse_variable(struct parser *parser);

static bool parse_segment(struct parser *parser, bool in_variable)
{
    size_t start = parser->at;
    if (parser->n_segments > 0 && parser->segments[parser->n_segments - 1].kind == INK_SEGMENT_REST)
        return fail(parser, start, "expected nothing more after \"**\" but a verb");
    if (parser->text[start] == '{') {
        if (in_variable)
            return fail(parser, start, "expected no variable inside a variable");
        return parse_variable(parser);
    }
    struct ink_template_segment segment = {.kind = INK_SEGMENT_LITERAL};
    if (take(parser, '*'))
        segment.kind = take(parser, '*') ? INK_SEGMENT_REST : INK_SEGMENT_ONE;
    else if (!parse_literal(parser, &segment.literal, &segment.size))
        return false;
    parser->segments[parser->n_segments++] = segment;
    return true;
}

static bool parse_segments(struct parser *parser, bool in_variable)
{
    do {
        if (!parse_segment(parser, in_variable))
            return false;
    } while (take(parser, '/'));
    return true;
}

static bool parse_variable(struct parser *parser)
{
    struct ink_template_variable variable = {.first = parser->n_segments};
    parser->at++; /* the brace */
    if (!parse_field_path(parser, &variable.field_path))
        return false;
    if (take(parser, '=')) {
        if (!parse_segments(parser, true))
            return false;
    } else {
        parser->segments[parser->n_segments++] =
            (struct ink_template_segment){.kind = INK_SEGMENT_ONE};
    }
    if (!take(parser, '}'))
        return fail(parser, parser->at, "expected \"}\"");
    variable.count = parser->n_segments - variable.first;
    variable.multi =
        variable.count > 1 || parser->segments[parser->n_segments - 1].kind == INK_SEGMENT_REST;
    parser->variables[parser->n_variables++] = variable;
    return true;
}

static bool parse_template(struct parser *parser, const char **ret_verb)
{
    const char *verb = NULL;
    size_t verb_size;
    if (!take(parser, '/'))
        return fail(parser, parser->at, "expected \"/\"");
    if (!parse_segments(parser, false))
        return false;
    if (take(parser, ':') && !parse_literal(parser, &verb, &verb_size))
        return false;
    if (parser->text[parser->at] != '\0')
        return fail(parser, parser->at,
                    verb ? "expected the end" : "expected \"/\", \":\" or the end");
    *ret_verb = verb;
    return true;
}

static size_t count(const char *text, char c)
{
    size_t found = 0;
    for (; *text; text++)
        found += *text == c;
    return found;
}

struct ink_status ink_template_parse(struct ink_arena *arena, const char *text,
                                     struct ink_template *ret_template)
{
    /* Each segment follows a slash of its own, each variable its own brace. */
    struct parser parser = {
        .arena = arena,
        .text = text,
        .segments = ink_arena_calloc(arena, count(text, '/') + 1, sizeof(*parser.segments)),
        .variables = ink_arena_calloc(arena, count(text, '{') + 1, sizeof(*parser.variables)),
    };
    const char *verb;
    if (!parse_template(&parser, &verb))
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "path template \"%s\": %s at position %zu",
                          text, parser.error, parser.error_at);
    *ret_template = (struct ink_template){
        .text = ink_arena_strdup(arena, text),
        .segments = parser.segments,
        .n_segments = parser.n_segments,
        .variables = parser.variables,
        .n_variables = parser.n_variables,
        .verb = verb,
    };
    return ink_ok();
}
