/*
 * Internal to the path matcher: the tree of all templates and the table of those without
 * wildcards. Built once by path_tree.c, searched by path_matcher.c.
 */
#pragma once

#include <stdint.h>

#include "lib/transcode/path_matcher.h"

/* A template of some rules ends here: one for each verb (":publish") and for none. */
struct ink_path_end {
    const char *verb; /* NULL for none */
    const struct ink_path_method *methods;
    struct ink_path_end *next;
};

struct ink_path_method {
    const char *name;
    size_t rule;
    const struct ink_path_method *next;
};

struct ink_path_edge {
    const char *literal;
    size_t size;
    struct ink_path_node *to;
};

/* After some segments. Nodes form a tree, so a path reaches each of them in one way at most, which
 * bounds the search however templates overlap. */
struct ink_path_node {
    struct ink_path_edge *edges; /* literals, sorted by size and bytes */
    size_t n_edges;
    struct ink_path_node *one;  /* after "*" */
    struct ink_path_end *ends;  /* templates that end here */
    struct ink_path_end *rests; /* templates that end with "**" here */
};

/* A path that matches a template without wildcards, byte by byte. */
struct ink_path_literal {
    const char *path; /* NULL: a free slot */
    size_t size;
    const struct ink_path_end *end;
};

struct ink_path_matcher {
    struct ink_arena arena; /* all of the following */
    const struct ink_path_rule *rules;
    struct ink_path_node root;
    struct ink_path_literal *literals; /* a hash table with open addressing */
    size_t literal_mask;
    size_t longest_literal;
    const char **verbs; /* all of them */
    size_t n_verbs;
    const char **methods; /* all of them but "*", with HEAD and OPTIONS, as Allow lists them */
    size_t n_methods;
};

/* The edge of a node for a literal; NULL when there is none. */
const struct ink_path_edge *ink_path_find_edge(const struct ink_path_node *node,
                                               const char *literal, size_t size);
/* The slot of the table that has the path, or a free one. */
struct ink_path_literal *ink_path_find_literal(const struct ink_path_matcher *matcher,
                                               const char *path, size_t size);
