#include "lib/events/dead_letters.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/events/letter.h"
#include "lib/events/reader.h"

/* Settled at a time. */
#define BATCH 100
/* Nobody joins this group or commits for it; a consumer has to name one. */
#define GROUP "inkmesh-dead-letters"

static const char *dead_topic(struct ink_arena *arena, const char *topic)
{
    return ink_arena_printf(arena, "%s" INK_DEAD_SUFFIX, topic);
}

/* Topics */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct ink_status ink_dead_letters_topics(const struct ink_kafka_settings *settings,
                                          const struct ink_ctx *ctx, const char ***ret_topics,
                                          size_t *ret_count)
{
    INK_KAFKA *rk = NULL;
    const char **topics = NULL;
    size_t count = 0, kept = 0;
    struct ink_status status = ink_reader_open(ctx, settings, GROUP, &rk);
    if (ink_is_ok(status))
        status = ink_reader_topics(rk, ctx, &topics, &count);
    if (!ink_is_ok(status))
        return status;
    for (size_t i = 0; i < count; i++) {
        if (ink_letter_topic(topics[i]))
            topics[kept++] = ink_arena_strndup(ctx->arena, topics[i],
                                               strlen(topics[i]) - strlen(INK_DEAD_SUFFIX));
    }
    qsort(topics, kept, sizeof(*topics), by_name);
    *ret_topics = topics;
    *ret_count = kept;
    return status;
}

/* Listing */

struct listing {
    const struct ink_ctx *ctx;
    struct ink_dead_letter *letters; /* on the heap */
    size_t count;
    size_t cap;
};

static bool list_one(void *self, const struct ink_raw_message *message)
{
    struct listing *listing = self;
    if (listing->count == listing->cap) {
        listing->cap = listing->cap == 0 ? 64 : 2 * listing->cap;
        listing->letters = ink_realloc(listing->letters, listing->cap * sizeof(*listing->letters));
    }
    ink_letter_read(listing->ctx->arena, message, &listing->letters[listing->count++]);
    return true;
}

static void forget_offsets(rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = -1;
}

struct ink_status ink_dead_letters_list(const struct ink_kafka_settings *settings,
                                        const struct ink_ctx *ctx, const char *topic,
                                        struct ink_dead_letter **ret_letters, size_t *ret_count)
{
    INK_KAFKA *rk = NULL;
    INK_KAFKA_LIST *from = NULL;
    struct listing listing = {.ctx = ctx};
    struct ink_status status = ink_reader_open(ctx, settings, GROUP, &rk);
    if (ink_is_ok(status))
        status = ink_reader_partitions(rk, ctx, dead_topic(ctx->arena, topic), &from);
    if (ink_is_ok(status)) {
        forget_offsets(from);
        status = ink_reader_read(rk, ctx, from, ctx->arena, list_one, &listing);
    }
    if (ink_is_ok(status)) {
        *ret_count = listing.count > 0 ? ink_letters_merge(listing.letters, listing.count) : 0;
        *ret_letters = ink_arena_calloc(ctx->arena, *ret_count + 1, sizeof(**ret_letters));
        if (*ret_count > 0)
            memcpy(*ret_letters, listing.letters, *ret_count * sizeof(**ret_letters));
    }
    free(listing.letters);
    return status;
}

/* Settling: the letters are read again, by their places, for their headers. */

struct settling {
    const struct ink_kafka_settings *settings;
    const struct ink_ctx *ctx;
    struct ink_producer *producer;
    enum ink_dead_letter_fate fate;
    struct ink_dead_letter *letters; /* by partition and offset */
    size_t count;
    size_t next;            /* none of those before it is still to come in this partition */
    struct ink_arena arena; /* of the batch at hand */
    struct ink_dead_letter *chosen[BATCH];
    struct ink_message replays[BATCH];
    struct ink_message notes[BATCH];
    size_t pending;
    size_t settled;
    struct ink_status status;
};

static struct ink_status send_replays(struct settling *settling)
{
    struct ink_status status = ink_ok();
    int partitions = ink_kafka_partitions(settling->settings);
    if (settling->fate != INK_DEAD_LETTER_REPLAYED)
        return status;
    for (size_t i = 0; i < settling->pending && ink_is_ok(status); i++)
        status = ink_producer_ensure_topic(settling->producer, settling->ctx,
                                           settling->replays[i].topic, partitions);
    if (!ink_is_ok(status))
        return status;
    return ink_producer_send_all(settling->producer, settling->ctx, settling->replays,
                                 settling->pending);
}

/* What is replayed is in Kafka before it is noted: interrupted, it is replayed again. */
static struct ink_status flush(struct settling *settling)
{
    if (settling->pending == 0)
        return ink_ok();
    struct ink_status status = send_replays(settling);
    if (ink_is_ok(status))
        status = ink_producer_send_all(settling->producer, settling->ctx, settling->notes,
                                       settling->pending);
    if (!ink_is_ok(status))
        return status;
    for (size_t i = 0; i < settling->pending; i++) {
        settling->chosen[i]->settled = ink_dead_letter_fate_name(settling->fate);
        settling->chosen[i]->settled_time = ink_wall_clock();
    }
    settling->settled += settling->pending;
    settling->pending = 0;
    ink_arena_release(&settling->arena);
    return ink_ok();
}

static int by_place(const void *key, const void *element)
{
    const struct ink_raw_message *message = key;
    const struct ink_dead_letter *letter = element;
    if (message->partition != letter->partition)
        return message->partition < letter->partition ? -1 : 1;
    return (message->offset > letter->offset) - (message->offset < letter->offset);
}

static bool settle_one(void *self, const struct ink_raw_message *message)
{
    struct settling *settling = self;
    struct ink_dead_letter *letter =
        bsearch(message, settling->letters, settling->count, sizeof(*letter), by_place);
    if (letter == NULL || letter->settled != NULL)
        return true;
    if (settling->fate == INK_DEAD_LETTER_REPLAYED && letter->left_out > 0)
        return true;
    size_t at = settling->pending++;
    settling->chosen[at] = letter;
    ink_letter_restore(&settling->arena, message, letter, &settling->replays[at]);
    ink_letter_settle(&settling->arena, message, letter, settling->fate, &settling->notes[at]);
    if (settling->pending == BATCH)
        settling->status = flush(settling);
    return ink_is_ok(settling->status);
}

/* The partitions with letters to settle, each from its first one on. */
static rd_kafka_topic_partition_list_t *places(const struct settling *settling, const char *topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    for (size_t i = 0; i < settling->count; i++) {
        const struct ink_dead_letter *letter = &settling->letters[i];
        if (letter->settled != NULL ||
            rd_kafka_topic_partition_list_find(list, topic, letter->partition) != NULL)
            continue;
        rd_kafka_topic_partition_list_add(list, topic, letter->partition)->offset = letter->offset;
    }
    return list;
}

static struct ink_status settle_all(struct settling *settling, const char *topic)
{
    INK_KAFKA *rk = NULL;
    INK_KAFKA_LIST *from = places(settling, topic);
    if (from->cnt == 0)
        return ink_ok();
    struct ink_status status = ink_reader_open(settling->ctx, settling->settings, GROUP, &rk);
    if (ink_is_ok(status))
        status = ink_producer_new(settling->ctx->arena, settling->settings, &settling->producer);
    if (ink_is_ok(status))
        status = ink_reader_read(rk, settling->ctx, from, &settling->arena, settle_one, settling);
    if (ink_is_ok(status))
        status = settling->status;
    return ink_is_ok(status) ? flush(settling) : status;
}

struct ink_status ink_dead_letters_settle(const struct ink_kafka_settings *settings,
                                          const struct ink_ctx *ctx, const char *topic,
                                          struct ink_dead_letter *letters, size_t count,
                                          enum ink_dead_letter_fate fate, size_t *ret_count)
{
    struct settling *settling = ink_calloc(1, sizeof(*settling));
    settling->settings = settings;
    settling->ctx = ctx;
    settling->fate = fate;
    settling->letters = letters;
    settling->count = count;
    ink_arena_init(&settling->arena);
    struct ink_status status = settle_all(settling, dead_topic(ctx->arena, topic));
    *ret_count = settling->settled;
    ink_producer_free(settling->producer); /* before its messages */
    ink_arena_release(&settling->arena);
    free(settling);
    return status;
}
