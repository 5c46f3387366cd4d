/*
 * inkmesh.blog.v1.BlogService: the rules of blogs. The handlers rely on what the interceptors have
 * done before: requests keep their buf.validate rules and ctx->caller is known.
 *
 * A blog is read from Redis, or else from PostgreSQL and then kept in Redis under blog:ID: the
 * contract's Blog message with the row's version. Its etag is made of that version. Lists are read
 * from PostgreSQL.
 */
#pragma once

#include "lib/cache/cache.h"
#include "lib/db/db.h"
#include "lib/events/outbox.h"
#include "lib/rpc/server.h"

struct blog_service;

#define BLOG_SERVICE "inkmesh.blog.v1.BlogService"
/* `self` is a struct blog_service. */
extern const struct ink_rpc_handler blog_service_handlers[];

/* All of it must outlive the service. */
struct blog_service_parts {
    struct ink_db *db;
    struct ink_cache *cache;
    struct ink_relay *relay; /* told of every event; NULL when nothing is published */
    const char *secret;      /* from which the key of page tokens is derived; JWT_SECRET */
};

struct blog_service *blog_service_new(const struct blog_service_parts *parts) INK_MUST_CHECK;
/* No handler may run any more. Accepts NULL. */
void blog_service_free(struct blog_service *service);
