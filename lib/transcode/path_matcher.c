#include "lib/transcode/path_matcher.h"

#include <string.h>

#include "lib/base/text.h"
#include "lib/transcode/path_tree.h"
#include "lib/transcode/query.h"

/* Paths of up to so many segments need no memory of the arena. */
#define FEW_SEGMENTS 24

struct segment {
    const char *raw; /* as in the path */
    size_t raw_size;
    const char *text; /* decoded; not NUL-terminated */
    size_t size;
};

struct search {
    const struct ink_path_matcher *matcher;
    struct ink_arena *arena;
    const char *method;
    struct segment *segments;
    size_t n_segments;
    bool plain;       /* the path has nothing to decode */
    const char *verb; /* that the template has to have; NULL for none */
    bool matched;     /* a template matched, whatever its methods */
    bool *allowed;    /* NULL, or where the methods of all that matched are marked */
    const struct ink_path_method *found;
};

/* The end's rule for a method: its own, GET's for HEAD, or the one for any method. */
static const struct ink_path_method *pick(const struct ink_path_end *end, const char *name)
{
    const struct ink_path_method *get = NULL, *any = NULL;
    for (const struct ink_path_method *method = end->methods; method; method = method->next) {
        if (!strcmp(method->name, name))
            return method;
        if (!strcmp(method->name, "GET"))
            get = method;
        else if (!strcmp(method->name, "*"))
            any = method;
    }
    return get && !strcmp(name, "HEAD") ? get : any;
}

static void allow(struct search *search, const char *name)
{
    for (size_t i = 0; i < search->matcher->n_methods; i++)
        if (!strcmp(search->matcher->methods[i], name))
            search->allowed[i] = true;
}

/* True when the search is over. */
static bool visit(struct search *search, const struct ink_path_end *end)
{
    for (; end; end = end->next) {
        if (search->verb ? !end->verb || strcmp(search->verb, end->verb) : end->verb != NULL)
            continue;
        search->matched = true;
        if (!search->allowed)
            return (search->found = pick(end, search->method)) != NULL;
        for (const struct ink_path_method *method = end->methods; method; method = method->next) {
            allow(search, method->name);
            if (!strcmp(method->name, "GET"))
                allow(search, "HEAD");
        }
    }
    return false;
}

/* As deep as the longest template at most. True when the search is over. */
static bool walk(struct search *search, const struct ink_path_node *node, size_t at)
{
    if (at == search->n_segments)
        return visit(search, node->ends) || visit(search, node->rests);
    const struct segment *segment = &search->segments[at];
    const struct ink_path_edge *edge = ink_path_find_edge(node, segment->text, segment->size);
    if (edge && walk(search, edge->to, at + 1))
        return true;
    if (node->one && walk(search, node->one, at + 1))
        return true;
    return visit(search, node->rests);
}

/* Looks at each byte once: how many segments there are, and whether all of it is ASCII without
 * escapes and NUL, so that there is nothing to decode or to refuse. */
static void survey(struct search *search, const char *path, size_t size)
{
    size_t count = 0;
    bool special = false;
    for (size_t i = 0; i < size; i++) {
        count += path[i] == '/';
        special |= path[i] == '\0' || path[i] == '%' || (unsigned char)path[i] >= 0x80;
    }
    search->n_segments = size == 1 ? 0 : count; /* "/" alone has none */
    search->plain = !special;
}

/* What is wrong with a segment, or NULL. */
static const char *decode_segment(const struct search *search, struct segment *segment)
{
    if (!search->plain && memchr(segment->raw, '%', segment->raw_size))
        return ink_percent_decode(search->arena, segment->raw, segment->raw_size, INK_DECODE_ALL,
                                  &segment->text, &segment->size);
    segment->text = segment->raw;
    segment->size = segment->raw_size;
    if (search->plain)
        return NULL;
    if (memchr(segment->raw, '\0', segment->raw_size))
        return "has a NUL character";
    return ink_utf8_valid(segment->raw, segment->raw_size) ? NULL : "is not valid UTF-8";
}

/* Splits and decodes a path that begins with "/". What is wrong with it, or NULL. */
static const char *split(struct search *search, const char *path, size_t size, bool *ret_empty)
{
    const char *at = path + 1, *end = path + size;
    bool empty = false;
    for (size_t i = 0; i < search->n_segments; i++) {
        const char *stop = memchr(at, '/', (size_t)(end - at));
        if (!stop)
            stop = end;
        struct segment *segment = &search->segments[i];
        *segment = (struct segment){.raw = at, .raw_size = (size_t)(stop - at)};
        const char *problem = decode_segment(search, segment);
        if (problem)
            return problem;
        empty = empty || segment->raw_size == 0;
        at = stop + 1;
    }
    *ret_empty = empty;
    return NULL;
}

/* The verb of the matcher that the last segment ends with, or NULL; and the segment without it. */
static const char *verb_of(const struct search *search, struct segment *ret_last)
{
    if (search->n_segments == 0 || search->matcher->n_verbs == 0)
        return NULL;
    const struct segment *last = &search->segments[search->n_segments - 1];
    const char *colon = last->raw + last->raw_size;
    while (colon > last->raw && *--colon != ':')
        ;
    if (colon == last->raw)
        return NULL;
    struct segment verb = {.raw = colon + 1};
    verb.raw_size = (size_t)(last->raw + last->raw_size - verb.raw);
    struct segment rest = {.raw = last->raw, .raw_size = (size_t)(colon - last->raw)};
    /* Does not fail: each half of what is well-formed is so too. */
    if (decode_segment(search, &verb) || decode_segment(search, &rest))
        return NULL;
    for (size_t i = 0; i < search->matcher->n_verbs; i++) {
        const char *known = search->matcher->verbs[i];
        if (strlen(known) == verb.size && !memcmp(known, verb.text, verb.size)) {
            *ret_last = rest;
            return known;
        }
    }
    return NULL;
}

/* Searches with the verb that the path may have, then without: *ret_last is the segment to go on
 * with in the first case. */
static bool search_all(struct search *search)
{
    struct segment last;
    search->verb = verb_of(search, &last);
    if (search->verb) {
        struct segment *place = &search->segments[search->n_segments - 1];
        struct segment whole = *place;
        *place = last;
        if (walk(search, &search->matcher->root, 0))
            return true;
        *place = whole;
        search->verb = NULL;
    }
    return walk(search, &search->matcher->root, 0);
}

static const char *value_of(struct search *search, const struct ink_template *template,
                            const struct ink_template_variable *variable)
{
    size_t end = variable->first + variable->count;
    if (template->segments[end - 1].kind == INK_SEGMENT_REST)
        end = search->n_segments;
    if (end <= variable->first)
        return "";
    const struct segment *first = &search->segments[variable->first];
    const struct segment *last = &search->segments[end - 1];
    const char *raw_end = last->raw + last->raw_size;
    if (!variable->multi)
        return ink_arena_strndup(search->arena, first->text, first->size);
    if (search->plain)
        return ink_arena_strndup(search->arena, first->raw, (size_t)(raw_end - first->raw));
    const char *value = "";
    size_t size;
    /* Cannot fail: each of the segments was decoded before. */
    (void)!ink_percent_decode(search->arena, first->raw, (size_t)(raw_end - first->raw),
                              INK_DECODE_KEEP_SLASH, &value, &size);
    return value;
}

static struct ink_path_match found(struct search *search, size_t rule)
{
    const struct ink_template *template = search->matcher->rules[rule].template;
    const char **values = NULL;
    if (template->n_variables > 0)
        values = ink_arena_calloc(search->arena, template->n_variables, sizeof(*values));
    for (size_t i = 0; i < template->n_variables; i++)
        values[i] = value_of(search, template, &template->variables[i]);
    return (struct ink_path_match){.result = INK_PATH_FOUND, .rule = rule, .values = values};
}

static struct ink_path_match not_found(struct search *search)
{
    const struct ink_path_matcher *matcher = search->matcher;
    if (!search->matched)
        return (struct ink_path_match){.result = INK_PATH_UNKNOWN};
    search->allowed = ink_arena_calloc(search->arena, matcher->n_methods, sizeof(bool));
    (void)search_all(search);
    allow(search, "OPTIONS");
    const char *list = NULL;
    for (size_t i = 0; i < matcher->n_methods; i++) {
        if (!search->allowed[i])
            continue;
        list = list ? ink_arena_printf(search->arena, "%s, %s", list, matcher->methods[i])
                    : matcher->methods[i];
    }
    bool options = !strcmp(search->method, "OPTIONS");
    return (struct ink_path_match){
        .result = options ? INK_PATH_OPTIONS : INK_PATH_BAD_METHOD,
        .allow = list,
    };
}

/* The rule of a path that is a template without wildcards, byte by byte; NULL when it is none. */
static const struct ink_path_method *find_literal(const struct ink_path_matcher *matcher,
                                                  const char *method, const char *path, size_t size)
{
    if (size > matcher->longest_literal)
        return NULL;
    const struct ink_path_literal *literal = ink_path_find_literal(matcher, path, size);
    return literal->path ? pick(literal->end, method) : NULL;
}

struct ink_path_match ink_path_matcher_find(const struct ink_path_matcher *matcher,
                                            const char *method, const char *path, size_t size,
                                            struct ink_arena *arena)
{
    const struct ink_path_method *literal = find_literal(matcher, method, path, size);
    if (literal)
        return (struct ink_path_match){.result = INK_PATH_FOUND, .rule = literal->rule};
    if (size == 0 || path[0] != '/')
        return (struct ink_path_match){.result = INK_PATH_UNKNOWN};
    struct segment few[FEW_SEGMENTS];
    struct search search = {.matcher = matcher, .arena = arena, .method = method};
    search.segments = few;
    survey(&search, path, size);
    if (search.n_segments > FEW_SEGMENTS)
        search.segments = ink_arena_calloc(arena, search.n_segments, sizeof(*few));
    bool empty;
    const char *problem = split(&search, path, size, &empty);
    if (problem)
        return (struct ink_path_match){.result = INK_PATH_MALFORMED, .problem = problem};
    if (empty)
        return (struct ink_path_match){.result = INK_PATH_UNKNOWN};
    return search_all(&search) ? found(&search, search.found->rule) : not_found(&search);
}
