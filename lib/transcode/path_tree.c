#include "lib/transcode/path_tree.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"

static int compare_literal(const struct ink_path_edge *edge, const char *literal, size_t size)
{
    if (edge->size != size)
        return edge->size < size ? -1 : 1;
    return memcmp(edge->literal, literal, size);
}

/* Where the literal is among the edges, or belongs. */
static size_t edge_position(const struct ink_path_node *node, const char *literal, size_t size,
                            bool *ret_found)
{
    size_t low = 0, high = node->n_edges;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare_literal(&node->edges[middle], literal, size);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = false;
    return low;
}

const struct ink_path_edge *ink_path_find_edge(const struct ink_path_node *node,
                                               const char *literal, size_t size)
{
    bool found;
    size_t at = edge_position(node, literal, size, &found);
    return found ? &node->edges[at] : NULL;
}

static struct ink_path_node *literal_child(struct ink_arena *arena, struct ink_path_node *node,
                                           const struct ink_template_segment *segment)
{
    bool found;
    size_t at = edge_position(node, segment->literal, segment->size, &found);
    if (found)
        return node->edges[at].to;
    struct ink_path_edge *edges = ink_arena_calloc(arena, node->n_edges + 1, sizeof(*edges));
    if (at > 0)
        memcpy(edges, node->edges, at * sizeof(*edges));
    if (node->n_edges > at)
        memcpy(edges + at + 1, node->edges + at, (node->n_edges - at) * sizeof(*edges));
    edges[at] = (struct ink_path_edge){segment->literal, segment->size,
                                       ink_arena_calloc(arena, 1, sizeof(struct ink_path_node))};
    node->edges = edges;
    node->n_edges++;
    return edges[at].to;
}

static bool same_verb(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static struct ink_path_end *end_of(struct ink_arena *arena, struct ink_path_end **list,
                                   const char *verb)
{
    for (; *list; list = &(*list)->next)
        if (same_verb((*list)->verb, verb))
            return *list;
    *list = ink_arena_calloc(arena, 1, sizeof(**list));
    (*list)->verb = verb;
    return *list;
}

static struct ink_path_end *insert_template(struct ink_path_matcher *matcher,
                                            const struct ink_template *template)
{
    struct ink_arena *arena = &matcher->arena;
    struct ink_path_node *node = &matcher->root;
    for (size_t i = 0; i < template->n_segments; i++) {
        const struct ink_template_segment *segment = &template->segments[i];
        if (segment->kind == INK_SEGMENT_REST)
            return end_of(arena, &node->rests, template->verb);
        if (segment->kind == INK_SEGMENT_LITERAL) {
            node = literal_child(arena, node, segment);
        } else {
            if (!node->one)
                node->one = ink_arena_calloc(arena, 1, sizeof(*node->one));
            node = node->one;
        }
    }
    return end_of(arena, &node->ends, template->verb);
}

static void add_name(const char **names, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++)
        if (!strcmp(names[i], name))
            return;
    names[(*count)++] = name;
}

/* False, with the rule that is in the way, when the end has one for the method already. */
static bool insert_method(struct ink_arena *arena, struct ink_path_end *end, const char *name,
                          size_t rule, size_t *ret_other)
{
    for (const struct ink_path_method *method = end->methods; method; method = method->next) {
        if (!strcmp(method->name, name)) {
            *ret_other = method->rule;
            return false;
        }
    }
    struct ink_path_method *method = ink_arena_calloc(arena, 1, sizeof(*method));
    *method = (struct ink_path_method){name, rule, end->methods};
    end->methods = method;
    return true;
}

/* Eight bytes a step; the table is fixed at start, so nobody can choose what collides in it. */
static uint64_t hash(const char *text, size_t size)
{
    const uint64_t odd = 0x9E3779B97F4A7C15u;
    uint64_t state = size * odd, word = 0;
    for (; size >= sizeof(word); text += sizeof(word), size -= sizeof(word)) {
        memcpy(&word, text, sizeof(word));
        state = (state ^ word) * odd;
        state ^= state >> 32;
    }
    word = 0;
    memcpy(&word, text, size);
    state = (state ^ word) * odd;
    return state ^ state >> 32;
}

struct ink_path_literal *ink_path_find_literal(const struct ink_path_matcher *matcher,
                                               const char *path, size_t size)
{
    size_t at = hash(path, size) & matcher->literal_mask;
    for (;; at = (at + 1) & matcher->literal_mask) {
        struct ink_path_literal *slot = &matcher->literals[at];
        if (!slot->path || (slot->size == size && !memcmp(slot->path, path, size)))
            return slot;
    }
}

/* The characters that make a path more than its bytes stay out of the table: an escape has several
 * spellings, and a decoded ":" or "/" is not what the plain one means. */
static bool plain(const char *text)
{
    return !strpbrk(text, "%:/");
}

/* The one path that a template without wildcards matches byte by byte, or NULL. */
static char *literal_path(struct ink_arena *arena, const struct ink_template *template)
{
    char *path = "";
    for (size_t i = 0; i < template->n_segments; i++) {
        const struct ink_template_segment *segment = &template->segments[i];
        if (segment->kind != INK_SEGMENT_LITERAL || !plain(segment->literal))
            return NULL;
        path = ink_arena_printf(arena, "%s/%s", path, segment->literal);
    }
    if (!template->verb)
        return path;
    return plain(template->verb) ? ink_arena_printf(arena, "%s:%s", path, template->verb) : NULL;
}

static void insert_literal(struct ink_path_matcher *matcher, const struct ink_template *template,
                           const struct ink_path_end *end)
{
    char *path = literal_path(&matcher->arena, template);
    if (!path)
        return;
    size_t size = strlen(path);
    *ink_path_find_literal(matcher, path, size) = (struct ink_path_literal){path, size, end};
    if (matcher->longest_literal < size)
        matcher->longest_literal = size;
}

/* As people list them; the rest follows by name. */
static int method_rank(const char *name)
{
    static const char *const usual[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < INK_COUNT(usual); i++)
        if (!strcmp(usual[i], name))
            return (int)i;
    return strcmp(name, "OPTIONS") ? (int)INK_COUNT(usual) : (int)INK_COUNT(usual) + 1;
}

static bool method_before(const char *a, const char *b)
{
    int order = method_rank(a) - method_rank(b);
    return order ? order < 0 : strcmp(a, b) < 0;
}

static void sort_methods(const char **names, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && method_before(names[j], names[j - 1]); j--) {
            const char *swap = names[j];
            names[j] = names[j - 1];
            names[j - 1] = swap;
        }
}

static bool insert_rule(struct ink_path_matcher *matcher, size_t rule, size_t *ret_other)
{
    const struct ink_template *template = matcher->rules[rule].template;
    const char *method = matcher->rules[rule].method;
    struct ink_path_end *end = insert_template(matcher, template);
    if (!insert_method(&matcher->arena, end, method, rule, ret_other))
        return false;
    insert_literal(matcher, template, end);
    if (template->verb)
        add_name(matcher->verbs, &matcher->n_verbs, template->verb);
    if (strcmp(method, "*"))
        add_name(matcher->methods, &matcher->n_methods, method);
    return true;
}

static struct ink_path_matcher *new_matcher(const struct ink_path_rule *rules, size_t n_rules)
{
    struct ink_path_matcher *matcher = ink_calloc(1, sizeof(*matcher));
    struct ink_arena *arena = &matcher->arena;
    ink_arena_init(arena);
    size_t slots = 4;
    while (slots < 2 * n_rules)
        slots *= 2;
    matcher->rules = rules;
    matcher->literals = ink_arena_calloc(arena, slots, sizeof(*matcher->literals));
    matcher->literal_mask = slots - 1;
    matcher->verbs = ink_arena_calloc(arena, n_rules + 1, sizeof(*matcher->verbs));
    matcher->methods = ink_arena_calloc(arena, n_rules + 2, sizeof(*matcher->methods));
    add_name(matcher->methods, &matcher->n_methods, "HEAD");
    add_name(matcher->methods, &matcher->n_methods, "OPTIONS");
    return matcher;
}

struct ink_path_matcher *ink_path_matcher_new(const struct ink_path_rule *rules, size_t n_rules,
                                              size_t ret_conflict[2])
{
    struct ink_path_matcher *matcher = new_matcher(rules, n_rules);
    for (size_t i = 0; i < n_rules; i++) {
        size_t other;
        if (!insert_rule(matcher, i, &other)) {
            ink_path_matcher_free(matcher);
            ret_conflict[0] = other;
            ret_conflict[1] = i;
            return NULL;
        }
    }
    sort_methods(matcher->methods, matcher->n_methods);
    return matcher;
}

void ink_path_matcher_free(struct ink_path_matcher *matcher)
{
    if (!matcher)
        return;
    ink_arena_release(&matcher->arena);
    free(matcher);
}
