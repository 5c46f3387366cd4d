/*
 * Finds the path template that a request's path matches. Built once from all templates, then
 * constant: find() is thread-safe and touches nothing but the caller's arena.
 *
 * How a path is matched (google/api/http.proto, RFC 3986):
 * - The path is split at each "/" while it is still percent-encoded, then each segment is decoded
 *   and compared. "%2F" therefore never separates segments, "%3A" never starts a verb, and a
 *   literal matches however its characters were escaped.
 * - A variable of exactly one segment is decoded wholly: "%2F" in it becomes "/". In a variable of
 *   several segments, or of "**", all is decoded but "%2F" and "%2f", which stay as they are, so
 *   that its separators can be told from its data.
 * - A bad escape, an escaped or plain NUL, or a segment that is not UTF-8 once decoded makes the
 *   whole path malformed, whether a template would match or not.
 * - An empty segment matches nothing: "/a/", "//a" and "/a//b" are unknown paths. "**" matches zero
 *   segments too: one that follows "/a" also matches "/a" itself. "/" has zero segments.
 * - From left to right a literal wins over "*", which wins over "**", whatever the order of
 *   declaration, and a template with a verb over one without. A template that fits the path but
 *   not the method does not hide a less specific one that fits both.
 * - HTTP methods are compared exactly (they are case-sensitive). A rule with the method "*" serves
 *   each method that no other rule of the same template serves. HEAD is served by GET's rule where
 *   it has none of its own.
 *
 * Cost: a path without wildcards is one lookup in a hash table. Any other visits each node of the
 * template tree at most once: the time is bounded by the number of templates and the path's size.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/status.h"
#include "lib/transcode/http_template.h"

struct ink_path_matcher;

struct ink_path_rule {
    const char *method;                  /* "GET", or "*" for any */
    const struct ink_template *template; /* outlives the matcher */
};

/* Builds a matcher of `n_rules` rules (which outlive it). Two rules with the same method whose
 * templates match the same paths (the names of variables do not matter) are a conflict: the result
 * is NULL and the indices of the two, in ascending order, are stored in ret_conflict. */
struct ink_path_matcher *ink_path_matcher_new(const struct ink_path_rule *rules, size_t n_rules,
                                              size_t ret_conflict[2]) INK_MUST_CHECK;
/* Accepts NULL. */
void ink_path_matcher_free(struct ink_path_matcher *matcher);

enum ink_path_result {
    INK_PATH_FOUND,
    INK_PATH_UNKNOWN,    /* no template matches: 404 */
    INK_PATH_BAD_METHOD, /* templates match, but not with this method: 405; see `allow` */
    INK_PATH_OPTIONS,    /* the same where the method is OPTIONS, which is answered with `allow` */
    INK_PATH_MALFORMED,  /* 400; see `problem` */
};

struct ink_path_match {
    enum ink_path_result result;
    size_t rule;               /* FOUND: the index of the rule */
    const char *const *values; /* FOUND: of the template's variables, in their order, decoded */
    const char *allow;         /* BAD_METHOD and OPTIONS: "GET, HEAD, OPTIONS" */
    const char *problem;       /* MALFORMED: what is wrong, a constant sentence */
};

/* Matches the path of a request target (without its query) in its escaped form. Values and the
 * allow list live in `arena`. */
struct ink_path_match ink_path_matcher_find(const struct ink_path_matcher *matcher,
                                            const char *method, const char *path, size_t size,
                                            struct ink_arena *arena);
