/*
 * Exactly one effect for each event: the rows that say "seen" and whatever the handler does are one
 * transaction. What fails is told apart: worth another attempt, or the fault of one event.
 *
 * Many events are two transactions at the same time, of which each has lanes of its own, so that
 * neither waits for the other: PostgreSQL works for one with one processor only.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/events/consumer_internal.h"

/* How often an event that fails by itself, with an error that may not be its own fault, is tried.
 */
#define ATTEMPTS 3

/* From how many events on they are two transactions: fewer are dealt with before it pays. */
#define DIVIDE_FROM 100
#define N_PARTS 2

/* RETURNING keeps the order of the ids, and tells only of those that were not there. */
static const struct ink_db_statement note_events = {
    .name = "ink_inbox_note",
    .sql = "INSERT INTO inbox (consumer, event_id) SELECT $1, unnest($2::text[])"
           " ON CONFLICT DO NOTHING RETURNING event_id"};

/* One transaction: some of the batch's items, in order, and what is new among them. What it leaves
 * is in its own arena, until it is concluded. */
struct attempt {
    struct ink_consumer *consumer;
    struct ink_arena arena;
    struct ink_ctx ctx;
    struct ink_item **items;
    size_t count;
    struct ink_event *events; /* of the new ones, for the handler */
    struct ink_item **owners;
    size_t event_count;
    struct ink_status status;
    bool undecided; /* its commit had no outcome */
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

static bool any_rejected(const struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->event_count; i++) {
        if (attempt->events[i].rejected != NULL)
            return true;
    }
    return false;
}

static struct ink_status run_handler(struct attempt *attempt, struct ink_db_tx *tx)
{
    const struct ink_consumer_settings *settings = &attempt->consumer->settings;
    if (attempt->event_count == 0)
        return ink_ok();
    struct ink_status status =
        settings->handle(settings->self, &attempt->ctx, tx, attempt->events, attempt->event_count);
    return any_rejected(attempt) ? ink_error(INK_INVALID_ARGUMENT, "rejected") : status;
}

static struct ink_status run(struct attempt *attempt)
{
    INK_DB_TX struct ink_db_tx *tx = NULL;
    struct ink_status status = ink_db_begin(attempt->consumer->settings.db, &attempt->ctx, &tx);
    if (ink_is_ok(status))
        status = note(attempt, tx);
    if (ink_is_ok(status))
        status = run_handler(attempt, tx);
    if (!ink_is_ok(status))
        return status;
    status = ink_db_commit(&tx);
    attempt->undecided = !ink_is_ok(status) && !status.undone;
    return status;
}

/* In any thread. The handler's spans continue the trace of its event, when it is just one. */
static void *attempt_main(void *arg)
{
    struct attempt *attempt = arg;
    attempt->ctx = ink_ctx_background(&attempt->arena);
    attempt->ctx.deadline = ink_now() + attempt->consumer->settings.timeout_ms * INK_MILLISECOND;
    (void)ink_trace_continue(&attempt->ctx.trace,
                             attempt->count == 1 ? attempt->items[0]->event.traceparent : NULL);
    if (attempt->count > 0)
        attempt->status = run(attempt);
    return NULL;
}

static void settle(struct attempt *attempt)
{
    struct ink_consumer *consumer = attempt->consumer;
    for (size_t i = 0; i < attempt->count; i++)
        attempt->items[i]->state = INK_ITEM_SETTLED;
    ink_consumer_count(consumer, &consumer->stats.handled, attempt->event_count);
    ink_consumer_count(consumer, &consumer->stats.repeated, attempt->count - attempt->event_count);
    if (consumer->settings.done != NULL)
        consumer->settings.done(consumer->settings.self, &attempt->ctx, attempt->events,
                                attempt->event_count, !consumer->undecided);
}

/* What the handler rejected becomes dead, with a reason that outlives this attempt. */
static bool take_rejections(struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->event_count; i++) {
        const char *reason = attempt->events[i].rejected;
        if (reason == NULL)
            continue;
        attempt->owners[i]->event.rejected = ink_arena_strdup(&attempt->consumer->arena, reason);
        attempt->owners[i]->state = INK_ITEM_DEAD;
    }
    return any_rejected(attempt);
}

/* These failed, and not for a reason that passes. OK when there is something else to try now. */
static struct ink_status judge(struct attempt *attempt, struct ink_status status)
{
    struct ink_item *item = attempt->items[0];
    if (take_rejections(attempt))
        return ink_ok(); /* the handler said which */
    if (attempt->count > 1) {
        attempt->consumer->suspicious = true;
        return ink_ok();
    }
    if (status.code != INK_INVALID_ARGUMENT && ++item->attempts < ATTEMPTS)
        return status;
    item->state = INK_ITEM_DEAD;
    item->event.rejected = status.cause != NULL ? status.cause : status.message;
    return ink_ok();
}

/* In the consumer's thread, after the transaction. The status's strings live in the batch's arena.
 */
static struct ink_status conclude(struct attempt *attempt)
{
    struct ink_status status = attempt->status;
    if (ink_is_ok(status)) {
        settle(attempt);
    } else {
        status = ink_status_copy(&attempt->consumer->arena, status);
        if (!is_transient(status.code))
            status = judge(attempt, status);
    }
    ink_arena_release(&attempt->arena);
    return status;
}

/* All of them at the same time, as far as there are threads. */
static void run_parts(struct attempt *parts, size_t count)
{
    pthread_t threads[N_PARTS];
    bool started[N_PARTS] = {false};
    for (size_t i = 1; i < count; i++)
        started[i] = pthread_create(&threads[i], NULL, attempt_main, &parts[i]) == 0;
    for (size_t i = 0; i < count; i++) {
        if (started[i])
            pthread_join(threads[i], NULL);
        else
            (void)attempt_main(&parts[i]);
    }
}

/* Before any of them is told. An attempt without outcome is decided by the next one with the same
 * events, which finds them in the inbox, or else not, and waits there as long as neither is so. */
static void find_undecided(struct ink_consumer *consumer, const struct attempt *parts, size_t count,
                           bool whole)
{
    bool all = whole;
    for (size_t i = 0; i < count; i++) {
        consumer->undecided |= parts[i].undecided;
        all = all && ink_is_ok(parts[i].status);
    }
    if (all)
        consumer->undecided = false;
}

/* `whole`: these are all of the batch that are not settled. */
static struct ink_status try(struct ink_consumer *consumer, struct ink_item **items, size_t count,
                             bool whole)
{
    struct attempt parts[N_PARTS];
    size_t n_parts = count < DIVIDE_FROM ? 1 : N_PARTS;
    for (size_t i = 0; i < n_parts; i++) {
        parts[i] = (struct attempt){.consumer = consumer};
        ink_arena_init(&parts[i].arena);
        parts[i].items = ink_arena_calloc(&parts[i].arena, count, sizeof(struct ink_item *));
    }
    for (size_t i = 0; i < count; i++) {
        struct attempt *part = &parts[items[i]->event.lane % n_parts];
        part->items[part->count++] = items[i];
    }
    run_parts(parts, n_parts);
    find_undecided(consumer, parts, n_parts, whole);
    struct ink_status status = ink_ok();
    for (size_t i = 0; i < n_parts; i++) {
        struct ink_status one = conclude(&parts[i]);
        status = ink_is_ok(status) ? one : status;
    }
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

struct ink_status ink_consumer_apply(struct ink_consumer *consumer)
{
    struct ink_item **items = ink_calloc(consumer->item_count + 1, sizeof(struct ink_item *));
    struct ink_status status = ink_ok();
    size_t left;
    while (ink_is_ok(status) && (left = collect_fresh(consumer, items)) > 0) {
        size_t count = consumer->suspicious ? 1 : left;
        status = try(consumer, items, count, count == left);
    }
    free(items);
    return status;
}
