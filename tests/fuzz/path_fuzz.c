/* Any path against overlapping templates, compared with a matcher too simple to be wrong: one that
 * tries each template in turn and then picks the most specific. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/transcode/path_matcher.h"
#include "lib/transcode/query.h"
#include "tests/fuzz/fuzz.h"

#define MAX_SEGMENTS 64

static const char *const texts[] = {
    "/a",       "/a/b",         "/a/{x}",     "/{x}/b",     "/{x}/{y}",      "/a/**",
    "/a/b:v",   "/a/{x}:v",     "/{x=**}:v",  "/a%20b/c",   "/a/{x=b/*}/c",  "/a/{x=b/**}",
    "/a/*/b/*", "/{x=a/*}/b/c", "/a%3Av",     "/a%2Fb",     "/a/%C3%A9/{x}", "/b/{x}/{y}:w",
    "/b/*/c:w", "/b/c/**",      "/a/b/c/d/e", "/a/*/c/d/e", "/a/b/*/d/{e}",  "/:",
};

static struct ink_template templates[INK_COUNT(texts)];
static struct ink_path_rule rules[2 * INK_COUNT(texts)];
static size_t n_rules;
static struct ink_path_matcher *matcher;

static void build(void)
{
    static struct ink_arena arena;
    size_t conflict[2];
    ink_arena_init(&arena);
    for (size_t i = 0; i < INK_COUNT(texts); i++) {
        if (!ink_is_ok(ink_template_parse(&arena, texts[i], &templates[i])))
            continue;
        rules[n_rules++] = (struct ink_path_rule){i % 3 ? "GET" : "PUT", &templates[i]};
        if (i % 4 == 1)
            rules[n_rules++] = (struct ink_path_rule){"POST", &templates[i]};
    }
    matcher = ink_path_matcher_new(rules, n_rules, conflict);
    CHECK(matcher);
}

struct piece {
    const char *raw;
    size_t size;
};

static bool same(struct ink_arena *arena, struct piece piece, const char *literal)
{
    const char *text;
    size_t size;
    return !ink_percent_decode(arena, piece.raw, piece.size, INK_DECODE_ALL, &text, &size) &&
           !strcmp(text, literal);
}

/* Splits at "/". False for what no template matches: no "/" at the start, empty segments. */
static bool split(const char *path, size_t size, struct piece *pieces, size_t *count)
{
    *count = 0;
    if (size == 0 || path[0] != '/')
        return false;
    for (size_t i = 1; i <= size && size > 1; i++) {
        if (i == 1 || path[i - 1] == '/')
            pieces[(*count)++] = (struct piece){path + i, 0};
        if (i < size && path[i] != '/')
            pieces[*count - 1].size++;
    }
    for (size_t i = 0; i < *count; i++)
        if (pieces[i].size == 0)
            return false;
    return true;
}

static bool matches(struct ink_arena *arena, const struct ink_template *template,
                    const struct piece *given, size_t count)
{
    struct piece pieces[MAX_SEGMENTS];
    memcpy(pieces, given, count * sizeof(*pieces));
    if (template->verb && count == 0)
        return false;
    if (template->verb) {
        struct piece *last = &pieces[count - 1];
        size_t colon = last->size;
        while (colon > 0 && last->raw[colon - 1] != ':')
            colon--;
        if (colon < 2 ||
            !same(arena, (struct piece){last->raw + colon, last->size - colon}, template->verb))
            return false;
        last->size = colon - 1;
    }
    size_t i = 0;
    for (; i < template->n_segments; i++) {
        if (template->segments[i].kind == INK_SEGMENT_REST)
            return true;
        if (i == count)
            return false;
        if (template->segments[i].literal && !same(arena, pieces[i], template->segments[i].literal))
            return false;
    }
    return i == count;
}

static bool serves(const struct ink_path_rule *rule, const char *method)
{
    return !strcmp(rule->method, method) ||
           (!strcmp(method, "HEAD") && !strcmp(rule->method, "GET"));
}

/* Below 0 when `a` is more specific: a verb first, then literals before "*" before "**". */
static int compare(const struct ink_template *a, const struct ink_template *b)
{
    if (!a->verb != !b->verb)
        return a->verb ? -1 : 1;
    for (size_t i = 0; i < a->n_segments && i < b->n_segments; i++)
        if (a->segments[i].kind != b->segments[i].kind)
            return (int)a->segments[i].kind - (int)b->segments[i].kind;
    return (int)a->n_segments - (int)b->n_segments;
}

static void check_found(struct ink_arena *arena, const struct ink_path_match *match,
                        const char *method, const struct piece *pieces, size_t count)
{
    const struct ink_template *found = rules[match->rule].template;
    CHECK(serves(&rules[match->rule], method));
    CHECK(matches(arena, found, pieces, count));
    for (size_t i = 0; i < n_rules; i++)
        if (serves(&rules[i], method) && matches(arena, rules[i].template, pieces, count))
            CHECK(compare(found, rules[i].template) <= 0);
    for (size_t i = 0; i < found->n_variables; i++)
        CHECK(ink_utf8_valid(match->values[i], strlen(match->values[i])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"};
    struct piece pieces[MAX_SEGMENTS];
    struct ink_arena arena;
    const char *ignored;
    size_t count, ignored_size;
    if (!matcher)
        build();
    if (size < 1 || size > MAX_SEGMENTS)
        return 0;
    const char *method = methods[data[0] % INK_COUNT(methods)];
    const char *path = (const char *)data + 1;
    size--;
    ink_arena_init(&arena);
    struct ink_path_match match = ink_path_matcher_find(matcher, method, path, size, &arena);
    bool well_formed =
        !ink_percent_decode(&arena, path, size, INK_DECODE_ALL, &ignored, &ignored_size);
    bool possible = split(path, size, pieces, &count);
    bool some_rule = false, some_template = false;
    for (size_t i = 0; well_formed && possible && i < n_rules; i++) {
        bool fits = matches(&arena, rules[i].template, pieces, count);
        some_template = some_template || fits;
        some_rule = some_rule || (fits && serves(&rules[i], method));
    }
    bool malformed = !well_formed && size > 0 && path[0] == '/';
    CHECK((match.result == INK_PATH_MALFORMED) == malformed);
    if (!malformed) {
        CHECK((match.result == INK_PATH_FOUND) == some_rule);
        CHECK((match.result == INK_PATH_UNKNOWN) == !some_template);
        CHECK((match.allow != NULL) == (some_template && !some_rule));
    }
    if (match.result == INK_PATH_FOUND)
        check_found(&arena, &match, method, pieces, count);
    ink_arena_release(&arena);
    return 0;
}
