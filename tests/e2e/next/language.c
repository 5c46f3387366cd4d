/* What the next release does with its new column: it stands between the service and its
 * blog_store_add() (-Wl,--wrap), and says of each blog which language it is in. */
#include <string.h>

#include "services/blog/store.h"

struct ink_status __real_blog_store_add(struct ink_db *db, const struct ink_ctx *ctx,
                                        struct blog_row *blog);
struct ink_status __wrap_blog_store_add(struct ink_db *db, const struct ink_ctx *ctx,
                                        struct blog_row *blog);

struct ink_status __wrap_blog_store_add(struct ink_db *db, const struct ink_ctx *ctx,
                                        struct blog_row *blog)
{
    static const struct ink_db_statement set = {
        .name = "blog_language",
        .sql = "UPDATE blogs SET language = 'de' WHERE id = $1 RETURNING language",
    };
    struct ink_status status = __real_blog_store_add(db, ctx, blog);
    if (!ink_is_ok(status))
        return status;
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, blog->id);
    status = ink_db_query(db, ctx, &set, &params, &rows);
    if (ink_is_ok(status) && strcmp(ink_db_text(&rows, 0, 0), "de") != 0)
        return ink_error(INK_INTERNAL, "the language is lost");
    return status;
}
