/*
 * user_db: the SQL of the user service, and nothing of its rules. Texts that are returned live in
 * ctx->arena. Until the migrations are applied every call is UNAVAILABLE; the errors besides are
 * those of lib/db/db.h. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/auth/opaque.h"
#include "lib/base/ctx.h"
#include "lib/db/db.h"
#include "lib/db/prune.h"

/* An account as others see it. */
struct user_row {
    const char *id;
    const char *username;
    const char *email;
    int64_t created_at; /* microseconds since 1970 */
    int64_t version;
};

/* Adds an account with the id, username and email of *user, whose other fields are set then.
 * ALREADY_EXISTS when the email address is taken. */
struct ink_status user_store_add(struct ink_db *db, const struct ink_ctx *ctx,
                                 const char *password_hash, struct user_row *user) INK_MUST_CHECK;

/* NOT_FOUND when there is none. */
struct ink_status user_store_find(struct ink_db *db, const struct ink_ctx *ctx, const char *id,
                                  struct user_row *ret_user) INK_MUST_CHECK;
/* Those of `ids` that exist, in no particular order, each once. */
struct ink_status user_store_find_all(struct ink_db *db, const struct ink_ctx *ctx,
                                      const char *const *ids, size_t count,
                                      struct user_row **ret_users,
                                      size_t *ret_count) INK_MUST_CHECK;

/* What a login is checked against, by email address in any case; both are NULL when there is no
 * such account. */
struct user_credentials {
    const char *id;
    const char *password_hash;
};
struct ink_status user_store_credentials(struct ink_db *db, const struct ink_ctx *ctx,
                                         const char *email,
                                         struct user_credentials *ret_found) INK_MUST_CHECK;
/* Replaces a hash, unless it was replaced in the meantime. */
struct ink_status user_store_rehash(struct ink_db *db, const struct ink_ctx *ctx,
                                    const struct user_credentials *old,
                                    const char *password_hash) INK_MUST_CHECK;

/* A refresh token as it is stored. */
struct user_token {
    uint8_t hash[INK_OPAQUE_HASH_SIZE];
    uint8_t family[INK_OPAQUE_HASH_SIZE]; /* the same for all tokens of a session */
};

/* How refresh tokens live, in seconds. */
struct user_refresh_policy {
    int64_t ttl;    /* that one is good */
    int64_t grace;  /* after its use in which a second use counts as crossed, not as a replay */
    int64_t repeat; /* after its use in which a later one gets the same token, if that is unused */
};

/* Begins a session with its first token, good for `ttl` seconds. */
struct ink_status user_store_begin_session(struct ink_db *db, const struct ink_ctx *ctx,
                                           const char *user_id, const struct user_token *token,
                                           int64_t ttl) INK_MUST_CHECK;

enum user_rotation_outcome {
    USER_ROTATED,   /* `next` is now the session's token */
    USER_REPEATED,  /* it is already, since not long ago, and was not used yet */
    USER_UNKNOWN,   /* no such token */
    USER_EXPIRED,   /* never used, but too old */
    USER_REVOKED,   /* the session has ended */
    USER_OVERTAKEN, /* used within the grace: two calls of one client crossed */
    USER_REPLAYED,  /* used before: the session has been revoked now */
};

struct user_rotation {
    enum user_rotation_outcome outcome;
    const char *user_id;    /* NULL for USER_UNKNOWN */
    const char *session_id; /* likewise */
};

/* Exchanges `token` for `next`, which is the same for the same token. Of calls with the same token
 * at most one is told USER_ROTATED. */
struct ink_status user_store_rotate(struct ink_db *db, const struct ink_ctx *ctx,
                                    const struct user_token *token, const struct user_token *next,
                                    const struct user_refresh_policy *policy,
                                    struct user_rotation *ret_rotation) INK_MUST_CHECK;

/* Revokes the session that a token belongs to. *ret_user_id is whose it was, NULL when there is no
 * such session or it had ended. */
struct ink_status user_store_end_session(struct ink_db *db, const struct ink_ctx *ctx,
                                         const struct user_token *token,
                                         const char **ret_user_id) INK_MUST_CHECK;

/* Removes sessions, with their tokens, so many seconds after they have expired, until it is freed.
 */
struct ink_db_pruner *user_store_prune_sessions(struct ink_db *db, int64_t age) INK_MUST_CHECK;
