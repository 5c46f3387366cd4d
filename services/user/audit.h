/*
 * Who tried to be whom: a line in the log for each registration, login, refresh and logout, with
 * the message "authentication" and the fields `event`, `outcome`, and `user_id`, or, where there is
 * no user, `account`: a mark that is the same for the same address (in any case) and does not show
 * it. The request's id leads to the gateway's line, which has the client's address. Never a
 * password, a token or an address of e-mail.
 */
#pragma once

#include "lib/auth/seal.h"
#include "lib/base/ctx.h"

/* `user_id` may be NULL. */
void user_audit(const struct ink_ctx *ctx, const char *event, const char *outcome,
                const char *user_id);
void user_audit_account(const struct ink_ctx *ctx, const struct ink_seal *seal, const char *event,
                        const char *outcome, const char *email);
