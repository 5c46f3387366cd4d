/*
 * Internal to the request weaver: an HttpRule as binding.c checked it at start, for
 * request_weaver.c to follow.
 */
#pragma once

#include "lib/transcode/request_weaver.h"

/* A path variable. */
struct ink_bound_variable {
    const char *path;                   /* "book.name" */
    const struct ink_field *const *way; /* the fields that lead there: book, name */
    size_t n_way;
    bool uuid; /* by its rules: written in any case, it is the same */
};

enum ink_body_kind { INK_BODY_NONE, INK_BODY_ALL, INK_BODY_FIELD };

struct ink_binding {
    const struct ink_contract *contract;
    const struct ink_message *input;
    const struct ink_bound_variable *variables; /* in the order of the template's */
    size_t n_variables;
    enum ink_body_kind body_kind;
    const struct ink_field *body;        /* INK_BODY_FIELD */
    const struct ink_field *response;    /* NULL for the whole message */
    const struct ink_field *update_mask; /* that PATCH fills in, or NULL */
};
