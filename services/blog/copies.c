/*
 * Blogs in Redis, under blog:ID: the contract's message, with the version that lib/cache goes by.
 */
#include <string.h>

#include "services/blog/internal.h"

static char *key_of(struct ink_ctx *ctx, const char *id)
{
    static const char prefix[] = "blog:";
    char *key = ink_arena_alloc(ctx->arena, sizeof(prefix) + strlen(id));
    strcpy(stpcpy(key, prefix), id);
    return key;
}

/* What is in the cache but cannot be read (another release wrote it) counts as not there. */
bool blog_copy_get(struct blog_service *service, struct ink_ctx *ctx, const char *id,
                   struct ink_cache_lease *ret_lease, Inkmesh__Blog__V1__Blog *reply)
{
    void *data;
    size_t size;
    if (!ink_cache_get(service->parts.cache, ctx, key_of(ctx, id), ret_lease, &data, &size, NULL))
        return false;
    Inkmesh__Blog__V1__Blog *blog =
        inkmesh__blog__v1__blog__unpack(ink_arena_allocator(ctx->arena), size, data);
    if (blog == NULL || strcmp(blog->id, id) != 0 || blog->created_at == NULL ||
        blog->updated_at == NULL || blog->etag[0] == '\0')
        return false;
    *reply = *blog;
    return true;
}

void blog_copy_offer(struct blog_service *service, struct ink_ctx *ctx,
                     const struct ink_cache_lease *lease, int64_t version,
                     const Inkmesh__Blog__V1__Blog *blog)
{
    size_t size = inkmesh__blog__v1__blog__get_packed_size(blog);
    uint8_t *data = ink_arena_alloc(ctx->arena, size);
    inkmesh__blog__v1__blog__pack(blog, data);
    ink_cache_put(service->parts.cache, ctx, key_of(ctx, blog->id), lease, version, data, size, 0);
}

void blog_copy_doubt(struct blog_service *service, struct ink_ctx *ctx, const char *id,
                     struct ink_status status)
{
    if (!status.undone)
        ink_cache_doubt(service->parts.cache, ctx, key_of(ctx, id));
}

void blog_copy_drop(struct blog_service *service, struct ink_ctx *ctx, const char *id,
                    int64_t version)
{
    ink_cache_invalidate(service->parts.cache, ctx, key_of(ctx, id), version);
}
