/*
 * What service.c and session.c share.
 */
#pragma once

#include "inkmesh/user/v1/user.pb-c.h"
#include "lib/auth/seal.h"
#include "services/user/audit.h"
#include "services/user/service.h"
#include "services/user/store.h"

struct user_service {
    struct user_service_parts parts;
    struct ink_seal accounts;   /* for their marks in the log */
    struct ink_seal successors; /* makes the next refresh token of one */
};

/* Begins a session of a user who has shown who they are. */
struct ink_status user_session_begin(struct user_service *service, struct ink_ctx *ctx,
                                     const char *user_id,
                                     Inkmesh__User__V1__Session *reply) INK_MUST_CHECK;
/* The RPCs of the same names. */
struct ink_status user_session_refresh(struct user_service *service, struct ink_ctx *ctx,
                                       const Inkmesh__User__V1__RefreshTokenRequest *request,
                                       Inkmesh__User__V1__Session *reply) INK_MUST_CHECK;
struct ink_status user_session_end(struct user_service *service, struct ink_ctx *ctx,
                                   const Inkmesh__User__V1__LogoutRequest *request) INK_MUST_CHECK;
