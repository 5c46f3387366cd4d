/*
 * Exactly one effect for each event: the rows that say "seen" and whatever the handler does are one
 * transaction. What fails is told apart: worth another attempt, or the fault of one event.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/events/consumer_internal.h"

/* How often an event that fails by itself, with an error that may not be its own fault, is tried.
 */
#define ATTEMPTS 3

/* RETURNING keeps the order of the ids, and tells only of those that were not there. */
static const struct ink_db_statement note_events = {
    .name = "ink_inbox_note",
    .sql = "INSERT INTO inbox (consumer, event_id) SELECT $1, unnest($2::text[])"
           " ON CONFLICT DO NOTHING RETURNING event_id"};

/* Some of the batch's items, in order, and what is new among them. */
struct attempt {
    struct ink_consumer *consumer;
    struct ink_ctx ctx;
    struct ink_item **items;
    size_t count;
    struct ink_event *events; /* of the new ones, for the handler */
    struct ink_item **owners;
    size_t event_count;
};

static bool is_transient(enum ink_code code)
{
    return code == INK_UNAVAILABLE || code == INK_RESOURCE_EXHAUSTED ||
           code == INK_DEADLINE_EXCEEDED || code == INK_ABORTED || code == INK_CANCELLED;
}

static struct ink_status note(struct attempt *attempt, struct ink_db_tx *tx)
{
    struct ink_arena *arena = attempt->ctx.arena;
    INK_DB_ROWS struct ink_db_rows rows = {0};
    const char **ids = ink_arena_calloc(arena, attempt->count, sizeof(*ids));
    for (size_t i = 0; i < attempt->count; i++)
        ids[i] = attempt->items[i]->event.id;
    struct ink_db_params params = ink_db_params(arena);
    ink_db_add_text(&params, attempt->consumer->settings.group);
    ink_db_add_text_array(&params, ids, attempt->count);
    struct ink_status status = ink_db_tx_query(tx, &note_events, &params, &rows);
    if (!ink_is_ok(status))
        return status;
    size_t fresh = ink_db_row_count(&rows);
    attempt->events = ink_arena_calloc(arena, fresh + 1, sizeof(*attempt->events));
    attempt->owners = ink_arena_calloc(arena, fresh + 1, sizeof(struct ink_item *));
    for (size_t i = 0; i < attempt->count && attempt->event_count < fresh; i++) {
        if (strcmp(ink_db_text(&rows, attempt->event_count, 0), ids[i]) != 0)
            continue;
        attempt->owners[attempt->event_count] = attempt->items[i];
        attempt->events[attempt->event_count++] = attempt->items[i]->event;
    }
    if (attempt->event_count != fresh)
        return ink_error_cause(arena, INK_INTERNAL, "internal error", "the inbox lost its order");
    return ink_ok();
}

/* What the handler rejected becomes dead, with a reason that outlives this attempt. */
static bool take_rejections(struct attempt *attempt)
{
    bool any = false;
    for (size_t i = 0; i < attempt->event_count; i++) {
        const char *reason = attempt->events[i].rejected;
        if (reason == NULL)
            continue;
        attempt->owners[i]->event.rejected = ink_arena_strdup(&attempt->consumer->arena, reason);
        attempt->owners[i]->state = INK_ITEM_DEAD;
        any = true;
    }
    return any;
}

static struct ink_status run_handler(struct attempt *attempt, struct ink_db_tx *tx)
{
    const struct ink_consumer_settings *settings = &attempt->consumer->settings;
    if (attempt->event_count == 0)
        return ink_ok();
    struct ink_status status =
        settings->handle(settings->self, &attempt->ctx, tx, attempt->events, attempt->event_count);
    if (take_rejections(attempt))
        return ink_error(INK_INVALID_ARGUMENT, "rejected");
    return status;
}

static void settle(struct attempt *attempt)
{
    struct ink_consumer *consumer = attempt->consumer;
    for (size_t i = 0; i < attempt->count; i++)
        attempt->items[i]->state = INK_ITEM_SETTLED;
    ink_consumer_count(consumer, &consumer->stats.handled, attempt->event_count);
    ink_consumer_count(consumer, &consumer->stats.repeated, attempt->count - attempt->event_count);
    if (consumer->settings.done != NULL && attempt->event_count > 0)
        consumer->settings.done(consumer->settings.self, &attempt->ctx, attempt->events,
                                attempt->event_count);
}

static struct ink_status run(struct attempt *attempt)
{
    INK_DB_TX struct ink_db_tx *tx = NULL;
    struct ink_status status = ink_db_begin(attempt->consumer->settings.db, &attempt->ctx, &tx);
    if (ink_is_ok(status))
        status = note(attempt, tx);
    if (ink_is_ok(status))
        status = run_handler(attempt, tx);
    if (ink_is_ok(status))
        status = ink_db_commit(&tx);
    if (ink_is_ok(status))
        settle(attempt);
    return status;
}

/* The handler's spans continue the trace of its event, when it is just one. */
static void start_trace(struct attempt *attempt)
{
    (void)ink_trace_continue(&attempt->ctx.trace,
                             attempt->count == 1 ? attempt->items[0]->event.traceparent : NULL);
}

/* One transaction. The status's strings live in the batch's arena. */
static struct ink_status try(struct ink_consumer *consumer, struct ink_item **items, size_t count)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    struct attempt attempt = {
        .consumer = consumer, .ctx = ink_ctx_background(&arena), .items = items, .count = count};
    attempt.ctx.deadline = ink_now() + consumer->settings.timeout_ms * INK_MILLISECOND;
    start_trace(&attempt);
    struct ink_status status = run(&attempt);
    if (!ink_is_ok(status))
        status = ink_status_copy(&consumer->arena, status);
    ink_arena_release(&arena);
    return status;
}

static size_t collect_fresh(struct ink_consumer *consumer, struct ink_item **items)
{
    size_t count = 0;
    for (size_t i = 0; i < consumer->item_count; i++) {
        if (consumer->items[i].state == INK_ITEM_FRESH)
            items[count++] = &consumer->items[i];
    }
    return count;
}

static bool any_dead(struct ink_item **items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i]->state == INK_ITEM_DEAD)
            return true;
    }
    return false;
}

/* These failed, and not for a reason that passes. OK when there is something else to try now. */
static struct ink_status judge(struct ink_consumer *consumer, struct ink_item **items, size_t count,
                               struct ink_status status)
{
    struct ink_item *item = items[0];
    if (any_dead(items, count))
        return ink_ok(); /* the handler said which */
    if (count > 1) {
        consumer->suspicious = true;
        return ink_ok();
    }
    if (status.code != INK_INVALID_ARGUMENT && ++item->attempts < ATTEMPTS)
        return status;
    item->state = INK_ITEM_DEAD;
    item->event.rejected = status.cause != NULL ? status.cause : status.message;
    return ink_ok();
}

struct ink_status ink_consumer_apply(struct ink_consumer *consumer)
{
    struct ink_item **items = ink_calloc(consumer->item_count + 1, sizeof(struct ink_item *));
    struct ink_status status = ink_ok();
    size_t count;
    while (ink_is_ok(status) && (count = collect_fresh(consumer, items)) > 0) {
        if (consumer->suspicious)
            count = 1;
        status = try(consumer, items, count);
        if (!ink_is_ok(status) && !is_transient(status.code))
            status = judge(consumer, items, count, status);
    }
    free(items);
    return status;
}
