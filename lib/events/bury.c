/*
 * Dead letters on their way out: see dead_letters.h for what they look like, and letter.h for how
 * they are written.
 *
 * That a message was put aside is noted in the inbox, under its place and time, before its offset
 * is committed. Whoever gets it again, because a rebalance came first, finds the note. A letter
 * that Kafka has not confirmed in time is waited for at the next attempt, not sent again.
 */
#include <inttypes.h>
#include <string.h>

#include "lib/events/consumer_internal.h"
#include "lib/events/letter.h"

/* In the inbox the notes are another consumer's, so that no event's id can be taken for one. */
static const struct ink_db_statement find_notes = {
    .name = "ink_dead_find",
    .sql = "SELECT event_id FROM inbox WHERE consumer = $1 || '" INK_DEAD_SUFFIX "'"
           " AND event_id = ANY ($2::text[])"};

static const struct ink_db_statement write_notes = {
    .name = "ink_dead_note",
    .sql = "INSERT INTO inbox (consumer, event_id) SELECT $1 || '" INK_DEAD_SUFFIX "',"
           " unnest($2::text[]) ON CONFLICT DO NOTHING"};

/* The time tells a topic from a later one of the same name. */
static const char *place_of(struct ink_arena *arena, const struct ink_item *item)
{
    const struct ink_raw_message *raw = &item->raw;
    return ink_arena_printf(arena, "%s/%" PRId32 "/%" PRId64 "@%" PRId64, raw->topic,
                            raw->partition, raw->offset, raw->time);
}

/* The places of the items in this state. */
static size_t list_places(struct ink_consumer *consumer, enum ink_item_state state,
                          struct ink_db_params *params)
{
    struct ink_arena *arena = params->arena;
    const char **places = ink_arena_calloc(arena, consumer->item_count, sizeof(*places));
    size_t count = 0;
    for (size_t i = 0; i < consumer->item_count; i++) {
        if (consumer->items[i].state == state)
            places[count++] = place_of(arena, &consumer->items[i]);
    }
    ink_db_add_text(params, consumer->settings.group);
    ink_db_add_text_array(params, places, count);
    return count;
}

static bool has_row(const struct ink_db_rows *rows, const char *text)
{
    for (size_t i = 0; i < ink_db_row_count(rows); i++) {
        if (strcmp(ink_db_text(rows, i, 0), text) == 0)
            return true;
    }
    return false;
}

/* Those that were put aside before, by whomever, are settled. */
static struct ink_status pass_over_known(struct ink_consumer *consumer, const struct ink_ctx *ctx)
{
    INK_DB_ROWS struct ink_db_rows rows = {0};
    struct ink_db_params params = ink_db_params(ctx->arena);
    if (list_places(consumer, INK_ITEM_DEAD, &params) == 0)
        return ink_ok();
    struct ink_status status =
        ink_db_query(consumer->settings.db, ctx, &find_notes, &params, &rows);
    for (size_t i = 0; ink_is_ok(status) && i < consumer->item_count; i++) {
        struct ink_item *item = &consumer->items[i];
        if (item->state != INK_ITEM_DEAD || !has_row(&rows, place_of(ctx->arena, item)))
            continue;
        item->state = INK_ITEM_SETTLED;
        ink_consumer_count(consumer, &consumer->stats.repeated, 1);
    }
    return status;
}

static struct ink_status note_buried(struct ink_consumer *consumer, const struct ink_ctx *ctx)
{
    struct ink_db_params params = ink_db_params(ctx->arena);
    if (list_places(consumer, INK_ITEM_BURIED, &params) == 0)
        return ink_ok();
    struct ink_status status =
        ink_db_query(consumer->settings.db, ctx, &write_notes, &params, NULL);
    for (size_t i = 0; ink_is_ok(status) && i < consumer->item_count; i++) {
        if (consumer->items[i].state == INK_ITEM_BURIED)
            consumer->items[i].state = INK_ITEM_SETTLED;
    }
    return status;
}

static struct ink_status post(struct ink_consumer *consumer, const struct ink_ctx *ctx,
                              struct ink_item *item, bool whole)
{
    const struct ink_letter_reason reason = {.group = consumer->settings.group,
                                             .event_id = item->event.id,
                                             .text = item->event.rejected};
    struct ink_message *letter = ink_arena_calloc(&consumer->arena, 1, sizeof(*letter));
    ink_letter_write(&consumer->arena, &item->raw, &reason, whole, letter);
    struct ink_status status = ink_producer_ensure_topic(consumer->producer, ctx, letter->topic, 1);
    if (!ink_is_ok(status))
        return status;
    ink_producer_send(consumer->producer, letter);
    item->letter = letter;
    return ink_ok();
}

static struct ink_status await(struct ink_consumer *consumer, const struct ink_ctx *ctx,
                               const struct ink_item *item)
{
    struct ink_status status = ink_ok();
    while (ink_is_ok(status) && item->letter->state == INK_MESSAGE_PENDING) {
        (void)ink_producer_wait(consumer->producer, 100);
        status = ink_producer_check(consumer->producer, ctx->arena);
        if (ink_is_ok(status) && item->letter->state == INK_MESSAGE_PENDING)
            status = ink_ctx_check(ctx);
    }
    return status;
}

static void discard_producer(struct ink_consumer *consumer, struct ink_item *item)
{
    ink_producer_free(consumer->producer);
    consumer->producer = NULL;
    item->letter = NULL;
}

/* With its headers a message may be larger than Kafka takes: then it goes without its content,
 * which is where it came from, and the others do not wait for ever. */
static struct ink_status deliver(struct ink_consumer *consumer, const struct ink_ctx *ctx,
                                 struct ink_item *item)
{
    struct ink_status status = ink_ok();
    if (consumer->producer == NULL)
        status = ink_producer_new(ctx->arena, &consumer->settings.kafka, &consumer->producer);
    if (ink_is_ok(status) && item->letter == NULL)
        status = post(consumer, ctx, item, true);
    if (ink_is_ok(status))
        status = await(consumer, ctx, item);
    if (ink_is_ok(status) && item->letter->state == INK_MESSAGE_REFUSED) {
        status = post(consumer, ctx, item, false);
        if (ink_is_ok(status))
            status = await(consumer, ctx, item);
    }
    if (status.code == INK_DEADLINE_EXCEEDED)
        return status; /* to be waited for again */
    if (ink_is_ok(status) && item->letter->state != INK_MESSAGE_CONFIRMED)
        status = ink_kafka_error(ctx->arena, item->letter->error, item->letter->topic);
    if (!ink_is_ok(status))
        discard_producer(consumer, item);
    return status;
}

static void report(struct ink_consumer *consumer, const struct ink_item *item)
{
    ink_consumer_count(consumer, &consumer->stats.dead, 1);
    ink_events_report(&consumer->settings.kafka, true,
                      "event %s from %s/%" PRId32 "/%" PRId64 " is a dead letter now: %s",
                      item->event.id, item->raw.topic, item->raw.partition, item->raw.offset,
                      item->event.rejected);
}

static struct ink_status deliver_all(struct ink_consumer *consumer, const struct ink_ctx *ctx)
{
    struct ink_status status = ink_ok();
    for (size_t i = 0; i < consumer->item_count && ink_is_ok(status); i++) {
        struct ink_item *item = &consumer->items[i];
        if (item->state != INK_ITEM_DEAD)
            continue;
        status = deliver(consumer, ctx, item);
        if (!ink_is_ok(status))
            break;
        item->state = INK_ITEM_BURIED;
        report(consumer, item);
    }
    return status;
}

struct ink_status ink_consumer_bury(struct ink_consumer *consumer)
{
    struct ink_ctx ctx = ink_ctx_background(&consumer->arena);
    ctx.deadline = ink_now() + consumer->settings.timeout_ms * INK_MILLISECOND;
    struct ink_status status = pass_over_known(consumer, &ctx);
    if (ink_is_ok(status))
        status = deliver_all(consumer, &ctx);
    /* Also what was delivered before a failure: the batch may be taken away until the next try. */
    ctx.deadline = ink_now() + consumer->settings.timeout_ms * INK_MILLISECOND;
    struct ink_status noted = note_buried(consumer, &ctx);
    return ink_is_ok(status) ? noted : status;
}

void ink_consumer_forget_letters(struct ink_consumer *consumer)
{
    if (consumer->producer == NULL || ink_producer_wait(consumer->producer, 0) == 0)
        return;
    ink_producer_free(consumer->producer);
    consumer->producer = NULL;
}
