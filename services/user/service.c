#include "services/user/service.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/uuid.h"
#include "lib/events/outbox.h"
#include "lib/log/log.h"
#include "services/user/common_passwords.h"
#include "services/user/internal.h"

struct user_service *user_service_new(const struct user_service_parts *parts)
{
    struct user_service *service = ink_calloc(1, sizeof(*service));
    service->parts = *parts;
    ink_seal_init(&service->accounts, parts->secret, "accounts in the log");
    ink_seal_init(&service->successors, parts->secret, "refresh tokens");
    return service;
}

void user_service_free(struct user_service *service)
{
    if (service == NULL)
        return;
    ink_seal_release(&service->accounts);
    ink_seal_release(&service->successors);
    free(service);
}

static void show_user(struct ink_ctx *ctx, const struct user_row *row,
                      Inkmesh__User__V1__User *reply)
{
    Google__Protobuf__Timestamp *created_at = ink_arena_alloc(ctx->arena, sizeof(*created_at));
    google__protobuf__timestamp__init(created_at);
    created_at->seconds = row->created_at / 1000000;
    created_at->nanos = (int32_t)(row->created_at % 1000000 * 1000);
    reply->id = (char *)row->id;
    reply->username = (char *)row->username;
    reply->email = (char *)row->email;
    reply->created_at = created_at;
}

static struct ink_status email_taken(struct ink_arena *arena)
{
    struct ink_status status =
        ink_error(INK_ALREADY_EXISTS, "an account with this email address exists already");
    status.reason = "EMAIL_TAKEN";
    ink_violation_add(arena, &status.violations, "email", "is taken already");
    return status;
}

static struct ink_status check_password(struct ink_ctx *ctx, const char *password)
{
    if (user_password_is_common(password))
        return ink_invalid_field(ctx->arena, "password",
                                 "must not be one of the most common passwords");
    return ink_ok();
}

static void audit_registration(const struct user_service *service, const struct ink_ctx *ctx,
                               struct ink_status status, const struct user_row *user)
{
    if (ink_is_ok(status))
        user_audit(ctx, "register", "ok", user->id);
    else if (ink_db_violates(status, "users_email_key"))
        user_audit_account(ctx, &service->accounts, "register", "taken", user->email);
}

static struct ink_status register_user(void *self, struct ink_ctx *ctx,
                                       const Inkmesh__User__V1__RegisterRequest *request,
                                       Inkmesh__User__V1__User *reply)
{
    struct user_service *service = self;
    char id[INK_UUID_SIZE];
    ink_uuid_v7(id);
    struct user_row user = {.id = id, .username = request->username, .email = request->email};
    const char *hash = NULL;
    struct ink_status status = check_password(ctx, request->password);
    if (ink_is_ok(status))
        status = ink_password_hash(service->parts.passwords, ctx, request->password, &hash);
    if (ink_is_ok(status))
        status = user_store_add(service->parts.db, ctx, hash, &user);
    audit_registration(service, ctx, status, &user);
    if (ink_db_violates(status, "users_email_key"))
        return email_taken(ctx->arena);
    if (ink_is_ok(status)) {
        ink_outbox_wake(service->parts.relay);
        show_user(ctx, &user, reply);
    }
    return status;
}
INK_RPC_UNARY(register_user, Inkmesh__User__V1__RegisterRequest, Inkmesh__User__V1__User)

/* The cost of hashes was changed since this one was made. Failing to keep up is no reason to turn
 * anybody away: the next login tries again. */
static void renew_hash(struct user_service *service, struct ink_ctx *ctx, const char *password,
                       const struct user_credentials *credentials)
{
    if (!ink_password_outdated(service->parts.passwords, credentials->password_hash))
        return;
    const char *hash = NULL;
    struct ink_status status = ink_password_hash(service->parts.passwords, ctx, password, &hash);
    if (ink_is_ok(status))
        status = user_store_rehash(service->parts.db, ctx, credentials, hash);
    if (!ink_is_ok(status))
        ink_log(INK_LOG_WARN, ctx, "cannot renew a password's hash", INK_LOG_STATUS(status));
}

/* An unknown email address goes the same way as a wrong password, to the same answer. Where more
 * people sign in than can, most of what is done here is to refuse, so that comes first. */
static struct ink_status login(void *self, struct ink_ctx *ctx,
                               const Inkmesh__User__V1__LoginRequest *request,
                               Inkmesh__User__V1__Session *reply)
{
    struct user_service *service = self;
    struct user_credentials found = {0};
    bool match = false;
    struct ink_status status = ink_password_admit(service->parts.passwords);
    if (ink_is_ok(status))
        status = user_store_credentials(service->parts.db, ctx, request->email, &found);
    if (ink_is_ok(status))
        status = ink_password_verify(service->parts.passwords, ctx, request->password,
                                     found.password_hash, &match);
    if (!ink_is_ok(status))
        return status;
    if (found.id == NULL)
        user_audit_account(ctx, &service->accounts, "login", "no such account", request->email);
    else
        user_audit(ctx, "login", match ? "ok" : "wrong password", found.id);
    if (!match) {
        status = ink_error(INK_UNAUTHENTICATED, "wrong email address or password");
        status.reason = "CREDENTIALS_INVALID";
        return status;
    }
    renew_hash(service, ctx, request->password, &found);
    return user_session_begin(service, ctx, found.id, reply);
}
INK_RPC_UNARY(login, Inkmesh__User__V1__LoginRequest, Inkmesh__User__V1__Session)

static struct ink_status refresh_token(void *self, struct ink_ctx *ctx,
                                       const Inkmesh__User__V1__RefreshTokenRequest *request,
                                       Inkmesh__User__V1__Session *reply)
{
    return user_session_refresh(self, ctx, request, reply);
}
INK_RPC_UNARY(refresh_token, Inkmesh__User__V1__RefreshTokenRequest, Inkmesh__User__V1__Session)

static struct ink_status logout(void *self, struct ink_ctx *ctx,
                                const Inkmesh__User__V1__LogoutRequest *request,
                                Google__Protobuf__Empty *reply)
{
    (void)reply;
    return user_session_end(self, ctx, request);
}
INK_RPC_UNARY(logout, Inkmesh__User__V1__LogoutRequest, Google__Protobuf__Empty)

static char *cache_key(struct ink_ctx *ctx, const char *id)
{
    return ink_arena_printf(ctx->arena, "user:%s", id);
}

/* What is in the cache but cannot be read (another release wrote it) counts as not there. */
static bool cached_user(struct user_service *service, struct ink_ctx *ctx, const char *id,
                        struct ink_cache_lease *ret_lease, Inkmesh__User__V1__User *reply)
{
    void *data;
    size_t size;
    if (!ink_cache_get(service->parts.cache, ctx, cache_key(ctx, id), ret_lease, &data, &size,
                       NULL))
        return false;
    Inkmesh__User__V1__User *user =
        inkmesh__user__v1__user__unpack(ink_arena_allocator(ctx->arena), size, data);
    if (user == NULL || strcmp(user->id, id) != 0 || user->created_at == NULL)
        return false;
    *reply = *user;
    return true;
}

static void cache_user(struct user_service *service, struct ink_ctx *ctx,
                       const struct ink_cache_lease *lease, int64_t version,
                       const Inkmesh__User__V1__User *user)
{
    size_t size = inkmesh__user__v1__user__get_packed_size(user);
    uint8_t *data = ink_arena_alloc(ctx->arena, size);
    inkmesh__user__v1__user__pack(user, data);
    ink_cache_put(service->parts.cache, ctx, cache_key(ctx, user->id), lease, version, data, size,
                  0);
}

/* A good token of an account that is gone is worth as much as none. */
static struct ink_status account_gone(void)
{
    struct ink_status status =
        ink_error(INK_UNAUTHENTICATED, "the account does not exist any more");
    status.reason = "ACCOUNT_GONE";
    return status;
}

static struct ink_status get_profile(void *self, struct ink_ctx *ctx,
                                     const Inkmesh__User__V1__GetProfileRequest *request,
                                     Inkmesh__User__V1__User *reply)
{
    (void)request;
    struct user_service *service = self;
    struct ink_cache_lease lease;
    if (cached_user(service, ctx, ctx->caller.id, &lease, reply))
        return ink_ok();
    struct user_row row;
    struct ink_status status = user_store_find(service->parts.db, ctx, ctx->caller.id, &row);
    if (status.code == INK_NOT_FOUND)
        return account_gone();
    if (!ink_is_ok(status))
        return status;
    show_user(ctx, &row, reply);
    cache_user(service, ctx, &lease, row.version, reply);
    return ink_ok();
}
INK_RPC_UNARY(get_profile, Inkmesh__User__V1__GetProfileRequest, Inkmesh__User__V1__User)

static struct ink_status batch_get_users(void *self, struct ink_ctx *ctx,
                                         const Inkmesh__User__V1__BatchGetUsersRequest *request,
                                         Inkmesh__User__V1__BatchGetUsersResponse *reply)
{
    struct user_service *service = self;
    struct user_row *rows;
    size_t count;
    struct ink_status status = user_store_find_all(
        service->parts.db, ctx, (const char *const *)request->ids, request->n_ids, &rows, &count);
    if (!ink_is_ok(status))
        return status;
    reply->n_users = count;
    reply->users = ink_arena_calloc(ctx->arena, count, sizeof(*reply->users));
    for (size_t i = 0; i < count; i++) {
        reply->users[i] = ink_arena_alloc(ctx->arena, sizeof(*reply->users[i]));
        inkmesh__user__v1__user__init(reply->users[i]);
        show_user(ctx, &rows[i], reply->users[i]);
    }
    return ink_ok();
}
INK_RPC_UNARY(batch_get_users, Inkmesh__User__V1__BatchGetUsersRequest,
              Inkmesh__User__V1__BatchGetUsersResponse)

const struct ink_rpc_handler user_service_handlers[] = {
    {.method = "Register", .unary = register_user_rpc},
    {.method = "Login", .unary = login_rpc},
    {.method = "RefreshToken", .unary = refresh_token_rpc},
    {.method = "Logout", .unary = logout_rpc},
    {.method = "GetProfile", .unary = get_profile_rpc},
    {.method = "BatchGetUsers", .unary = batch_get_users_rpc},
    {0},
};
