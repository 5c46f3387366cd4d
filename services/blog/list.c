/*
 * Pages of blogs: SQL with keyset pages, whose cost does not grow with the number of the page.
 */
#include "services/blog/store_internal.h"

/* $1 and $2 are where the page begins, behind everything that is greater in the order: "infinity"
 * is a timestamp as well as a float. $3 is how many rows are looked at, one more than are shown,
 * and $4 how many bytes of content may come before a row. Sizes are known without reading the
 * contents. */
#define START_KEY "infinity"
#define START_ID "ffffffff-ffff-ffff-ffff-ffffffffffff"

#define NEWEST(filter)                                                                             \
    "WITH page AS ("                                                                               \
    "  SELECT *, created_at::text AS key, count(*) OVER () AS looked_at,"                          \
    "    sum(octet_length(content)) OVER newest - octet_length(content) AS before"                 \
    "  FROM (SELECT " BLOG_COLUMNS " FROM blogs WHERE " filter                                     \
    "    (created_at, id) < ($1::timestamptz, $2::uuid)"                                           \
    "    ORDER BY created_at DESC, id DESC LIMIT $3) AS blogs"                                     \
    "  WINDOW newest AS (ORDER BY created_at DESC, id DESC))"                                      \
    " SELECT " BLOG_COLUMNS ", key, looked_at FROM page WHERE before < $4::bigint"                 \
    " ORDER BY created_at DESC, id DESC"

static const struct ink_db_statement all = {.name = "blog_list", .sql = NEWEST("")};

static const struct ink_db_statement of_author = {.name = "blog_list_of_author",
                                                  .sql = NEWEST("author_id = $5::uuid AND ")};

/* Ranks are made of all that match, so those rows are kept small. */
static const struct ink_db_statement search = {
    .name = "blog_search",
    .sql = "WITH found AS MATERIALIZED ("
           "  SELECT id, ts_rank(search, query) AS rank"
           "  FROM blogs, search_query($6) AS query"
           "  WHERE search @@ query AND ($5::uuid IS NULL OR author_id = $5::uuid)"
           "), best AS ("
           "  SELECT id, rank FROM found WHERE (rank, id) < ($1::float4, $2::uuid)"
           "  ORDER BY rank DESC, id DESC LIMIT $3"
           "), page AS ("
           "  SELECT " BLOG_COLUMNS ", rank, count(*) OVER () AS looked_at,"
           "    sum(octet_length(content)) OVER best_first - octet_length(content) AS before"
           "  FROM best JOIN blogs USING (id)"
           "  WINDOW best_first AS (ORDER BY rank DESC, id DESC))"
           " SELECT " BLOG_COLUMNS ", rank::text, looked_at FROM page WHERE before < $4::bigint"
           " ORDER BY rank DESC, id DESC",
};

static const struct ink_db_statement *statement_of(const struct blog_listing *listing)
{
    if (listing->search != NULL)
        return &search;
    return listing->author_id != NULL ? &of_author : &all;
}

static void read_page(const struct ink_ctx *ctx, const struct ink_db_rows *rows, size_t limit,
                      struct blog_page *page)
{
    size_t count = ink_db_row_count(rows);
    *page = (struct blog_page){.count = count < limit ? count : limit};
    page->blogs = ink_arena_calloc(ctx->arena, page->count, sizeof(*page->blogs));
    for (size_t i = 0; i < page->count; i++)
        blog_store_read(ctx, rows, i, &page->blogs[i]);
    if (count == 0)
        return;
    size_t last = page->count - 1;
    page->more = (size_t)ink_db_int64(rows, last, BLOG_COLUMN_COUNT + 1) > page->count;
    page->last = (struct blog_cursor){
        .key = ink_arena_strdup(ctx->arena, ink_db_text(rows, last, BLOG_COLUMN_COUNT)),
        .id = page->blogs[last].id,
    };
}

struct ink_status blog_store_list(struct ink_db *db, const struct ink_ctx *ctx,
                                  const struct blog_listing *listing, struct blog_page *ret_page)
{
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, listing->after == NULL ? START_KEY : listing->after->key);
    ink_db_add_text(&params, listing->after == NULL ? START_ID : listing->after->id);
    ink_db_add_int64(&params, (int64_t)listing->limit + 1);
    ink_db_add_int64(&params, (int64_t)listing->bytes);
    if (listing->search != NULL || listing->author_id != NULL)
        ink_db_add_text(&params, listing->author_id);
    if (listing->search != NULL)
        ink_db_add_text(&params, listing->search);
    struct ink_status status = ink_db_query(db, ctx, statement_of(listing), &params, &rows);
    if (ink_is_ok(status))
        read_page(ctx, &rows, listing->limit, ret_page);
    return status;
}
