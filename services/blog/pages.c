/*
 * Listings, page by page. A page token is where the next page begins, sealed together with the
 * filters: a client can neither make one up nor use one with other filters.
 */
#include <string.h>

#include "lib/base/uuid.h"
#include "services/blog/internal.h"

#define DEFAULT_PAGE_SIZE 20
/* A page ends with the blog that passes this, so that it stays within what gRPC clients take if
 * they are not told otherwise (4 MiB), even if that blog is the longest there can be (1 MiB). */
#define PAGE_BYTES (5 << 19)

/* Fields of a token: the sort key as PostgreSQL writes it, which has no such character, and the
 * id. */
#define SEPARATOR '|'

static const char *filters_of(struct ink_ctx *ctx, const struct blog_listing *listing)
{
    return ink_arena_printf(ctx->arena, "%s%c%s",
                            listing->author_id == NULL ? "" : listing->author_id, SEPARATOR,
                            listing->search == NULL ? "" : listing->search);
}

static struct ink_status open_token(struct blog_service *service, struct ink_ctx *ctx,
                                    const struct blog_listing *listing, const char *token,
                                    struct blog_cursor *ret_cursor)
{
    const char *text =
        ink_seal_open(&service->page_tokens, ctx->arena, filters_of(ctx, listing), token);
    const char *separator = text == NULL ? NULL : strchr(text, SEPARATOR);
    if (separator == NULL)
        return ink_invalid_field(ctx->arena, "page_token",
                                 "must be the next page token of the same listing");
    ret_cursor->key = ink_arena_strndup(ctx->arena, text, (size_t)(separator - text));
    ret_cursor->id = separator + 1;
    return ink_ok();
}

static const char *make_token(struct blog_service *service, struct ink_ctx *ctx,
                              const struct blog_listing *listing, const struct blog_page *page)
{
    const char *text =
        ink_arena_printf(ctx->arena, "%s%c%s", page->last.key, SEPARATOR, page->last.id);
    return ink_seal_close(&service->page_tokens, ctx->arena, filters_of(ctx, listing), text);
}

static void show_page(struct ink_ctx *ctx, const struct blog_page *page,
                      Inkmesh__Blog__V1__ListBlogsResponse *reply)
{
    reply->n_blogs = page->count;
    reply->blogs = ink_arena_calloc(ctx->arena, page->count, sizeof(*reply->blogs));
    for (size_t i = 0; i < page->count; i++) {
        reply->blogs[i] = ink_arena_alloc(ctx->arena, sizeof(*reply->blogs[i]));
        inkmesh__blog__v1__blog__init(reply->blogs[i]);
        blog_show(ctx, &page->blogs[i], reply->blogs[i]);
    }
}

struct ink_status blog_list(struct blog_service *service, struct ink_ctx *ctx,
                            const Inkmesh__Blog__V1__ListBlogsRequest *request,
                            Inkmesh__Blog__V1__ListBlogsResponse *reply)
{
    char author_id[INK_UUID_SIZE];
    struct blog_cursor after;
    struct blog_page page;
    struct blog_listing listing = {
        .author_id = ink_uuid_normalize(request->author_id, author_id) ? author_id : NULL,
        .search = request->q[0] == '\0' ? NULL : request->q,
        .limit = request->page_size == 0 ? DEFAULT_PAGE_SIZE : (size_t)request->page_size,
        .bytes = PAGE_BYTES,
    };
    struct ink_status status = ink_ok();
    if (request->page_token[0] != '\0') {
        status = open_token(service, ctx, &listing, request->page_token, &after);
        listing.after = &after;
    }
    if (ink_is_ok(status))
        status = blog_store_list(service->parts.db, ctx, &listing, &page);
    if (!ink_is_ok(status))
        return status;
    show_page(ctx, &page, reply);
    if (page.more)
        reply->next_page_token = (char *)make_token(service, ctx, &listing, &page);
    return ink_ok();
}
