/*
 * blog_db: the SQL of the blog service, and nothing of its rules. A change writes its event into
 * the outbox (lib/events/outbox.h) by the same statement. Texts that are returned live in
 * ctx->arena. Until the migrations are applied every call is UNAVAILABLE; the errors besides are
 * those of lib/db/db.h. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/db/db.h"

struct blog_row {
    const char *id;
    const char *title;
    const char *content;
    const char *author_id;
    int64_t created_at; /* microseconds since 1970 */
    int64_t updated_at; /* likewise */
    int64_t version;
};

/* Adds a blog with the id, title, content and author of *blog, whose other fields are set then. */
struct ink_status blog_store_add(struct ink_db *db, const struct ink_ctx *ctx,
                                 struct blog_row *blog) INK_MUST_CHECK;

/* NOT_FOUND when there is none. */
struct ink_status blog_store_find(struct ink_db *db, const struct ink_ctx *ctx, const char *id,
                                  struct blog_row *ret_blog) INK_MUST_CHECK;

/* Which state of a blog to change: in one statement with the change, so that of two changes to the
 * same state one finds another one. */
struct blog_versions {
    bool any;
    const char *const *list; /* in decimal; others never match */
    size_t count;
};
struct blog_condition {
    const char *author_id;
    struct blog_versions wanted;   /* it must be one of these */
    struct blog_versions unwanted; /* and none of these */
};

/* Sets title and content, of which either may be NULL to stay. *ret_found is false, and nothing
 * changes, when there is no such blog or the condition does not hold. */
struct ink_status blog_store_update(struct ink_db *db, const struct ink_ctx *ctx, const char *id,
                                    const struct blog_condition *condition, const char *title,
                                    const char *content, bool *ret_found,
                                    struct blog_row *ret_blog) INK_MUST_CHECK;
/* Likewise; *ret_version is the last one that the blog had. */
struct ink_status blog_store_delete(struct ink_db *db, const struct ink_ctx *ctx, const char *id,
                                    const struct blog_condition *condition, bool *ret_found,
                                    int64_t *ret_version) INK_MUST_CHECK;

/* A place between two blogs in the order of a listing: behind that with this sort key (as
 * PostgreSQL writes it) and id. */
struct blog_cursor {
    const char *key;
    const char *id;
};

struct blog_listing {
    const char *author_id;           /* NULL for all */
    const char *search;              /* any text, as people type it; NULL for all */
    const struct blog_cursor *after; /* NULL for the first page */
    size_t limit;                    /* blogs, at least 1 */
    size_t bytes;                    /* a page ends with the blog that passes these */
};

struct blog_page {
    struct blog_row *blogs;
    size_t count;
    bool more;
    struct blog_cursor last; /* when there are more: where the next page begins */
};

/* The newest first; of a search the best match first. */
struct ink_status blog_store_list(struct ink_db *db, const struct ink_ctx *ctx,
                                  const struct blog_listing *listing,
                                  struct blog_page *ret_page) INK_MUST_CHECK;
