/*
 * What Kafka has is deleted from the outbox while the next rows are read and sent. A deletion that
 * failed is asked for again: it may have happened, which does no harm.
 */
#include "lib/events/relay_internal.h"

/* That they wait is said for the index's sake: see outbox_waiting.sql. So are the bounds. */
static const struct ink_db_statement delete_rows = {
    .name = "ink_relay_delete",
    .sql = "DELETE FROM outbox WHERE error IS NULL AND seq <@ $1::int8multirange"
           " AND seq >= lower($1) AND seq < upper($1)"};

static struct ink_status await_deletion(struct ink_relay *relay)
{
    if (relay->deletion.db == NULL)
        return ink_ok();
    struct ink_status status = ink_db_receive(&relay->deletion, NULL);
    if (ink_is_ok(status))
        ink_seqs_clear(&relay->deleting);
    return status;
}

struct ink_status ink_relay_delete(struct ink_relay *relay)
{
    struct ink_status status = await_deletion(relay);
    if (!ink_is_ok(status))
        return status;
    if (relay->deleting.count == 0) {
        struct ink_seqs empty = relay->deleting;
        relay->deleting = relay->confirmed;
        relay->confirmed = empty;
    }
    if (relay->deleting.count == 0)
        return ink_ok();
    ink_arena_release(&relay->delete_arena);
    const struct ink_ctx ctx = ink_ctx_background(&relay->delete_arena);
    struct ink_db_params params = ink_db_params(ctx.arena);
    ink_db_add_text(&params, ink_seqs_text(&relay->deleting, ctx.arena));
    return ink_db_send(relay->db, &ctx, &delete_rows, &params, &relay->deletion);
}

struct ink_status ink_relay_delete_all(struct ink_relay *relay)
{
    struct ink_status status = await_deletion(relay);
    while (ink_is_ok(status) && relay->deleting.count + relay->confirmed.count > 0) {
        status = ink_relay_delete(relay);
        if (ink_is_ok(status))
            status = await_deletion(relay);
    }
    return status;
}
