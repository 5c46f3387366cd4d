/*
 * Path templates of google.api.http, as google/api/http.proto defines them:
 *
 *     Template  = "/" Segments [ Verb ] ;
 *     Segments  = Segment { "/" Segment } ;
 *     Segment   = "*" | "**" | LITERAL | Variable ;
 *     Variable  = "{" FieldPath [ "=" Segments ] "}" ;
 *     FieldPath = IDENT { "." IDENT } ;
 *     Verb      = ":" LITERAL ;
 *
 * Stricter than the grammar where it is silent: "**" is the last segment (a verb may follow), a
 * variable holds no variable, no field path is bound twice, and a literal is made of the characters
 * that RFC 3986 allows in a path segment, or of percent escapes, or of UTF-8 beyond ASCII. A ":"
 * inside a literal is written "%3A". Literals are kept decoded.
 *
 * Pure functions, thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/status.h"

enum ink_segment_kind {
    INK_SEGMENT_LITERAL,
    INK_SEGMENT_ONE,  /* "*": exactly one segment */
    INK_SEGMENT_REST, /* "**": zero or more segments, up to the end or the verb */
};

struct ink_template_segment {
    enum ink_segment_kind kind;
    const char *literal; /* decoded, NUL-terminated; NULL for wildcards */
    size_t size;
};

struct ink_template_variable {
    const char *field_path; /* "book.name" */
    size_t first;           /* its segments: [first, first + count) */
    size_t count;
    bool multi; /* several segments or "**": "%2F" in its value stays as it is */
};

struct ink_template {
    const char *text; /* as written: the label of the route in metrics */
    const struct ink_template_segment *segments;
    size_t n_segments;
    const struct ink_template_variable *variables;
    size_t n_variables;
    const char *verb; /* decoded, without its ":"; NULL when there is none */
};

/* Parses `text` into `arena`, where all of *ret_template lives. A template that breaks the grammar
 * is INVALID_ARGUMENT with a message that quotes it and gives the position (in bytes, from 0) and
 * what was expected there. */
struct ink_status ink_template_parse(struct ink_arena *arena, const char *text,
                                     struct ink_template *ret_template) INK_MUST_CHECK;
