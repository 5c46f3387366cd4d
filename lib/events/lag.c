#include "lib/events/lag.h"

#include <stdlib.h>
#include <string.h>

#include "lib/events/question.h"
#include "lib/events/reader.h"

#define LONGEST_WAIT_MS 30000
/* Nobody joins this group; a consumer has to name one. */
#define GROUP "inkmesh-lag"

static struct ink_question ask(rd_kafka_t *rk, const struct ink_ctx *ctx, rd_kafka_admin_op_t op)
{
    return ink_question_begin(rk, ctx, op, LONGEST_WAIT_MS);
}

static struct ink_status answer(struct ink_question *question, const struct ink_ctx *ctx,
                                const char *doing, rd_kafka_event_t **ret_event)
{
    rd_kafka_resp_err_t error = ink_question_end(question, ctx, ret_event);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? ink_ok()
                                               : ink_kafka_error(ctx->arena, error, doing);
}

static struct ink_status list_names(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                    const char ***ret_names, size_t *ret_count)
{
    INK_ANSWER *event = NULL;
    struct ink_question question = ask(rk, ctx, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS);
    rd_kafka_ListConsumerGroups(rk, question.options, question.queue);
    struct ink_status status = answer(&question, ctx, "ask for consumer groups", &event);
    if (!ink_is_ok(status))
        return status;
    size_t count = 0;
    const rd_kafka_ConsumerGroupListing_t **list = rd_kafka_ListConsumerGroups_result_valid(
        rd_kafka_event_ListConsumerGroups_result(event), &count);
    *ret_names = ink_arena_calloc(ctx->arena, count + 1, sizeof(**ret_names));
    for (size_t i = 0; i < count; i++)
        (*ret_names)[i] =
            ink_arena_strdup(ctx->arena, rd_kafka_ConsumerGroupListing_group_id(list[i]));
    *ret_count = count;
    return status;
}

static void add_partitions(rd_kafka_topic_partition_list_t *list,
                           const rd_kafka_topic_partition_list_t *more)
{
    for (int i = 0; more != NULL && i < more->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &more->elems[i];
        if (rd_kafka_topic_partition_list_find(list, one->topic, one->partition) == NULL)
            rd_kafka_topic_partition_list_add(list, one->topic, one->partition)->offset = -1;
    }
}

static void describe_one(const rd_kafka_ConsumerGroupDescription_t *group, struct ink_arena *arena,
                         struct ink_group *ret_group, rd_kafka_topic_partition_list_t *assigned)
{
    ret_group->state = ink_arena_strdup(
        arena, rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(group)));
    ret_group->members = rd_kafka_ConsumerGroupDescription_member_count(group);
    for (size_t i = 0; i < ret_group->members; i++) {
        const rd_kafka_MemberAssignment_t *assignment = rd_kafka_MemberDescription_assignment(
            rd_kafka_ConsumerGroupDescription_member(group, i));
        add_partitions(assigned, rd_kafka_MemberAssignment_partitions(assignment));
    }
}

/* State, members, and what they are assigned. */
static struct ink_status describe(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                  struct ink_group *group,
                                  rd_kafka_topic_partition_list_t *assigned)
{
    INK_ANSWER *event = NULL;
    size_t count = 0;
    struct ink_question question = ask(rk, ctx, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
    const char *names[] = {group->name};
    rd_kafka_DescribeConsumerGroups(rk, names, 1, question.options, question.queue);
    struct ink_status status = answer(&question, ctx, "ask for a consumer group", &event);
    if (!ink_is_ok(status))
        return status;
    const rd_kafka_ConsumerGroupDescription_t **list =
        rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(event), &count);
    group->state = "Unknown";
    if (count > 0 && rd_kafka_ConsumerGroupDescription_error(list[0]) == NULL)
        describe_one(list[0], ctx->arena, group, assigned);
    return status;
}

static void add_committed(rd_kafka_topic_partition_list_t *list,
                          const rd_kafka_topic_partition_list_t *committed)
{
    add_partitions(list, committed);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *one =
            rd_kafka_topic_partition_list_find((rd_kafka_topic_partition_list_t *)committed,
                                               list->elems[i].topic, list->elems[i].partition);
        if (one != NULL && one->offset >= 0)
            list->elems[i].offset = one->offset;
    }
}

/* All offsets that the group has committed. */
static struct ink_status fetch_offsets(rd_kafka_t *rk, const struct ink_ctx *ctx, const char *group,
                                       rd_kafka_topic_partition_list_t *list)
{
    INK_ANSWER *event = NULL;
    size_t count = 0;
    struct ink_question question = ask(rk, ctx, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(group, NULL);
    rd_kafka_ListConsumerGroupOffsets(rk, &request, 1, question.options, question.queue);
    struct ink_status status = answer(&question, ctx, "ask for committed offsets", &event);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    if (!ink_is_ok(status))
        return status;
    const rd_kafka_group_result_t **results = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
    if (count > 0 && rd_kafka_group_result_error(results[0]) == NULL)
        add_committed(list, rd_kafka_group_result_partitions(results[0]));
    return status;
}

/* The other partitions of the same topics: what waits in one that nothing was committed of yet
 * waits, too, and without members nobody else names it. The list is sorted. */
static struct ink_status add_siblings(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                      rd_kafka_topic_partition_list_t *list)
{
    struct ink_status status = ink_ok();
    const char *before = "";
    int count = list->cnt;
    for (int i = 0; i < count && ink_is_ok(status); i++) {
        INK_KAFKA_LIST *all = NULL;
        const char *topic = list->elems[i].topic;
        if (strcmp(topic, before) == 0)
            continue;
        before = topic;
        status = ink_reader_partitions(rk, ctx, topic, &all);
        if (ink_is_ok(status))
            add_partitions(list, all);
    }
    return status;
}

/* The offsets of `list` (-1 for none) against the ends of the partitions. */
static struct ink_status measure(rd_kafka_t *rk, const struct ink_ctx *ctx,
                                 const rd_kafka_topic_partition_list_t *list,
                                 struct ink_group *group)
{
    struct ink_status status = ink_ok();
    group->partitions =
        ink_arena_calloc(ctx->arena, (size_t)list->cnt + 1, sizeof(*group->partitions));
    for (int i = 0; i < list->cnt && ink_is_ok(status); i++) {
        const rd_kafka_topic_partition_t *one = &list->elems[i];
        int64_t low = 0, end = 0, start;
        status = ink_reader_bounds(rk, ctx, one, &low, &end);
        start = one->offset > low ? one->offset : low;
        struct ink_group_partition partition = {.topic = ink_arena_strdup(ctx->arena, one->topic),
                                                .partition = one->partition,
                                                .next = one->offset >= 0 ? one->offset : -1,
                                                .end = end,
                                                .lag = end > start ? end - start : 0};
        group->partitions[group->partition_count++] = partition;
        group->lag += partition.lag;
    }
    return status;
}

static struct ink_status examine(rd_kafka_t *rk, const struct ink_ctx *ctx, const char *name,
                                 struct ink_group *ret_group)
{
    INK_KAFKA_LIST *list = rd_kafka_topic_partition_list_new(16);
    struct ink_group group = {.name = name};
    struct ink_status status = describe(rk, ctx, &group, list);
    if (ink_is_ok(status))
        status = fetch_offsets(rk, ctx, name, list);
    rd_kafka_topic_partition_list_sort(list, NULL, NULL);
    if (ink_is_ok(status))
        status = add_siblings(rk, ctx, list);
    rd_kafka_topic_partition_list_sort(list, NULL, NULL);
    if (ink_is_ok(status))
        status = measure(rk, ctx, list, &group);
    *ret_group = group;
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct ink_status ink_groups_list(const struct ink_kafka_settings *settings,
                                  const struct ink_ctx *ctx, struct ink_group **ret_groups,
                                  size_t *ret_count)
{
    INK_KAFKA *rk = NULL;
    const char **names = NULL;
    size_t name_count = 0, count = 0;
    struct ink_status status = ink_reader_open(ctx, settings, GROUP, &rk);
    if (ink_is_ok(status))
        status = list_names(rk, ctx, &names, &name_count);
    if (!ink_is_ok(status))
        return status;
    qsort(names, name_count, sizeof(*names), by_name);
    struct ink_group *groups = ink_arena_calloc(ctx->arena, name_count + 1, sizeof(*groups));
    for (size_t i = 0; i < name_count && ink_is_ok(status); i++) {
        status = examine(rk, ctx, names[i], &groups[count]);
        count += groups[count].partition_count > 0;
    }
    if (ink_is_ok(status)) {
        *ret_groups = groups;
        *ret_count = count;
    }
    return status;
}

struct ink_status ink_group_lag(const struct ink_kafka_settings *settings,
                                const struct ink_ctx *ctx, const char *name, const char *topic,
                                int64_t *ret_lag)
{
    INK_KAFKA *rk = NULL;
    INK_KAFKA_LIST *list = NULL;
    struct ink_group group = {.name = name};
    struct ink_status status = ink_reader_open(ctx, settings, name, &rk);
    if (ink_is_ok(status))
        status = ink_reader_partitions(rk, ctx, topic, &list);
    if (ink_is_ok(status))
        status = ink_reader_committed(rk, ctx, list);
    if (ink_is_ok(status))
        status = measure(rk, ctx, list, &group);
    if (ink_is_ok(status))
        *ret_lag = group.lag;
    return status;
}
