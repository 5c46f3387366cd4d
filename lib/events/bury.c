/* Dead letters on their way out: see dead_letters.h for what they look like. */
#include <inttypes.h>
#include <string.h>

#include "lib/events/consumer_internal.h"

/* Text that a header takes: reasons come from handlers and databases. */
#define LONGEST_REASON 1000
#define OWN_HEADERS 7

static void add(struct ink_message *message, struct ink_header *headers, const char *name,
                const char *value)
{
    headers[message->header_count++] =
        (struct ink_header){name, value, strnlen(value, LONGEST_REASON)};
}

static void describe(struct ink_consumer *consumer, const struct ink_item *item,
                     struct ink_message *ret_message)
{
    struct ink_arena *arena = &consumer->arena;
    const struct ink_raw_message *raw = &item->raw;
    struct ink_header *headers =
        ink_arena_calloc(arena, raw->header_count + OWN_HEADERS, sizeof(*headers));
    for (size_t i = 0; i < raw->header_count; i++)
        headers[i] = raw->headers[i];
    *ret_message = (struct ink_message){.topic = ink_arena_printf(arena, "%s.DLT", raw->topic),
                                        .key = raw->key,
                                        .key_size = raw->key_size,
                                        .payload = raw->payload,
                                        .payload_size = raw->payload_size,
                                        .headers = headers,
                                        .header_count = raw->header_count};
    add(ret_message, headers, "kafka_dlt-original-topic", raw->topic);
    add(ret_message, headers, "kafka_dlt-original-partition",
        ink_arena_printf(arena, "%" PRId32, raw->partition));
    add(ret_message, headers, "kafka_dlt-original-offset",
        ink_arena_printf(arena, "%" PRId64, raw->offset));
    add(ret_message, headers, "kafka_dlt-original-timestamp",
        ink_arena_printf(arena, "%" PRId64, raw->time));
    add(ret_message, headers, "kafka_dlt-original-consumer-group", consumer->settings.group);
    add(ret_message, headers, "kafka_dlt-exception-message", item->event.rejected);
    if (ink_message_header(raw, INK_HEADER_EVENT_ID) == NULL)
        add(ret_message, headers, INK_HEADER_EVENT_ID, item->event.id);
}

static struct ink_status deliver(struct ink_consumer *consumer, const struct ink_ctx *ctx,
                                 const struct ink_item *item)
{
    struct ink_message *message = ink_arena_calloc(&consumer->arena, 1, sizeof(*message));
    describe(consumer, item, message);
    struct ink_status status = ink_ok();
    if (consumer->producer == NULL)
        status = ink_producer_new(ctx->arena, &consumer->settings.kafka, &consumer->producer);
    if (ink_is_ok(status))
        status = ink_producer_ensure_topic(consumer->producer, ctx, message->topic, 1);
    if (ink_is_ok(status))
        status = ink_producer_send_all(consumer->producer, ctx, message, 1);
    if (!ink_is_ok(status)) {
        ink_producer_free(consumer->producer);
        consumer->producer = NULL;
    }
    return status;
}

struct ink_status ink_consumer_bury(struct ink_consumer *consumer)
{
    struct ink_ctx ctx = ink_ctx_background(&consumer->arena);
    ctx.deadline = ink_now() + consumer->settings.timeout_ms * INK_MILLISECOND;
    struct ink_status status = ink_ok();
    for (size_t i = 0; i < consumer->item_count && ink_is_ok(status); i++) {
        struct ink_item *item = &consumer->items[i];
        if (item->state != INK_ITEM_DEAD)
            continue;
        status = deliver(consumer, &ctx, item);
        if (!ink_is_ok(status))
            break;
        item->state = INK_ITEM_SETTLED;
        ink_consumer_count(consumer, &consumer->stats.dead, 1);
        ink_events_report(&consumer->settings.kafka, true,
                          "event %s from %s/%" PRId32 "/%" PRId64 " is a dead letter now: %s",
                          item->event.id, item->raw.topic, item->raw.partition, item->raw.offset,
                          item->event.rejected);
    }
    return status;
}
