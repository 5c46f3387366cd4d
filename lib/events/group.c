/*
 * The consumer as a member of its group. Rebalances are served from the consumer's own poll,
 * between batches: what was collected but not dealt with is dropped and comes again to whoever gets
 * the partition.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/events/consumer_internal.h"

#define COMMITTED_TIMEOUT_MS 5000
#define COMMIT_AGAIN_INTERVAL INK_SECOND
#define QUERY_TIMEOUT_MS 500
#define MEASURE_INTERVAL (2 * INK_SECOND)

void ink_consumer_clear_positions(struct ink_consumer *consumer)
{
    for (size_t i = 0; i < consumer->position_count; i++)
        free(consumer->positions[i].topic);
    free(consumer->positions);
    consumer->positions = NULL;
    consumer->position_count = 0;
}

static void set_positions(struct ink_consumer *consumer,
                          const rd_kafka_topic_partition_list_t *partitions)
{
    pthread_mutex_lock(&consumer->lock);
    ink_consumer_clear_positions(consumer);
    size_t count = partitions != NULL ? (size_t)partitions->cnt : 0;
    consumer->positions = ink_calloc(count + 1, sizeof(*consumer->positions));
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_topic_partition_t *partition = &partitions->elems[i];
        consumer->positions[i] =
            (struct ink_position){.topic = ink_strdup(partition->topic),
                                  .partition = partition->partition,
                                  .next = partition->offset >= 0 ? partition->offset : -1};
    }
    consumer->position_count = count;
    consumer->stats.joined = count > 0;
    consumer->stats.rebalances += partitions != NULL;
    pthread_mutex_unlock(&consumer->lock);
}

/* Where to start: asked here, so that the lag is known before the first message. If Kafka does not
 * say, librdkafka asks again by itself. */
static void assign(struct ink_consumer *consumer, rd_kafka_topic_partition_list_t *partitions)
{
    if (rd_kafka_committed(consumer->rk, partitions, COMMITTED_TIMEOUT_MS) !=
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        for (int i = 0; i < partitions->cnt; i++)
            partitions->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
    }
    for (int i = 0; i < partitions->cnt; i++) {
        if (partitions->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            partitions->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
    }
    rd_kafka_assign(consumer->rk, partitions);
    set_positions(consumer, partitions);
    if (consumer->paused)
        rd_kafka_pause_partitions(consumer->rk, partitions);
}

/* librdkafka keeps a partition paused while somebody else has it, and when it comes back: nobody
 * would read it then. */
static void revoke(struct ink_consumer *consumer, rd_kafka_topic_partition_list_t *partitions)
{
    ink_consumer_abandon(consumer);
    ink_consumer_drop_batch(consumer);
    if (consumer->paused)
        rd_kafka_resume_partitions(consumer->rk, partitions);
    if (!rd_kafka_assignment_lost(consumer->rk))
        rd_kafka_commit(consumer->rk, NULL, 0);
    rd_kafka_assign(consumer->rk, NULL);
    set_positions(consumer, NULL);
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t error,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    (void)rk;
    struct ink_consumer *consumer = opaque;
    if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        assign(consumer, partitions);
    else
        revoke(consumer, partitions);
}

static void on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t error,
                      rd_kafka_topic_partition_list_t *offsets, void *opaque)
{
    (void)rk;
    (void)offsets;
    struct ink_consumer *consumer = opaque;
    consumer->commit_failed =
        error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR__NO_OFFSET;
}

void ink_consumer_configure(rd_kafka_conf_t *conf, void *consumer)
{
    (void)consumer;
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
}

/* With the lock held. */
static void advance(struct ink_consumer *consumer, const struct ink_raw_message *raw)
{
    for (size_t i = 0; i < consumer->position_count; i++) {
        struct ink_position *position = &consumer->positions[i];
        if (position->partition == raw->partition && strcmp(position->topic, raw->topic) == 0 &&
            position->next <= raw->offset)
            position->next = raw->offset + 1;
    }
}

static void list_positions(struct ink_consumer *consumer, rd_kafka_topic_partition_list_t *list)
{
    pthread_mutex_lock(&consumer->lock);
    for (size_t i = 0; i < consumer->position_count; i++) {
        const struct ink_position *position = &consumer->positions[i];
        if (position->next >= 0)
            rd_kafka_topic_partition_list_add(list, position->topic, position->partition)->offset =
                position->next;
    }
    pthread_mutex_unlock(&consumer->lock);
}

/* Does not wait for the answer, see on_commit(); what is stored goes out again when the partitions
 * are given up. */
static void commit_positions(struct ink_consumer *consumer)
{
    INK_KAFKA_LIST *list = rd_kafka_topic_partition_list_new(16);
    list_positions(consumer, list);
    if (list->cnt == 0)
        return;
    rd_kafka_offsets_store(consumer->rk, list);
    if (rd_kafka_commit(consumer->rk, list, 1) != RD_KAFKA_RESP_ERR_NO_ERROR)
        consumer->commit_failed = true;
    consumer->next_commit = ink_now() + COMMIT_AGAIN_INTERVAL;
}

void ink_consumer_commit(struct ink_consumer *consumer)
{
    pthread_mutex_lock(&consumer->lock);
    for (size_t i = 0; i < consumer->item_count; i++)
        advance(consumer, &consumer->items[i].raw);
    pthread_mutex_unlock(&consumer->lock);
    commit_positions(consumer);
}

void ink_consumer_commit_again(struct ink_consumer *consumer)
{
    if (!consumer->commit_failed || ink_now() < consumer->next_commit)
        return;
    consumer->commit_failed = false;
    commit_positions(consumer);
}

void ink_consumer_pause(struct ink_consumer *consumer, bool pause)
{
    if (consumer->paused == pause)
        return;
    consumer->paused = pause;
    INK_KAFKA_LIST *assigned = NULL;
    if (rd_kafka_assignment(consumer->rk, &assigned) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (pause)
        rd_kafka_pause_partitions(consumer->rk, assigned);
    else
        rd_kafka_resume_partitions(consumer->rk, assigned);
}

void ink_consumer_measure(struct ink_consumer *consumer)
{
    if (!consumer->paused || ink_now() < consumer->next_measure)
        return;
    /* Only this thread changes which positions there are. */
    for (size_t i = 0; i < consumer->position_count; i++) {
        struct ink_position *position = &consumer->positions[i];
        int64_t low, high;
        if (rd_kafka_query_watermark_offsets(consumer->rk, position->topic, position->partition,
                                             &low, &high,
                                             QUERY_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
            break;
        pthread_mutex_lock(&consumer->lock);
        position->end = high;
        pthread_mutex_unlock(&consumer->lock);
    }
    consumer->next_measure = ink_now() + MEASURE_INTERVAL;
}

int64_t ink_consumer_lag(struct ink_consumer *consumer)
{
    int64_t lag = 0;
    for (size_t i = 0; i < consumer->position_count; i++) {
        const struct ink_position *position = &consumer->positions[i];
        int64_t low = 0, high = 0;
        if (rd_kafka_get_watermark_offsets(consumer->rk, position->topic, position->partition, &low,
                                           &high) != RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        high = position->end > high ? position->end : high;
        int64_t next = position->next >= 0 ? position->next : (low > 0 ? low : 0);
        lag += high > next ? high - next : 0;
    }
    return lag;
}
