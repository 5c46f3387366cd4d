#include "lib/events/dead_letters.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/events/reader.h"

#define DEFAULT_LIMIT 1000
#define PREFIX "kafka_dlt-"
/* Replayed at a time: then their offsets are committed. */
#define REPLAY_BATCH 100

static const char *dead_topic(struct ink_arena *arena, const char *topic)
{
    return ink_arena_printf(arena, "%s.DLT", topic);
}

static const char *replay_group(struct ink_arena *arena, const char *topic)
{
    return ink_arena_printf(arena, "%s.DLT-replay", topic);
}

/* The dead-letter topic's partitions, with the offsets up to which they were replayed. */
static struct ink_status open_topic(const struct ink_kafka_settings *settings,
                                    const struct ink_ctx *ctx, const char *topic, rd_kafka_t **rk,
                                    rd_kafka_topic_partition_list_t **list)
{
    struct ink_status status = ink_reader_open(ctx, settings, replay_group(ctx->arena, topic), rk);
    if (ink_is_ok(status))
        status = ink_reader_partitions(*rk, ctx, dead_topic(ctx->arena, topic), list);
    if (ink_is_ok(status))
        status = ink_reader_committed(*rk, ctx, *list);
    return status;
}

struct listing {
    const struct ink_ctx *ctx;
    const rd_kafka_topic_partition_list_t *replayed;
    struct ink_dead_letter *letters;
    size_t count;
    size_t limit;
};

static const char *header(const struct ink_raw_message *message, const char *name)
{
    const char *value = ink_message_header(message, name);
    return value != NULL ? value : "";
}

static bool was_replayed(const rd_kafka_topic_partition_list_t *replayed,
                         const struct ink_raw_message *message)
{
    for (int i = 0; i < replayed->cnt; i++) {
        if (replayed->elems[i].partition == message->partition)
            return message->offset < replayed->elems[i].offset;
    }
    return false;
}

static bool list_one(void *self, const struct ink_raw_message *message)
{
    struct listing *listing = self;
    const char *id = ink_message_header(message, "ce_id");
    listing->letters[listing->count++] = (struct ink_dead_letter){
        .partition = message->partition,
        .offset = message->offset,
        .time = message->time * 1000,
        .id = id != NULL ? id : header(message, INK_HEADER_EVENT_ID),
        .type = header(message, "ce_type"),
        .original_topic = header(message, PREFIX "original-topic"),
        .original_partition = (int32_t)atoll(header(message, PREFIX "original-partition")),
        .original_offset = atoll(header(message, PREFIX "original-offset")),
        .original_time = atoll(header(message, PREFIX "original-timestamp")) * 1000,
        .group = header(message, PREFIX "original-consumer-group"),
        .reason = header(message, PREFIX "exception-message"),
        .key = message->key != NULL ? message->key : "",
        .key_size = message->key_size,
        .payload = message->payload != NULL ? message->payload : "",
        .payload_size = message->payload_size,
        .replayed = was_replayed(listing->replayed, message)};
    return listing->count < listing->limit;
}

/* From the first letter on, replayed or not. */
static struct ink_status list_from_start(rd_kafka_t *rk, struct listing *listing)
{
    INK_KAFKA_LIST *from = rd_kafka_topic_partition_list_copy(listing->replayed);
    for (int i = 0; i < from->cnt; i++)
        from->elems[i].offset = -1;
    return ink_reader_read(rk, listing->ctx, from, list_one, listing);
}

struct ink_status ink_dead_letters_list(const struct ink_kafka_settings *settings,
                                        const struct ink_ctx *ctx, const char *topic, size_t limit,
                                        struct ink_dead_letter **ret_letters, size_t *ret_count)
{
    INK_KAFKA *rk = NULL;
    INK_KAFKA_LIST *replayed = NULL;
    struct listing listing = {.ctx = ctx, .limit = limit > 0 ? limit : DEFAULT_LIMIT};
    listing.letters = ink_arena_calloc(ctx->arena, listing.limit, sizeof(*listing.letters));
    struct ink_status status = open_topic(settings, ctx, topic, &rk, &replayed);
    listing.replayed = replayed;
    if (ink_is_ok(status))
        status = list_from_start(rk, &listing);
    if (!ink_is_ok(status))
        return status;
    *ret_letters = listing.letters;
    *ret_count = listing.count;
    return status;
}

struct replay {
    const struct ink_ctx *ctx;
    rd_kafka_t *rk;
    struct ink_producer *producer;
    rd_kafka_topic_partition_list_t *done;
    struct ink_message messages[REPLAY_BATCH];
    size_t pending;
    size_t count;
    struct ink_status status;
};

/* As it was before it died, but recognisable: with the identity that the consumer gave it. */
static void restore(struct replay *replay, const struct ink_raw_message *letter,
                    struct ink_message *ret_message)
{
    struct ink_header *headers =
        ink_arena_calloc(replay->ctx->arena, letter->header_count + 1, sizeof(*headers));
    size_t count = 0;
    for (size_t i = 0; i < letter->header_count; i++) {
        if (strncmp(letter->headers[i].name, PREFIX, strlen(PREFIX)) != 0)
            headers[count++] = letter->headers[i];
    }
    *ret_message = (struct ink_message){.topic = header(letter, PREFIX "original-topic"),
                                        .key = letter->key,
                                        .key_size = letter->key_size,
                                        .payload = letter->payload,
                                        .payload_size = letter->payload_size,
                                        .headers = headers,
                                        .header_count = count};
}

/* Kafka has them: they are not to be replayed again. */
static struct ink_status flush(struct replay *replay)
{
    if (replay->pending == 0)
        return ink_ok();
    struct ink_status status =
        ink_producer_send_all(replay->producer, replay->ctx, replay->messages, replay->pending);
    if (!ink_is_ok(status))
        return status;
    rd_kafka_resp_err_t error = rd_kafka_commit(replay->rk, replay->done, 0);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ink_kafka_error(replay->ctx->arena, error, "remember what was replayed");
    replay->count += replay->pending;
    replay->pending = 0;
    return ink_ok();
}

static bool replay_one(void *self, const struct ink_raw_message *letter)
{
    struct replay *replay = self;
    rd_kafka_topic_partition_t *done =
        rd_kafka_topic_partition_list_find(replay->done, letter->topic, letter->partition);
    if (done == NULL)
        done = rd_kafka_topic_partition_list_add(replay->done, letter->topic, letter->partition);
    done->offset = letter->offset + 1;
    /* What is no letter of ours has nowhere to go. */
    if (header(letter, PREFIX "original-topic")[0] != '\0')
        restore(replay, letter, &replay->messages[replay->pending++]);
    if (replay->pending == REPLAY_BATCH)
        replay->status = flush(replay);
    return ink_is_ok(replay->status);
}

static struct ink_status replay_all(struct replay *replay,
                                    const rd_kafka_topic_partition_list_t *from)
{
    struct ink_status status = ink_reader_read(replay->rk, replay->ctx, from, replay_one, replay);
    if (ink_is_ok(status))
        status = replay->status;
    return ink_is_ok(status) ? flush(replay) : status;
}

struct ink_status ink_dead_letters_replay(const struct ink_kafka_settings *settings,
                                          const struct ink_ctx *ctx, const char *topic,
                                          size_t *ret_count)
{
    INK_KAFKA *rk = NULL;
    INK_KAFKA_LIST *from = NULL;
    INK_KAFKA_LIST *done = rd_kafka_topic_partition_list_new(1);
    struct replay *replay = ink_arena_calloc(ctx->arena, 1, sizeof(*replay));
    struct ink_status status = open_topic(settings, ctx, topic, &rk, &from);
    if (ink_is_ok(status))
        status = ink_producer_new(ctx->arena, settings, &replay->producer);
    if (!ink_is_ok(status))
        return status;
    replay->ctx = ctx;
    replay->rk = rk;
    replay->done = done;
    status = replay_all(replay, from);
    ink_producer_free(replay->producer);
    if (ink_is_ok(status))
        *ret_count = replay->count;
    return status;
}

struct ink_status ink_group_lag(const struct ink_kafka_settings *settings,
                                const struct ink_ctx *ctx, const char *group, const char *topic,
                                int64_t *ret_lag)
{
    INK_KAFKA *rk = NULL;
    INK_KAFKA_LIST *list = NULL;
    int64_t lag = 0;
    struct ink_status status = ink_reader_open(ctx, settings, group, &rk);
    if (ink_is_ok(status))
        status = ink_reader_partitions(rk, ctx, topic, &list);
    if (ink_is_ok(status))
        status = ink_reader_committed(rk, ctx, list);
    for (int i = 0; ink_is_ok(status) && i < list->cnt; i++) {
        int64_t low = 0, high = 0, next = list->elems[i].offset;
        status = ink_reader_bounds(rk, ctx, &list->elems[i], &low, &high);
        lag += high - (next > low ? next : low);
    }
    if (ink_is_ok(status))
        *ret_lag = lag;
    return status;
}
