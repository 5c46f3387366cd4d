#include "lib/events/outbox.h"

#include "lib/base/trace.h"
#include "lib/base/uuid.h"

static char *headers_of(struct ink_arena *arena, const struct ink_ctx *ctx)
{
    if (ctx->trace.trace_id[0] == '\0')
        return ink_arena_strdup(arena, "{}");
    char traceparent[INK_TRACEPARENT_SIZE];
    ink_trace_format(&ctx->trace, traceparent);
    return ink_arena_printf(arena, "{\"traceparent\":\"%s\"}", traceparent);
}

void ink_outbox_add(struct ink_db_params *params, const struct ink_ctx *ctx)
{
    char *id = ink_arena_alloc(params->arena, INK_UUID_SIZE);
    ink_uuid_v7(id);
    ink_db_add_text(params, id);
    ink_db_add_text(params, headers_of(params->arena, ctx));
}
