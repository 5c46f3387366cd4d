/*
 * What the service's files share.
 */
#pragma once

#include "inkmesh/blog/v1/blog.pb-c.h"
#include "lib/auth/seal.h"
#include "services/blog/service.h"
#include "services/blog/store.h"

struct blog_service {
    struct blog_service_parts parts;
    struct ink_seal page_tokens;
};

/* service.c: a row as the contract shows it. The texts are shared. */
void blog_show(struct ink_ctx *ctx, const struct blog_row *row, Inkmesh__Blog__V1__Blog *reply);

/* copies.c: the copies in Redis. */
bool blog_copy_get(struct blog_service *service, struct ink_ctx *ctx, const char *id,
                   struct ink_cache_lease *ret_lease,
                   Inkmesh__Blog__V1__Blog *reply) INK_MUST_CHECK;
/* Offers the blog as it was read after that, at `version`. */
void blog_copy_offer(struct blog_service *service, struct ink_ctx *ctx,
                     const struct ink_cache_lease *lease, int64_t version,
                     const Inkmesh__Blog__V1__Blog *blog);
/* The blog was changed to this version: older copies go. Who reads it first makes the next. For a
 * blog that was deleted, one above its last. */
void blog_copy_drop(struct blog_service *service, struct ink_ctx *ctx, const char *id,
                    int64_t version);
/* After a change that ended with `status` instead of its result: where that does not say that it
 * has not happened, it may have (or may still), so nothing that Redis has or is offered soon can be
 * trusted. */
void blog_copy_doubt(struct blog_service *service, struct ink_ctx *ctx, const char *id,
                     struct ink_status status);

/* pages.c: the RPC of the same name. */
struct ink_status blog_list(struct blog_service *service, struct ink_ctx *ctx,
                            const Inkmesh__Blog__V1__ListBlogsRequest *request,
                            Inkmesh__Blog__V1__ListBlogsResponse *reply) INK_MUST_CHECK;
