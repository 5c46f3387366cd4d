#include "services/user/audit.h"

#include "lib/log/log.h"

void user_audit(const struct ink_ctx *ctx, const char *event, const char *outcome,
                const char *user_id)
{
    ink_log(INK_LOG_INFO, ctx, "authentication", INK_LOG_STR("event", event),
            INK_LOG_STR("outcome", outcome), INK_LOG_STR("user_id", user_id));
}

void user_audit_account(const struct ink_ctx *ctx, const struct ink_seal *seal, const char *event,
                        const char *outcome, const char *email)
{
    char mark[INK_SEAL_MARK_SIZE];
    char *folded = ink_arena_strdup(ctx->arena, email);
    for (char *c = folded; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    ink_seal_mark(seal, folded, mark);
    ink_log(INK_LOG_INFO, ctx, "authentication", INK_LOG_STR("event", event),
            INK_LOG_STR("outcome", outcome), INK_LOG_STR("account", mark));
}
