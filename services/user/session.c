/*
 * Sessions: an access token that cannot be taken back but is short-lived, and a refresh token that
 * works once. Whoever steals a refresh token and uses it makes the owner's next use (or the other
 * way round) a second one, which ends the session for both. A second use right after the first is
 * refused too, but ends nothing: two calls of one client crossed. One a little later is given the
 * same refresh token again, as long as that was not used: the answer to the first may have been
 * lost (RFC 9700, section 4.14.2, leaves it to the server what counts as a replay). All tokens of a
 * session are of one family, so that used ones need not be kept to be known: a token of the family
 * that is not stored any more was used.
 */
#include <string.h>

#include "lib/auth/opaque.h"
#include "lib/log/log.h"
#include "services/user/internal.h"

static void fill(struct user_service *service, struct ink_ctx *ctx, const char *access_token,
                 const char *refresh_token, Inkmesh__User__V1__Session *reply)
{
    reply->token = ink_arena_strdup(ctx->arena, access_token);
    reply->token_type = "Bearer";
    reply->expires_in = (int32_t)ink_auth_access_ttl(service->parts.auth);
    reply->refresh_token = ink_arena_strdup(ctx->arena, refresh_token);
}

static void hash(const char *token, struct user_token *ret_stored)
{
    ink_opaque_hash(token, ret_stored->hash);
    ink_opaque_family(token, ret_stored->family);
}

struct ink_status user_session_begin(struct user_service *service, struct ink_ctx *ctx,
                                     const char *user_id, Inkmesh__User__V1__Session *reply)
{
    /* The access token comes first: nothing is stored of a session that cannot be handed out. */
    const char *access = NULL;
    char refresh[INK_OPAQUE_SIZE];
    struct user_token stored;
    ink_opaque_make(refresh);
    hash(refresh, &stored);
    struct ink_status status =
        ink_auth_issue_user(service->parts.auth, ctx->arena, user_id, &access);
    if (ink_is_ok(status))
        status = user_store_begin_session(service->parts.db, ctx, user_id, &stored,
                                          service->parts.refresh.ttl);
    if (ink_is_ok(status))
        fill(service, ctx, access, refresh, reply);
    explicit_bzero(refresh, sizeof(refresh));
    return status;
}

/* One answer for every token that does not work; the log tells which it was. */
static struct ink_status refuse(const struct ink_ctx *ctx, const struct user_rotation *rotation,
                                const char *cause)
{
    user_audit(ctx, "refresh", cause, rotation->user_id);
    struct ink_status status = ink_error(INK_UNAUTHENTICATED, "the refresh token is not valid");
    status.reason = "REFRESH_TOKEN_INVALID";
    status.cause = cause;
    return status;
}

static struct ink_status check_rotation(const struct ink_ctx *ctx,
                                        const struct user_rotation *rotation)
{
    switch (rotation->outcome) {
    case USER_ROTATED:
        user_audit(ctx, "refresh", "ok", rotation->user_id);
        return ink_ok();
    case USER_REPEATED:
        user_audit(ctx, "refresh", "ok, repeated", rotation->user_id);
        return ink_ok();
    case USER_UNKNOWN:
        return refuse(ctx, rotation, "unknown refresh token");
    case USER_EXPIRED:
        return refuse(ctx, rotation, "expired refresh token");
    case USER_REVOKED:
        return refuse(ctx, rotation, "refresh token of a session that has ended");
    case USER_OVERTAKEN:
        return refuse(ctx, rotation, "refresh token used by another call a moment ago");
    case USER_REPLAYED:
        ink_log(INK_LOG_WARN, ctx, "a refresh token was used again: its session is revoked",
                INK_LOG_STR("user_id", rotation->user_id),
                INK_LOG_STR("session_id", rotation->session_id));
        return refuse(ctx, rotation, "refresh token used before");
    }
    return refuse(ctx, rotation, "unknown outcome");
}

struct ink_status user_session_refresh(struct user_service *service, struct ink_ctx *ctx,
                                       const Inkmesh__User__V1__RefreshTokenRequest *request,
                                       Inkmesh__User__V1__Session *reply)
{
    struct user_token old, next;
    char refresh[INK_OPAQUE_SIZE];
    hash(request->refresh_token, &old);
    ink_opaque_make_next(&service->successors, request->refresh_token, refresh);
    hash(refresh, &next);
    struct user_rotation rotation = {0};
    struct ink_status status =
        user_store_rotate(service->parts.db, ctx, &old, &next, &service->parts.refresh, &rotation);
    if (ink_is_ok(status))
        status = check_rotation(ctx, &rotation);
    const char *access = NULL;
    if (ink_is_ok(status))
        status = ink_auth_issue_user(service->parts.auth, ctx->arena, rotation.user_id, &access);
    if (ink_is_ok(status))
        fill(service, ctx, access, refresh, reply);
    explicit_bzero(refresh, sizeof(refresh));
    return status;
}

/* Unknown tokens too end well: whoever logs out wants the session gone, and it is. The log tells.
 */
struct ink_status user_session_end(struct user_service *service, struct ink_ctx *ctx,
                                   const Inkmesh__User__V1__LogoutRequest *request)
{
    struct user_token token;
    hash(request->refresh_token, &token);
    const char *user_id = NULL;
    struct ink_status status = user_store_end_session(service->parts.db, ctx, &token, &user_id);
    if (ink_is_ok(status))
        user_audit(ctx, "logout", user_id != NULL ? "ok" : "no such session", user_id);
    return status;
}
