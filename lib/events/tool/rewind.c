/* Puts a consumer group back to a time, or to the end. */
#include <inttypes.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/events/rewind.h"
#include "lib/events/tool/tool.h"

/* `what` becomes of the messages. */
static void show_partition(struct tool *tool, const struct ink_group_partition *partition,
                           const char *what)
{
    struct ink_buf *out = &tool->out;
    if (!tool->json) {
        ink_buf_printf(out, "%s/%" PRId32 " goes on from %" PRId64 ": %" PRId64 " messages %s\n",
                       partition->topic, partition->partition, partition->next, partition->lag,
                       what);
        return;
    }
    tool_json_object(out);
    tool_json_text(out, "topic", partition->topic);
    tool_json_number(out, "partition", partition->partition);
    tool_json_number(out, "next", partition->next);
    tool_json_number(out, "end", partition->end);
    tool_json_number(out, "lag", partition->lag);
    ink_buf_putc(out, '}');
}

static int show(struct tool *tool, struct ink_status status, const struct ink_group *group,
                const char *what, const char *nothing)
{
    if (tool->json)
        ink_buf_puts(&tool->out, "{\"partitions\":[");
    for (size_t i = 0; i < group->partition_count; i++)
        show_partition(tool, &group->partitions[i], what);
    if (tool->json)
        ink_buf_putc(&tool->out, ']');
    if (status.code == INK_NOT_FOUND || status.code == INK_FAILED_PRECONDITION)
        tool_problem(tool, "%s", status.message);
    else if (!ink_is_ok(status))
        tool_kafka_problem(tool, status);
    else if (!tool->json && group->partition_count == 0)
        ink_buf_puts(&tool->out, nothing);
    return tool_end(tool);
}

int tool_rewind(struct tool *tool, int64_t since)
{
    struct ink_group group = {0};
    struct ink_ctx ctx = tool_later(tool);
    struct ink_status status = ink_group_rewind(&tool->kafka, &ctx, tool->args[0], since, &group);
    return show(tool, status, &group, "again", "There is nothing since then.\n");
}

int tool_skip(struct tool *tool)
{
    struct ink_group group = {0};
    struct ink_ctx ctx = tool_later(tool);
    struct ink_status status = ink_group_skip(&tool->kafka, &ctx, tool->args[0], &group);
    return show(tool, status, &group, "skipped", "Nothing waits.\n");
}
