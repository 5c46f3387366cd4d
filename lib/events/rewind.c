#include "lib/events/rewind.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/events/reader.h"

#define LONGEST_WAIT_MS 30000

static struct ink_status find_group(const struct ink_kafka_settings *settings,
                                    const struct ink_ctx *ctx, const char *name,
                                    struct ink_group *ret_group)
{
    struct ink_group *groups = NULL;
    size_t count = 0;
    struct ink_status status = ink_groups_list(settings, ctx, &groups, &count);
    if (!ink_is_ok(status))
        return status;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(groups[i].name, name) != 0)
            continue;
        if (groups[i].members > 0)
            return ink_errorf(ctx->arena, INK_FAILED_PRECONDITION,
                              "%s has %zu members: stop its consumers first", name,
                              groups[i].members);
        *ret_group = groups[i];
        return ink_ok();
    }
    return ink_errorf(ctx->arena, INK_NOT_FOUND, "no group %s has committed anything", name);
}

/* The offsets of the first messages since then; -1 where there are none. */
static struct ink_status find_offsets(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                      const struct ink_group *group, int64_t since,
                                      rd_kafka_topic_partition_list_t *list)
{
    for (size_t i = 0; i < group->partition_count; i++) {
        const struct ink_group_partition *one = &group->partitions[i];
        rd_kafka_topic_partition_list_add(list, one->topic, one->partition)->offset = since / 1000;
    }
    rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(
        rk, list, (int)ink_deadline_left_ms(ctx->deadline, LONGEST_WAIT_MS));
    for (int i = 0; i < list->cnt && error == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        error = list->elems[i].err;
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ink_kafka_error(ctx->arena, error, "ask for offsets by time");
    return ink_ok();
}

/* Keeps in `group`, and puts into `moves`, what goes back. */
static void choose_back(struct ink_group *group, rd_kafka_topic_partition_list_t *found,
                        rd_kafka_topic_partition_list_t *moves)
{
    size_t kept = 0;
    group->lag = 0;
    for (size_t i = 0; i < group->partition_count; i++) {
        struct ink_group_partition one = group->partitions[i];
        int64_t first = rd_kafka_topic_partition_list_find(found, one.topic, one.partition)->offset;
        if (first < 0 || first >= one.next)
            continue;
        rd_kafka_topic_partition_list_add(moves, one.topic, one.partition)->offset = first;
        one.next = first;
        one.lag = one.end > first ? one.end - first : 0;
        group->lag += one.lag;
        group->partitions[kept++] = one;
    }
    group->partition_count = kept;
}

/* The same for what goes to the end. */
static void choose_end(struct ink_group *group, rd_kafka_topic_partition_list_t *moves)
{
    size_t kept = 0;
    for (size_t i = 0; i < group->partition_count; i++) {
        struct ink_group_partition one = group->partitions[i];
        if (one.next >= one.end)
            continue;
        rd_kafka_topic_partition_list_add(moves, one.topic, one.partition)->offset = one.end;
        one.next = one.end;
        group->partitions[kept++] = one;
    }
    group->partition_count = kept;
}

static struct ink_status commit(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                const rd_kafka_topic_partition_list_t *moves)
{
    if (moves->cnt == 0)
        return ink_ok();
    rd_kafka_resp_err_t error = rd_kafka_commit(rk, moves, 0);
    for (int i = 0; i < moves->cnt && error == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        error = moves->elems[i].err;
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ink_kafka_error(ctx->arena, error, "commit offsets");
    return ink_ok();
}

struct ink_status ink_group_rewind(const struct ink_kafka_settings *settings,
                                   const struct ink_ctx *ctx, const char *name, int64_t since,
                                   struct ink_group *ret_group)
{
    INK_KAFKA *rk = NULL;
    INK_KAFKA_LIST *found = rd_kafka_topic_partition_list_new(16);
    INK_KAFKA_LIST *moves = rd_kafka_topic_partition_list_new(16);
    struct ink_group group;
    struct ink_status status = find_group(settings, ctx, name, &group);
    if (ink_is_ok(status))
        status = ink_reader_open(ctx, settings, name, &rk);
    if (ink_is_ok(status))
        status = find_offsets(rk, ctx, &group, since, found);
    if (!ink_is_ok(status))
        return status;
    choose_back(&group, found, moves);
    status = commit(rk, ctx, moves);
    if (ink_is_ok(status))
        *ret_group = group;
    return status;
}

struct ink_status ink_group_skip(const struct ink_kafka_settings *settings,
                                 const struct ink_ctx *ctx, const char *name,
                                 struct ink_group *ret_group)
{
    INK_KAFKA *rk = NULL;
    INK_KAFKA_LIST *moves = rd_kafka_topic_partition_list_new(16);
    struct ink_group group;
    struct ink_status status = find_group(settings, ctx, name, &group);
    if (ink_is_ok(status))
        status = ink_reader_open(ctx, settings, name, &rk);
    if (!ink_is_ok(status))
        return status;
    choose_end(&group, moves);
    status = commit(rk, ctx, moves);
    if (ink_is_ok(status))
        *ret_group = group;
    return status;
}
