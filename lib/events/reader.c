#include "lib/events/reader.h"

#include <time.h>

#include "lib/base/clock.h"

#define LONGEST_WAIT_MS 30000

static const struct ink_kafka_property common[] = {
    {"enable.auto.commit", "false"},       {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "earliest"},     {"enable.partition.eof", "true"},
    {"allow.auto.create.topics", "false"}, {NULL, NULL}};

static int left_ms(const struct ink_ctx *ctx)
{
    return (int)ink_deadline_left_ms(ctx->deadline, LONGEST_WAIT_MS);
}

struct ink_status ink_reader_open(const struct ink_ctx *ctx,
                                  const struct ink_kafka_settings *settings, const char *group,
                                  rd_kafka_t **ret_rk)
{
    struct ink_kafka_property all[INK_COUNT(common) + 1] = {{"group.id", group}};
    for (size_t i = 0; i < INK_COUNT(common); i++)
        all[i + 1] = common[i];
    const struct ink_kafka_client client = {.type = RD_KAFKA_CONSUMER, .properties = all};
    struct ink_status status = ink_kafka_open(ctx->arena, settings, &client, ret_rk);
    if (ink_is_ok(status))
        rd_kafka_poll_set_consumer(*ret_rk);
    return status;
}

static void add_partitions(const rd_kafka_metadata_topic_t *topic,
                           rd_kafka_topic_partition_list_t *list)
{
    if (topic->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    for (int i = 0; i < topic->partition_cnt; i++)
        rd_kafka_topic_partition_list_add(list, topic->topic, topic->partitions[i].id);
}

struct ink_status ink_reader_partitions(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                        const char *topic,
                                        rd_kafka_topic_partition_list_t **ret_list)
{
    const rd_kafka_metadata_t *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    if (handle == NULL)
        return ink_error(INK_INVALID_ARGUMENT, "not the name of a topic");
    rd_kafka_resp_err_t error = rd_kafka_metadata(rk, 0, handle, &metadata, left_ms(ctx));
    rd_kafka_topic_destroy(handle);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ink_kafka_error(ctx->arena, error, "ask for partitions");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    for (int i = 0; i < metadata->topic_cnt; i++)
        add_partitions(&metadata->topics[i], list);
    rd_kafka_metadata_destroy(metadata);
    *ret_list = list;
    return ink_ok();
}

struct ink_status ink_reader_topics(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                    const char ***ret_topics, size_t *ret_count)
{
    const rd_kafka_metadata_t *metadata = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(rk, 1, NULL, &metadata, left_ms(ctx));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ink_kafka_error(ctx->arena, error, "ask for topics");
    size_t count = 0;
    const char **topics =
        ink_arena_calloc(ctx->arena, (size_t)metadata->topic_cnt + 1, sizeof(*topics));
    for (int i = 0; i < metadata->topic_cnt; i++)
        topics[count++] = ink_arena_strdup(ctx->arena, metadata->topics[i].topic);
    rd_kafka_metadata_destroy(metadata);
    *ret_topics = topics;
    *ret_count = count;
    return ink_ok();
}

struct ink_status ink_reader_committed(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                       rd_kafka_topic_partition_list_t *list)
{
    if (list->cnt == 0)
        return ink_ok();
    rd_kafka_resp_err_t error = rd_kafka_committed(rk, list, left_ms(ctx));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ink_kafka_error(ctx->arena, error, "ask for committed offsets");
    for (int i = 0; i < list->cnt; i++) {
        if (list->elems[i].offset < 0)
            list->elems[i].offset = -1;
    }
    return ink_ok();
}

/* A partition that is being made, or moved, has no leader for a moment. */
static bool passes(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

struct ink_status ink_reader_bounds(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                    const rd_kafka_topic_partition_t *partition, int64_t *ret_low,
                                    int64_t *ret_high)
{
    static const struct timespec pause = {.tv_nsec = 100 * INK_MILLISECOND};
    rd_kafka_resp_err_t error;
    do {
        error = rd_kafka_query_watermark_offsets(rk, partition->topic, partition->partition,
                                                 ret_low, ret_high, left_ms(ctx));
    } while (passes(error) && left_ms(ctx) > 0 && nanosleep(&pause, NULL) == 0);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ink_kafka_error(ctx->arena, error, "ask for offsets");
    return ink_ok();
}

/* Which partitions have something to read, and from where. */
static struct ink_status choose(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                const rd_kafka_topic_partition_list_t *from,
                                rd_kafka_topic_partition_list_t *chosen)
{
    struct ink_status status = ink_ok();
    for (int i = 0; i < from->cnt && ink_is_ok(status); i++) {
        int64_t low = 0, high = 0, start = from->elems[i].offset;
        status = ink_reader_bounds(rk, ctx, &from->elems[i], &low, &high);
        if (start < low)
            start = low;
        if (ink_is_ok(status) && start < high)
            rd_kafka_topic_partition_list_add(chosen, from->elems[i].topic,
                                              from->elems[i].partition)
                ->offset = start;
    }
    return status;
}

/* `open` are the partitions whose end is still to come. One that goes on growing, as by what is
 * written about the letters in it, comes to an end several times. */
static struct ink_status read_all(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                  rd_kafka_topic_partition_list_t *open, struct ink_arena *arena,
                                  ink_reader_fn *visit, void *self)
{
    while (open->cnt > 0) {
        struct ink_status status = ink_ctx_check(ctx);
        if (!ink_is_ok(status))
            return status;
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 100);
        if (message == NULL)
            continue;
        bool more = true;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            rd_kafka_topic_partition_list_del(open, rd_kafka_topic_name(message->rkt),
                                              message->partition);
        } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            struct ink_raw_message raw;
            ink_message_copy(arena, message, &raw);
            more = visit(self, &raw);
        }
        rd_kafka_message_destroy(message);
        if (!more)
            break;
    }
    return ink_ok();
}

struct ink_status ink_reader_read(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                  const rd_kafka_topic_partition_list_t *from,
                                  struct ink_arena *arena, ink_reader_fn *visit, void *self)
{
    INK_KAFKA_LIST *chosen = rd_kafka_topic_partition_list_new(8);
    struct ink_status status = choose(rk, ctx, from, chosen);
    if (!ink_is_ok(status) || chosen->cnt == 0)
        return status;
    rd_kafka_assign(rk, chosen);
    status = read_all(rk, ctx, chosen, arena, visit, self);
    rd_kafka_assign(rk, NULL);
    return status;
}
