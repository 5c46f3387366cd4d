/*
 * Where users are reached: asked of the user service (BatchGetUsers) as a service of the mesh.
 */
#pragma once

#include <stddef.h>

#include "lib/auth/auth.h"
#include "lib/base/ctx.h"
#include "lib/rpc/client.h"
#include "services/notification/mail_store.h"

/* Who asks. */
#define NOTIFICATION_MAIL_CALLER "notification"

struct notification_mail_users {
    struct ink_rpc_client *client; /* of the user service */
    const struct ink_method *method;
    const struct ink_auth *auth; /* makes the tokens of this service */
};

struct notification_mail_user {
    const char *id; /* NULL for a user that there is not */
    const char *name;
    const char *address;
};

/* Finds the users of up to NOTIFICATION_MAIL_USERS_MAX e-mails: (*ret_users)[i] is that of
 * emails[i]. They live in ctx->arena. Errors: those of the call. */
#define NOTIFICATION_MAIL_USERS_MAX 100
struct ink_status
notification_mail_users_find(const struct notification_mail_users *users, const struct ink_ctx *ctx,
                             const struct notification_email *emails, size_t count,
                             struct notification_mail_user **ret_users) INK_MUST_CHECK;
