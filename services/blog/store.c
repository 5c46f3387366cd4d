#include "lib/events/outbox.h"
#include "services/blog/store_internal.h"

static char *copy_text(const struct ink_ctx *ctx, const struct ink_db_rows *rows, size_t row,
                       size_t column)
{
    return ink_arena_strndup(ctx->arena, ink_db_text(rows, row, column),
                             ink_db_text_size(rows, row, column));
}

void blog_store_read(const struct ink_ctx *ctx, const struct ink_db_rows *rows, size_t row,
                     struct blog_row *blog)
{
    blog->id = copy_text(ctx, rows, row, 0);
    blog->title = copy_text(ctx, rows, row, 1);
    blog->content = copy_text(ctx, rows, row, 2);
    blog->author_id = copy_text(ctx, rows, row, 3);
    blog->created_at = ink_db_time(rows, row, 4);
    blog->updated_at = ink_db_time(rows, row, 5);
    blog->version = ink_db_int64(rows, row, 6);
}

/* The second half of a statement whose first names the changed row `blog`: the row's event, with
 * the parameters that ink_outbox_add() adds. */
#define EVENT(type, id, headers)                                                                   \
    ", event AS (" INK_OUTBOX_INSERT "  SELECT " id "::uuid, " headers                             \
    "::json, 'blog', id, '" type "',"                                                              \
    "    (SELECT row_to_json(payload) FROM (SELECT '" type "' AS type, id AS \"blogId\", title,"   \
    "      author_id AS \"authorId\") AS payload)"                                                 \
    "  FROM blog)"

struct ink_status blog_store_add(struct ink_db *db, const struct ink_ctx *ctx,
                                 struct blog_row *blog)
{
    static const struct ink_db_statement insert = {
        .name = "blog_add",
        .sql = "WITH blog AS ("
               "  INSERT INTO blogs (id, title, content, author_id) VALUES ($1, $2, $3, $4)"
               "  RETURNING " BLOG_COLUMNS
               ")" EVENT("blog-published", "$5",
                         "$6") " SELECT created_at, updated_at, version FROM blog",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, blog->id);
    ink_db_add_text(&params, blog->title);
    ink_db_add_text(&params, blog->content);
    ink_db_add_text(&params, blog->author_id);
    ink_outbox_add(&params, ctx);
    struct ink_status status = ink_db_query(db, ctx, &insert, &params, &rows);
    if (!ink_is_ok(status))
        return status;
    blog->created_at = ink_db_time(&rows, 0, 0);
    blog->updated_at = ink_db_time(&rows, 0, 1);
    blog->version = ink_db_int64(&rows, 0, 2);
    return ink_ok();
}

struct ink_status blog_store_find(struct ink_db *db, const struct ink_ctx *ctx, const char *id,
                                  struct blog_row *ret_blog)
{
    static const struct ink_db_statement find = {
        .name = "blog_find",
        .sql = "SELECT " BLOG_COLUMNS " FROM blogs WHERE id = $1",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, id);
    struct ink_status status = ink_db_query(db, ctx, &find, &params, &rows);
    if (!ink_is_ok(status))
        return status;
    if (ink_db_row_count(&rows) == 0)
        return ink_error(INK_NOT_FOUND, "there is no such blog");
    blog_store_read(ctx, &rows, 0, ret_blog);
    return ink_ok();
}

/* $1 to $4 of a statement that changes a blog. NULL is any version: it is unlike all of them. */
#define CONDITION                                                                                  \
    " WHERE id = $1 AND author_id = $2 AND ($3::text[] IS NULL OR version::text = ANY ($3))"       \
    "   AND $4::text[] IS NOT NULL AND version::text <> ALL ($4)"

static void add_versions(struct ink_db_params *params, const struct blog_versions *versions)
{
    if (versions->any)
        ink_db_add_null(params);
    else
        ink_db_add_text_array(params, versions->list, versions->count);
}

static struct ink_db_params change_params(const struct ink_ctx *ctx, const char *id,
                                          const struct blog_condition *condition)
{
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, id);
    ink_db_add_text(&params, condition->author_id);
    add_versions(&params, &condition->wanted);
    add_versions(&params, &condition->unwanted);
    return params;
}

/* The time does not go back when one change had to wait for another. */
struct ink_status blog_store_update(struct ink_db *db, const struct ink_ctx *ctx, const char *id,
                                    const struct blog_condition *condition, const char *title,
                                    const char *content, bool *ret_found, struct blog_row *ret_blog)
{
    static const struct ink_db_statement update = {
        .name = "blog_update",
        .sql = "WITH blog AS ("
               "  UPDATE blogs SET title = coalesce($5, title), content = coalesce($6, content),"
               "    version = version + 1, updated_at = greatest(clock_timestamp(), "
               "updated_at)" CONDITION " RETURNING " BLOG_COLUMNS
               ")" EVENT("blog-updated", "$7", "$8") " SELECT " BLOG_COLUMNS " FROM blog",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = change_params(ctx, id, condition);
    ink_db_add_text(&params, title);
    ink_db_add_text(&params, content);
    ink_outbox_add(&params, ctx);
    struct ink_status status = ink_db_query(db, ctx, &update, &params, &rows);
    if (!ink_is_ok(status))
        return status;
    *ret_found = ink_db_row_count(&rows) != 0;
    if (*ret_found)
        blog_store_read(ctx, &rows, 0, ret_blog);
    return ink_ok();
}

struct ink_status blog_store_delete(struct ink_db *db, const struct ink_ctx *ctx, const char *id,
                                    const struct blog_condition *condition, bool *ret_found,
                                    int64_t *ret_version)
{
    static const struct ink_db_statement delete = {
        .name = "blog_delete",
        .sql = "WITH blog AS ("
               "  DELETE FROM blogs" CONDITION " RETURNING " BLOG_COLUMNS
               ")" EVENT("blog-deleted", "$5", "$6") " SELECT version FROM blog",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = change_params(ctx, id, condition);
    ink_outbox_add(&params, ctx);
    struct ink_status status = ink_db_query(db, ctx, &delete, &params, &rows);
    if (!ink_is_ok(status))
        return status;
    *ret_found = ink_db_row_count(&rows) != 0;
    if (*ret_found)
        *ret_version = ink_db_int64(&rows, 0, 0);
    return ink_ok();
}
