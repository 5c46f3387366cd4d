#include "services/blog/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/uuid.h"
#include "lib/etag/etag.h"
#include "lib/log/log.h"
#include "services/blog/internal.h"

struct blog_service *blog_service_new(const struct blog_service_parts *parts)
{
    struct blog_service *service = ink_calloc(1, sizeof(*service));
    service->parts = *parts;
    ink_seal_init(&service->page_tokens, parts->secret, "inkmesh blog page tokens");
    return service;
}

void blog_service_free(struct blog_service *service)
{
    if (service == NULL)
        return;
    ink_seal_release(&service->page_tokens);
    free(service);
}

static Google__Protobuf__Timestamp *show_time(struct ink_ctx *ctx, int64_t microseconds)
{
    Google__Protobuf__Timestamp *time = ink_arena_alloc(ctx->arena, sizeof(*time));
    google__protobuf__timestamp__init(time);
    time->seconds = microseconds / 1000000;
    time->nanos = (int32_t)(microseconds % 1000000 * 1000);
    return time;
}

void blog_show(struct ink_ctx *ctx, const struct blog_row *row, Inkmesh__Blog__V1__Blog *reply)
{
    reply->id = (char *)row->id;
    reply->title = (char *)row->title;
    reply->content = (char *)row->content;
    reply->author_id = (char *)row->author_id;
    reply->created_at = show_time(ctx, row->created_at);
    reply->updated_at = show_time(ctx, row->updated_at);
    reply->etag = ink_arena_printf(ctx->arena, "\"%lld\"", (long long)row->version);
}

/* The id of a request, which is a UUID by its rules, as it is stored. */
static const char *stored_id(struct ink_ctx *ctx, const char *id)
{
    char lower[INK_UUID_SIZE] = "";
    (void)ink_uuid_normalize(id, lower);
    return ink_arena_strdup(ctx->arena, lower);
}

/* Older clients say who they are; it has to be true. */
static struct ink_status check_author(struct ink_ctx *ctx, const char *author_id)
{
    if (author_id[0] == '\0' || strcmp(stored_id(ctx, author_id), ctx->caller.id) == 0)
        return ink_ok();
    struct ink_status status = ink_error(INK_PERMISSION_DENIED, "authorId is another user's");
    status.reason = "NOT_THE_AUTHOR";
    return status;
}

static struct ink_status create_blog(void *self, struct ink_ctx *ctx,
                                     const Inkmesh__Blog__V1__CreateBlogRequest *request,
                                     Inkmesh__Blog__V1__Blog *reply)
{
    struct blog_service *service = self;
    char id[INK_UUID_SIZE];
    ink_uuid_v7(id);
    struct blog_row blog = {.id = ink_arena_strdup(ctx->arena, id),
                            .title = request->title,
                            .content = request->content,
                            .author_id = ctx->caller.id};
    struct ink_status status = check_author(ctx, request->author_id);
    if (ink_is_ok(status))
        status = blog_store_add(service->parts.db, ctx, &blog);
    if (!ink_is_ok(status))
        return status;
    ink_outbox_wake(service->parts.relay);
    blog_show(ctx, &blog, reply);
    return ink_ok(); /* who reads it first makes the copy */
}
INK_RPC_UNARY(create_blog, Inkmesh__Blog__V1__CreateBlogRequest, Inkmesh__Blog__V1__Blog)

static struct ink_status get_blog(void *self, struct ink_ctx *ctx,
                                  const Inkmesh__Blog__V1__GetBlogRequest *request,
                                  Inkmesh__Blog__V1__Blog *reply)
{
    struct blog_service *service = self;
    const char *id = stored_id(ctx, request->id);
    struct blog_row blog;
    struct ink_cache_lease lease;
    if (blog_copy_get(service, ctx, id, &lease, reply))
        return ink_ok();
    struct ink_status status = blog_store_find(service->parts.db, ctx, id, &blog);
    if (!ink_is_ok(status))
        return status;
    blog_show(ctx, &blog, reply);
    blog_copy_offer(service, ctx, &lease, blog.version, reply);
    return ink_ok();
}
INK_RPC_UNARY(get_blog, Inkmesh__Blog__V1__GetBlogRequest, Inkmesh__Blog__V1__Blog)

static struct ink_status list_blogs(void *self, struct ink_ctx *ctx,
                                    const Inkmesh__Blog__V1__ListBlogsRequest *request,
                                    Inkmesh__Blog__V1__ListBlogsResponse *reply)
{
    return blog_list(self, ctx, request, reply);
}
INK_RPC_UNARY(list_blogs, Inkmesh__Blog__V1__ListBlogsRequest, Inkmesh__Blog__V1__ListBlogsResponse)

/* The versions of a list of etags. `weak` says whether a W/ does not matter. */
static struct blog_versions versions_of(struct ink_ctx *ctx, const char **etags, bool weak)
{
    struct blog_versions versions = {.any = ink_etag_is_any(*etags)};
    if (versions.any)
        return versions;
    /* A tag is two quotes at least. */
    const char **list = ink_arena_calloc(ctx->arena, strlen(*etags) / 2 + 1, sizeof(*list));
    struct ink_etag tag;
    while (ink_etag_next(etags, &tag))
        if (weak || !tag.weak)
            list[versions.count++] = ink_arena_strndup(ctx->arena, tag.opaque, tag.size);
    versions.list = list;
    return versions;
}

/* The condition of a change: its author, and what If-Match (which weak tags never do) and
 * If-None-Match say (RFC 9110, sections 13.1.1 and 13.1.2). Of an If-None-Match that cannot be read
 * to its end nobody knows that it holds. */
static struct blog_condition condition_of(struct ink_ctx *ctx, const char *if_match,
                                          const char *if_none_match)
{
    struct blog_condition condition = {.author_id = ctx->caller.id, .wanted.any = true};
    if (if_match[0] != '\0')
        condition.wanted = versions_of(ctx, &if_match, false);
    condition.unwanted = versions_of(ctx, &if_none_match, true);
    if (!ink_etag_at_end(if_none_match))
        condition.unwanted.any = true;
    return condition;
}

static bool has(const struct blog_versions *versions, int64_t version)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)version);
    for (size_t i = 0; i < versions->count; i++)
        if (strcmp(versions->list[i], text) == 0)
            return true;
    return versions->any;
}

static struct ink_status etag_mismatch(void)
{
    struct ink_status status =
        ink_error(INK_FAILED_PRECONDITION, "the blog has changed: its etag is another one");
    status.reason = "ETAG_MISMATCH";
    return status;
}

static struct ink_status etag_match(void)
{
    struct ink_status status =
        ink_error(INK_FAILED_PRECONDITION, "the blog's etag is one that it must not be");
    status.reason = "ETAG_MATCH";
    return status;
}

/* The blog, if it may be changed under this condition: not there, not the caller's, or not the
 * right state of it, in this order. */
static struct ink_status find_to_change(struct blog_service *service, struct ink_ctx *ctx,
                                        const char *id, const struct blog_condition *condition,
                                        struct blog_row *blog)
{
    struct ink_status status = blog_store_find(service->parts.db, ctx, id, blog);
    if (!ink_is_ok(status))
        return status;
    if (strcmp(blog->author_id, condition->author_id) != 0) {
        status = ink_error(INK_PERMISSION_DENIED, "only its author may change a blog");
        status.reason = "NOT_THE_AUTHOR";
        return status;
    }
    if (!has(&condition->wanted, blog->version))
        return etag_mismatch();
    return has(&condition->unwanted, blog->version) ? etag_match() : ink_ok();
}

/* Why a change found nothing to change. What it ran into may be gone by now: then it was another
 * change, so the state that the caller meant is gone too. */
static struct ink_status explain(struct blog_service *service, struct ink_ctx *ctx, const char *id,
                                 const struct blog_condition *condition)
{
    struct blog_row blog;
    struct ink_status status = find_to_change(service, ctx, id, condition, &blog);
    if (!ink_is_ok(status))
        return status;
    return condition->wanted.any ? etag_match() : etag_mismatch();
}

static struct ink_status change(struct blog_service *service, struct ink_ctx *ctx, const char *id,
                                const Inkmesh__Blog__V1__UpdateBlogRequest *request,
                                const struct blog_condition *condition, struct blog_row *blog)
{
    bool found = false;
    struct ink_status status =
        blog_store_update(service->parts.db, ctx, id, condition,
                          request->title == NULL ? NULL : request->title->value,
                          request->content == NULL ? NULL : request->content->value, &found, blog);
    if (!ink_is_ok(status)) {
        blog_copy_doubt(service, ctx, id, status);
        return status;
    }
    if (!found)
        return explain(service, ctx, id, condition);
    ink_outbox_wake(service->parts.relay);
    blog_copy_drop(service, ctx, id, blog->version);
    return ink_ok();
}

static struct ink_status update_blog(void *self, struct ink_ctx *ctx,
                                     const Inkmesh__Blog__V1__UpdateBlogRequest *request,
                                     Inkmesh__Blog__V1__Blog *reply)
{
    struct blog_service *service = self;
    const char *id = stored_id(ctx, request->id);
    struct blog_condition condition = condition_of(ctx, request->if_match, request->if_none_match);
    struct blog_row blog;
    struct ink_status status = check_author(ctx, request->author_id);
    if (!ink_is_ok(status))
        return status;
    bool nothing = request->title == NULL && request->content == NULL;
    status = nothing ? find_to_change(service, ctx, id, &condition, &blog)
                     : change(service, ctx, id, request, &condition, &blog);
    if (!ink_is_ok(status))
        return status;
    blog_show(ctx, &blog, reply);
    return ink_ok();
}
INK_RPC_UNARY(update_blog, Inkmesh__Blog__V1__UpdateBlogRequest, Inkmesh__Blog__V1__Blog)

static struct ink_status delete_blog(void *self, struct ink_ctx *ctx,
                                     const Inkmesh__Blog__V1__DeleteBlogRequest *request,
                                     Google__Protobuf__Empty *reply)
{
    (void)reply;
    struct blog_service *service = self;
    const char *id = stored_id(ctx, request->id);
    struct blog_condition condition = condition_of(ctx, request->if_match, request->if_none_match);
    bool found = false;
    int64_t version = 0;
    struct ink_status status =
        blog_store_delete(service->parts.db, ctx, id, &condition, &found, &version);
    if (!ink_is_ok(status)) {
        blog_copy_doubt(service, ctx, id, status);
        return status;
    }
    if (!found)
        return explain(service, ctx, id, &condition);
    ink_outbox_wake(service->parts.relay);
    blog_copy_drop(service, ctx, id, version + 1);
    return ink_ok();
}
INK_RPC_UNARY(delete_blog, Inkmesh__Blog__V1__DeleteBlogRequest, Google__Protobuf__Empty)

const struct ink_rpc_handler blog_service_handlers[] = {
    {.method = "CreateBlog", .unary = create_blog_rpc},
    {.method = "GetBlog", .unary = get_blog_rpc},
    {.method = "ListBlogs", .unary = list_blogs_rpc},
    {.method = "UpdateBlog", .unary = update_blog_rpc},
    {.method = "DeleteBlog", .unary = delete_blog_rpc},
    {0},
};
