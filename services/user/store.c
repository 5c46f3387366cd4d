#include "services/user/store.h"

#include "lib/base/uuid.h"
#include "lib/events/outbox.h"

static char *copy_text(const struct ink_ctx *ctx, const struct ink_db_rows *rows, size_t row,
                       size_t column)
{
    return ink_arena_strdup(ctx->arena, ink_db_text(rows, row, column));
}

/* The columns that struct user_row is read from. */
#define USER_COLUMNS "id, username, email, created_at, version"

static void read_user(const struct ink_ctx *ctx, const struct ink_db_rows *rows, size_t row,
                      struct user_row *user)
{
    user->id = copy_text(ctx, rows, row, 0);
    user->username = copy_text(ctx, rows, row, 1);
    user->email = copy_text(ctx, rows, row, 2);
    user->created_at = ink_db_time(rows, row, 3);
    user->version = ink_db_int64(rows, row, 4);
}

struct ink_status user_store_add(struct ink_db *db, const struct ink_ctx *ctx,
                                 const char *password_hash, struct user_row *user)
{
    static const struct ink_db_statement insert = {
        .name = "user_add",
        .sql = "WITH registered AS ("
               "  INSERT INTO users (id, username, email, password_hash) VALUES ($1, $2, $3, $4)"
               "  RETURNING " USER_COLUMNS "),"
               " event AS (" INK_OUTBOX_INSERT
               "  SELECT $5::uuid, $6::json, 'user', id, 'user-registered',"
               "    (SELECT row_to_json(payload) FROM (SELECT 'user-registered' AS type,"
               "      id AS \"userId\", username) AS payload)"
               "  FROM registered)"
               " SELECT " USER_COLUMNS " FROM registered",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, user->id);
    ink_db_add_text(&params, user->username);
    ink_db_add_text(&params, user->email);
    ink_db_add_text(&params, password_hash);
    ink_outbox_add(&params, ctx);
    struct ink_status status = ink_db_query(db, ctx, &insert, &params, &rows);
    if (ink_is_ok(status))
        read_user(ctx, &rows, 0, user);
    return status;
}

struct ink_status user_store_find(struct ink_db *db, const struct ink_ctx *ctx, const char *id,
                                  struct user_row *ret_user)
{
    static const struct ink_db_statement find = {
        .name = "user_find",
        .sql = "SELECT " USER_COLUMNS " FROM users WHERE id = $1",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, id);
    struct ink_status status = ink_db_query(db, ctx, &find, &params, &rows);
    if (!ink_is_ok(status))
        return status;
    if (ink_db_row_count(&rows) == 0)
        return ink_error(INK_NOT_FOUND, "there is no such user");
    read_user(ctx, &rows, 0, ret_user);
    return ink_ok();
}

struct ink_status user_store_find_all(struct ink_db *db, const struct ink_ctx *ctx,
                                      const char *const *ids, size_t count,
                                      struct user_row **ret_users, size_t *ret_count)
{
    static const struct ink_db_statement find = {
        .name = "user_find_all",
        .sql = "SELECT " USER_COLUMNS " FROM users WHERE id = ANY ($1::uuid[])",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text_array(&params, ids, count);
    struct ink_status status = ink_db_query(db, ctx, &find, &params, &rows);
    if (!ink_is_ok(status))
        return status;
    size_t found = ink_db_row_count(&rows);
    struct user_row *users = ink_arena_calloc(ctx->arena, found, sizeof(*users));
    for (size_t i = 0; i < found; i++)
        read_user(ctx, &rows, i, &users[i]);
    *ret_users = users;
    *ret_count = found;
    return ink_ok();
}

struct ink_status user_store_credentials(struct ink_db *db, const struct ink_ctx *ctx,
                                         const char *email, struct user_credentials *ret_found)
{
    static const struct ink_db_statement find = {
        .name = "user_credentials",
        .sql = "SELECT id, password_hash FROM users"
               " WHERE lower(email COLLATE \"C\") = lower($1::text COLLATE \"C\")",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, email);
    struct ink_status status = ink_db_query(db, ctx, &find, &params, &rows);
    if (!ink_is_ok(status))
        return status;
    struct user_credentials found = {0};
    if (ink_db_row_count(&rows) != 0) {
        found.id = copy_text(ctx, &rows, 0, 0);
        found.password_hash = copy_text(ctx, &rows, 0, 1);
    }
    *ret_found = found;
    return ink_ok();
}

struct ink_status user_store_rehash(struct ink_db *db, const struct ink_ctx *ctx,
                                    const struct user_credentials *old, const char *password_hash)
{
    static const struct ink_db_statement update = {
        .name = "user_rehash",
        .sql = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2",
    };
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, old->id);
    ink_db_add_text(&params, old->password_hash);
    ink_db_add_text(&params, password_hash);
    return ink_db_query(db, ctx, &update, &params, NULL);
}

struct ink_status user_store_begin_session(struct ink_db *db, const struct ink_ctx *ctx,
                                           const char *user_id, const struct user_token *token,
                                           int64_t ttl)
{
    static const struct ink_db_statement begin = {
        .name = "session_begin",
        .sql = "WITH session AS ("
               "  INSERT INTO sessions (id, user_id, expires_at)"
               "  VALUES ($1, $2, now() + make_interval(secs => $4)) RETURNING id, expires_at"
               ")"
               " INSERT INTO refresh_tokens (hash, session_id, expires_at, family)"
               " SELECT $3::bytea, id, expires_at, $5::bytea FROM session",
    };
    char id[INK_UUID_SIZE];
    ink_uuid_v7(id);
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, id);
    ink_db_add_text(&params, user_id);
    ink_db_add_bytes(&params, token->hash, sizeof(token->hash));
    ink_db_add_int64(&params, ttl);
    ink_db_add_bytes(&params, token->family, sizeof(token->family));
    return ink_db_query(db, ctx, &begin, &params, NULL);
}

struct lock {
    struct user_rotation rotation;
    bool lately; /* used, but not too long ago for its answer to be given again */
};

/* Locks the token and its session, so that calls with tokens of one session take turns. A call that
 * had to wait sees what the other one left. now() is when this call began. A token that is not
 * there any more was used: another one of its family is locked in its place. */
static struct ink_status lock_token(struct ink_db_tx *tx, const struct ink_ctx *ctx,
                                    const struct user_token *token,
                                    const struct user_refresh_policy *policy, struct lock *ret_lock)
{
    static const struct ink_db_statement lock = {
        .name = "token_lock",
        .sql = "SELECT s.user_id, s.id, s.revoked_at IS NOT NULL,"
               "       t.hash <> $1 OR t.used_at IS NOT NULL,"
               "       t.hash = $1 AND t.used_at > now() - make_interval(secs => $2),"
               "       t.hash = $1 AND t.used_at > now() - make_interval(secs => $4),"
               "       t.expires_at <= now()"
               " FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id"
               " WHERE t.hash = $1 OR t.family = $3 ORDER BY t.hash = $1 DESC LIMIT 1 FOR UPDATE",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_bytes(&params, token->hash, sizeof(token->hash));
    ink_db_add_int64(&params, policy->grace);
    ink_db_add_bytes(&params, token->family, sizeof(token->family));
    ink_db_add_int64(&params, policy->repeat);
    struct ink_status status = ink_db_tx_query(tx, &lock, &params, &rows);
    if (!ink_is_ok(status))
        return status;
    struct lock result = {.rotation.outcome = USER_UNKNOWN};
    if (ink_db_row_count(&rows) != 0) {
        bool revoked = ink_db_bool(&rows, 0, 2), used = ink_db_bool(&rows, 0, 3);
        bool crossed = ink_db_bool(&rows, 0, 4), expired = ink_db_bool(&rows, 0, 6);
        result.lately = ink_db_bool(&rows, 0, 5);
        result.rotation = (struct user_rotation){.user_id = copy_text(ctx, &rows, 0, 0),
                                                 .session_id = copy_text(ctx, &rows, 0, 1),
                                                 .outcome = revoked   ? USER_REVOKED
                                                            : crossed ? USER_OVERTAKEN
                                                            : used    ? USER_REPLAYED
                                                            : expired ? USER_EXPIRED
                                                                      : USER_ROTATED};
    }
    *ret_lock = result;
    return ink_ok();
}

/* With the session locked: whether `next` is its token, which nobody has used. It is not when that
 * came of another secret, say: then it cannot be given again. */
static struct ink_status is_unused(struct ink_db_tx *tx, const struct ink_ctx *ctx,
                                   const struct user_token *next, bool *ret_unused)
{
    static const struct ink_db_statement find = {
        .name = "token_unused",
        .sql = "SELECT FROM refresh_tokens WHERE hash = $1 AND used_at IS NULL",
    };
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_bytes(&params, next->hash, sizeof(next->hash));
    struct ink_status status = ink_db_tx_query(tx, &find, &params, &rows);
    if (ink_is_ok(status))
        *ret_unused = ink_db_row_count(&rows) != 0;
    return status;
}

/* Marks a token as used and adds the next one. Used ones are removed when they are past the grace,
 * unless they are not of the family, as those from before there were any; such a one stays until it
 * expires. Who replays one now holds its row, and waits for the session: nobody waits for them. */
static struct ink_status replace_token(struct ink_db_tx *tx, const struct ink_ctx *ctx,
                                       const char *session_id, const struct user_token *token,
                                       const struct user_token *next,
                                       const struct user_refresh_policy *policy)
{
    static const struct ink_db_statement replace = {
        .name = "token_replace",
        .sql = "WITH old AS ("
               "  DELETE FROM refresh_tokens WHERE hash = ANY (ARRAY("
               "    SELECT hash FROM refresh_tokens WHERE session_id = $1 AND (expires_at < now()"
               "      OR family = $5 AND used_at < now() - make_interval(secs => $6))"
               "    FOR UPDATE SKIP LOCKED))"
               "), used AS ("
               "  UPDATE refresh_tokens SET used_at = clock_timestamp() WHERE hash = $2"
               "), session AS ("
               "  UPDATE sessions SET expires_at = now() + make_interval(secs => $4)"
               "  WHERE id = $1 RETURNING id, expires_at"
               ")"
               " INSERT INTO refresh_tokens (hash, session_id, expires_at, family)"
               " SELECT $3::bytea, id, expires_at, $5::bytea FROM session",
    };
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, session_id);
    ink_db_add_bytes(&params, token->hash, sizeof(token->hash));
    ink_db_add_bytes(&params, next->hash, sizeof(next->hash));
    ink_db_add_int64(&params, policy->ttl);
    ink_db_add_bytes(&params, next->family, sizeof(next->family));
    ink_db_add_int64(&params, policy->grace);
    return ink_db_tx_query(tx, &replace, &params, NULL);
}

static struct ink_status revoke(struct ink_db_tx *tx, const struct ink_ctx *ctx,
                                const char *session_id)
{
    static const struct ink_db_statement update = {
        .name = "session_revoke",
        .sql = "UPDATE sessions SET revoked_at = now() WHERE id = $1",
    };
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_text(&params, session_id);
    return ink_db_tx_query(tx, &update, &params, NULL);
}

struct ink_status user_store_rotate(struct ink_db *db, const struct ink_ctx *ctx,
                                    const struct user_token *token, const struct user_token *next,
                                    const struct user_refresh_policy *policy,
                                    struct user_rotation *ret_rotation)
{
    struct lock lock = {0};
    bool unused = false;
    INK_DB_TX struct ink_db_tx *tx = NULL;
    struct ink_status status = ink_db_begin(db, ctx, &tx);
    if (ink_is_ok(status))
        status = lock_token(tx, ctx, token, policy, &lock);
    if (ink_is_ok(status) && lock.rotation.outcome == USER_REPLAYED && lock.lately)
        status = is_unused(tx, ctx, next, &unused);
    if (!ink_is_ok(status))
        return status;
    if (unused)
        lock.rotation.outcome = USER_REPEATED;
    else if (lock.rotation.outcome == USER_ROTATED)
        status = replace_token(tx, ctx, lock.rotation.session_id, token, next, policy);
    else if (lock.rotation.outcome == USER_REPLAYED)
        status = revoke(tx, ctx, lock.rotation.session_id);
    if (ink_is_ok(status))
        status = ink_db_commit(&tx);
    if (ink_is_ok(status))
        *ret_rotation = lock.rotation;
    return status;
}

struct ink_status user_store_end_session(struct ink_db *db, const struct ink_ctx *ctx,
                                         const struct user_token *token, const char **ret_user_id)
{
    static const struct ink_db_statement update = {
        .name = "session_end",
        .sql = "UPDATE sessions SET revoked_at = now() WHERE revoked_at IS NULL"
               " AND id = (SELECT session_id FROM refresh_tokens"
               "   WHERE hash = $1 OR family = $2 LIMIT 1)"
               " RETURNING user_id",
    };
    struct ink_db_params params = ink_db_params(ctx->arena);
    ink_db_add_bytes(&params, token->hash, sizeof(token->hash));
    ink_db_add_bytes(&params, token->family, sizeof(token->family));
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_status status = ink_db_query(db, ctx, &update, &params, &rows);
    if (ink_is_ok(status))
        *ret_user_id = ink_db_row_count(&rows) != 0 ? copy_text(ctx, &rows, 0, 0) : NULL;
    return status;
}

struct ink_db_pruner *user_store_prune_sessions(struct ink_db *db, int64_t age)
{
    static const struct ink_db_statement prune = {
        .name = "session_prune",
        .sql = "DELETE FROM sessions WHERE id = ANY (ARRAY(SELECT id FROM sessions"
               " WHERE expires_at < now() - make_interval(secs => $1)"
               " ORDER BY expires_at LIMIT $2))",
    };
    return ink_db_pruner_new(&(struct ink_db_prune_settings){
        .db = db, .statement = &prune, .age_s = age, .at_once = 5000});
}
