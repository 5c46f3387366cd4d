#include "services/notification/mail_users.h"

#include <string.h>

#include "inkmesh/user/v1/user.pb-c.h"

/* A token lasts minutes and costs microseconds: each call gets its own. */
static struct ink_status identify(const struct notification_mail_users *users, struct ink_ctx *ctx)
{
    const char *token;
    struct ink_status status =
        ink_auth_issue_service(users->auth, ctx->arena, NOTIFICATION_MAIL_CALLER, &token);
    if (ink_is_ok(status))
        ctx->authorization = ink_arena_printf(ctx->arena, "Bearer %s", token);
    return status;
}

static struct notification_mail_user find(const Inkmesh__User__V1__BatchGetUsersResponse *reply,
                                          const char *id)
{
    for (size_t i = 0; i < reply->n_users; i++) {
        const Inkmesh__User__V1__User *user = reply->users[i];
        if (strcmp(user->id, id) == 0)
            return (struct notification_mail_user){user->id, user->username, user->email};
    }
    return (struct notification_mail_user){0};
}

struct ink_status notification_mail_users_find(const struct notification_mail_users *users,
                                               const struct ink_ctx *ctx,
                                               const struct notification_email *emails,
                                               size_t count,
                                               struct notification_mail_user **ret_users)
{
    struct ink_ctx own = *ctx;
    ProtobufCMessage *reply;
    Inkmesh__User__V1__BatchGetUsersRequest request;
    inkmesh__user__v1__batch_get_users_request__init(&request);
    request.n_ids = count;
    request.ids = ink_arena_calloc(ctx->arena, count, sizeof(*request.ids));
    for (size_t i = 0; i < count; i++)
        request.ids[i] = (char *)emails[i].user_id;
    struct ink_status status = identify(users, &own);
    if (ink_is_ok(status))
        status = ink_rpc_client_call(users->client, &own, users->method, &request.base, &reply);
    if (!ink_is_ok(status))
        return status;
    *ret_users = ink_arena_calloc(ctx->arena, count, sizeof(**ret_users));
    for (size_t i = 0; i < count; i++)
        (*ret_users)[i] =
            find((const Inkmesh__User__V1__BatchGetUsersResponse *)reply, emails[i].user_id);
    return ink_ok();
}
