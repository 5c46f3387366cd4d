#include "lib/events/outbox.h"

#include "lib/base/trace.h"
#include "lib/base/uuid.h"
#include "lib/events/lease.h"

static const struct ink_db_statement measure = {
    .name = "ink_outbox_measure",
    .sql = "SELECT count(*) FILTER (WHERE error IS NULL), count(error),"
           " coalesce((extract(epoch FROM clock_timestamp()"
           "           - min(created_at) FILTER (WHERE error IS NULL)) * 1000)::bigint, 0)"
           " FROM outbox"};

/* An advisory lock of one bigint shows its halves as two oids. */
static const struct ink_db_statement inspect = {
    .name = "ink_outbox_inspect",
    .sql = "SELECT to_regclass('outbox') IS NOT NULL, EXISTS (SELECT FROM pg_locks"
           " WHERE locktype = 'advisory' AND granted AND objsubid = 1"
           " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
           " AND (classid::bigint << 32 | objid::bigint) = " INK_RELAY_LOCK ")"};

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

struct ink_status ink_outbox_measure(struct ink_db *db, const struct ink_ctx *ctx,
                                     struct ink_outbox_stats *ret_stats)
{
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_status status = ink_db_query(db, ctx, &measure, NULL, &rows);
    if (ink_is_ok(status))
        *ret_stats =
            (struct ink_outbox_stats){.depth = ink_db_int64(&rows, 0, 0),
                                      .refused = ink_db_int64(&rows, 0, 1),
                                      .age_seconds = (double)ink_db_int64(&rows, 0, 2) / 1000};
    return status;
}

struct ink_status ink_outbox_inspect(struct ink_db *db, const struct ink_ctx *ctx, bool *ret_exists,
                                     bool *ret_published)
{
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_status status = ink_db_query(db, ctx, &inspect, NULL, &rows);
    if (ink_is_ok(status)) {
        *ret_exists = ink_db_bool(&rows, 0, 0);
        *ret_published = ink_db_bool(&rows, 0, 1);
    }
    return status;
}
