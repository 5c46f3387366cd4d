/*
 * inkmesh.user.v1.UserService: the rules of accounts and sessions. The handlers rely on what the
 * interceptors have done before: requests keep their buf.validate rules and ctx->caller is known.
 *
 * A profile is read from Redis, or else from PostgreSQL and then kept in Redis under user:ID: the
 * contract's User message with the row's version. It never holds the password's hash.
 */
#pragma once

#include <stdint.h>

#include "lib/auth/auth.h"
#include "lib/auth/password.h"
#include "lib/cache/cache.h"
#include "lib/db/db.h"
#include "lib/events/relay.h"
#include "lib/rpc/server.h"
#include "services/user/store.h"

struct user_service;

#define USER_SERVICE "inkmesh.user.v1.UserService"
/* `self` is a struct user_service. */
extern const struct ink_rpc_handler user_service_handlers[];

/* All of it must outlive the service. */
struct user_service_parts {
    struct ink_db *db;
    struct ink_cache *cache;
    const struct ink_auth *auth;
    struct ink_password_pool *passwords;
    const char *secret;      /* makes the marks of accounts in the log, see audit.h */
    struct ink_relay *relay; /* publishes what Register writes to the outbox; or NULL */
    struct user_refresh_policy refresh;
};

struct user_service *user_service_new(const struct user_service_parts *parts) INK_MUST_CHECK;
/* No handler may run any more. Accepts NULL. */
void user_service_free(struct user_service *service);
