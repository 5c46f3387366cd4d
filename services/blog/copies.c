/*
 * Blogs in Redis, under blog:ID: the contract's message, with the version that lib/cache goes by.
 */
#include <string.h>

#include "services/blog/internal.h"

/* Newer than every version there will be: a mark that only time takes away. Lua's numbers, which
 * Redis compares with, hold it exactly. */
#define NEWER_THAN_ALL (INT64_C(1) << 53)

static char *key_of(struct ink_ctx *ctx, const char *id)
{
    static const char prefix[] = "blog:";
    char *key = ink_arena_alloc(ctx->arena, sizeof(prefix) + strlen(id));
    strcpy(stpcpy(key, prefix), id);
    return key;
}

/* What is in the cache but cannot be read (another release wrote it) counts as not there. */
bool blog_copy_get(struct blog_service *service, struct ink_ctx *ctx, const char *id,
                   Inkmesh__Blog__V1__Blog *reply)
{
    void *data;
    size_t size;
    if (!ink_cache_get(service->parts.cache, ctx, key_of(ctx, id), &data, &size, NULL))
        return false;
    Inkmesh__Blog__V1__Blog *blog =
        inkmesh__blog__v1__blog__unpack(ink_arena_allocator(ctx->arena), size, data);
    if (blog == NULL || strcmp(blog->id, id) != 0 || blog->created_at == NULL ||
        blog->updated_at == NULL || blog->etag[0] == '\0')
        return false;
    *reply = *blog;
    return true;
}

static bool put(struct blog_service *service, struct ink_ctx *ctx, int64_t version,
                const Inkmesh__Blog__V1__Blog *blog)
{
    size_t size = inkmesh__blog__v1__blog__get_packed_size(blog);
    uint8_t *data = ink_arena_alloc(ctx->arena, size);
    inkmesh__blog__v1__blog__pack(blog, data);
    return ink_cache_put(service->parts.cache, ctx, key_of(ctx, blog->id), version, data, size, 0);
}

void blog_copy_offer(struct blog_service *service, struct ink_ctx *ctx, int64_t version,
                     const Inkmesh__Blog__V1__Blog *blog)
{
    (void)put(service, ctx, version, blog);
}

/* A put gives up when Redis is away or the call's time is over; an invalidation does not. */
void blog_copy_renew(struct blog_service *service, struct ink_ctx *ctx, int64_t version,
                     const Inkmesh__Blog__V1__Blog *blog)
{
    if (!put(service, ctx, version, blog))
        ink_cache_invalidate(service->parts.cache, ctx, key_of(ctx, blog->id), version);
}

void blog_copy_doubt(struct blog_service *service, struct ink_ctx *ctx, const char *id,
                     struct ink_status status)
{
    switch (status.code) {
    case INK_CANCELLED:
    case INK_UNKNOWN:
    case INK_DEADLINE_EXCEEDED:
    case INK_INTERNAL:
    case INK_UNAVAILABLE:
        ink_cache_invalidate(service->parts.cache, ctx, key_of(ctx, id), NEWER_THAN_ALL);
        break;
    default: /* refused before anything happened, or rolled back */
        break;
    }
}

void blog_copy_drop(struct blog_service *service, struct ink_ctx *ctx, const char *id,
                    int64_t version)
{
    ink_cache_invalidate(service->parts.cache, ctx, key_of(ctx, id), version + 1);
}
