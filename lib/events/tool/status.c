/* What waits: outboxes, lag, dead letters. What cannot be asked does not hide the rest. */
#include <inttypes.h>
#include <string.h>

#include "lib/db/db.h"
#include "lib/events/lag.h"
#include "lib/events/outbox.h"
#include "lib/events/tool/tool.h"

static const char *number(struct tool *tool, int64_t value)
{
    return ink_arena_printf(tool->arena, "%" PRId64, value);
}

static const char *because(struct ink_status status)
{
    return status.cause != NULL ? status.cause : status.message;
}

/* A section of the output: a heading for people, an array for programs. */
static void begin(struct tool *tool, const char *heading, const char *name)
{
    if (!tool->json)
        ink_buf_printf(&tool->out, "%s\n", heading);
    else
        ink_buf_printf(&tool->out, "%s\"%s\":[", tool->out.len > 1 ? "," : "", name);
}

static void end(struct tool *tool, const struct tool_table *table, const char *none)
{
    if (tool->json)
        ink_buf_putc(&tool->out, ']');
    else if (table->count > 0)
        tool_table_print(&tool->out, table);
    else
        ink_buf_printf(&tool->out, "  %s\n", none);
    tool_flush(tool);
}

/* Outboxes */

struct outbox {
    const char *name;
    bool exists;
    bool published;
    struct ink_outbox_stats stats;
};

static void show_outbox(struct tool *tool, const struct outbox *outbox, struct tool_table *table)
{
    const struct ink_outbox_stats *stats = &outbox->stats;
    const char *relay = outbox->published ? "active" : "none";
    if (tool->json) {
        tool_json_object(&tool->out);
        tool_json_text(&tool->out, "service", outbox->name);
        tool_json_number(&tool->out, "depth", stats->depth);
        ink_buf_printf(&tool->out, ",\"oldestSeconds\":%.3f", stats->age_seconds);
        tool_json_number(&tool->out, "refused", stats->refused);
        ink_buf_printf(&tool->out, ",\"relay\":%s}", outbox->published ? "true" : "false");
        return;
    }
    const char **row = tool_table_add(tool->arena, table);
    row[0] = outbox->name;
    row[1] = number(tool, stats->depth);
    row[2] = stats->depth > 0 ? ink_arena_printf(tool->arena, "%.1f s", stats->age_seconds) : "-";
    row[3] = number(tool, stats->refused);
    row[4] = relay;
}

static void ask_outbox(struct tool *tool, const char *name, const char *url,
                       struct tool_table *table)
{
    struct ink_db *db = NULL;
    struct outbox outbox = {.name = name};
    struct ink_ctx ctx = tool_soon(tool);
    const struct ink_db_settings settings = {.conninfo = url,
                                             .application_name = "inkmesh-events",
                                             .size = 1,
                                             .wait_limit_ms = tool->timeout_ms,
                                             .connect_timeout_ms = tool->timeout_ms};
    struct ink_status status = ink_db_new(tool->arena, &settings, &db);
    if (ink_is_ok(status))
        status = ink_outbox_inspect(db, &ctx, &outbox.exists, &outbox.published);
    if (ink_is_ok(status) && outbox.exists)
        status = ink_outbox_measure(db, &ctx, &outbox.stats);
    if (!ink_is_ok(status))
        tool_problem(tool, "the database of %s: %s", name, because(status));
    else if (outbox.exists)
        show_outbox(tool, &outbox, table);
    ink_db_free(db);
}

static void show_outboxes(struct tool *tool)
{
    struct tool_table table = {.names = {"SERVICE", "#WAITING", "#OLDEST", "#REFUSED", "RELAY"}};
    char *list = ink_arena_strdup(tool->arena, tool->databases != NULL ? tool->databases : "");
    char *save = NULL;
    begin(tool, "Outboxes", "outboxes");
    for (char *item = strtok_r(list, " \t\n", &save); item != NULL;
         item = strtok_r(NULL, " \t\n", &save)) {
        char *equals = strchr(item, '=');
        *equals = '\0'; /* main.c has looked */
        ask_outbox(tool, item, equals + 1, &table);
    }
    end(tool, &table,
        tool->failed              ? "cannot be told"
        : tool->databases != NULL ? "none"
                                  : "DATABASE_URLS names no database");
}

/* Lag */

static void show_partition(struct tool *tool, const struct ink_group *group, size_t i,
                           struct tool_table *table)
{
    const struct ink_group_partition *partition = &group->partitions[i];
    const char *next = partition->next < 0 ? "-" : number(tool, partition->next);
    if (tool->json) {
        tool_json_object(&tool->out);
        tool_json_text(&tool->out, "group", group->name);
        tool_json_text(&tool->out, "state", group->state);
        tool_json_number(&tool->out, "members", (int64_t)group->members);
        tool_json_text(&tool->out, "topic", partition->topic);
        tool_json_number(&tool->out, "partition", partition->partition);
        tool_json_number(&tool->out, "next", partition->next);
        tool_json_number(&tool->out, "end", partition->end);
        tool_json_number(&tool->out, "lag", partition->lag);
        ink_buf_putc(&tool->out, '}');
        return;
    }
    const char **row = tool_table_add(tool->arena, table);
    row[0] = i > 0 ? "" : tool_text(tool->arena, group->name, strlen(group->name), 60);
    row[1] = i > 0 ? "" : group->state;
    row[2] = i > 0 ? "" : number(tool, (int64_t)group->members);
    row[3] = partition->topic;
    row[4] = number(tool, partition->partition);
    row[5] = next;
    row[6] = number(tool, partition->end);
    row[7] = number(tool, partition->lag);
}

static void show_groups(struct tool *tool)
{
    struct tool_table table = {
        .names = {"GROUP", "STATE", "#MEMBERS", "TOPIC", "#PARTITION", "#NEXT", "#END", "#LAG"}};
    struct ink_group *groups = NULL;
    size_t count = 0;
    struct ink_ctx ctx = tool_later(tool);
    struct ink_status status = ink_groups_list(&tool->kafka, &ctx, &groups, &count);
    begin(tool, "\nConsumers", "consumers");
    if (!ink_is_ok(status))
        tool_kafka_problem(tool, status);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < groups[i].partition_count; j++)
            show_partition(tool, &groups[i], j, &table);
    }
    end(tool, &table, ink_is_ok(status) ? "no group has read anything yet" : "cannot be told");
}

/* Dead letters, in numbers */

static void show_topic(struct tool *tool, const char *topic, const struct ink_dead_letter *letters,
                       size_t count, struct tool_table *table)
{
    size_t waiting = 0;
    int64_t oldest = 0;
    for (size_t i = 0; i < count; i++) {
        if (letters[i].settled != NULL)
            continue;
        if (waiting++ == 0 || letters[i].time < oldest)
            oldest = letters[i].time;
    }
    const char *since = waiting > 0 ? tool_time(tool->arena, oldest) : "-";
    if (tool->json) {
        tool_json_object(&tool->out);
        tool_json_text(&tool->out, "topic", topic);
        tool_json_number(&tool->out, "waiting", (int64_t)waiting);
        tool_json_number(&tool->out, "settled", (int64_t)(count - waiting));
        if (waiting > 0)
            tool_json_text(&tool->out, "since", since);
        ink_buf_putc(&tool->out, '}');
        return;
    }
    const char **row = tool_table_add(tool->arena, table);
    row[0] = topic;
    row[1] = number(tool, (int64_t)waiting);
    row[2] = number(tool, (int64_t)(count - waiting));
    row[3] = since;
}

static void show_letters(struct tool *tool, const char *const *topics, size_t count)
{
    struct tool_table table = {.names = {"TOPIC", "#WAITING", "#SETTLED", "SINCE"}};
    begin(tool, "\nDead letters", "deadLetters");
    for (size_t i = 0; i < count; i++) {
        struct ink_dead_letter *letters = NULL;
        size_t letter_count = 0;
        struct ink_ctx ctx = tool_later(tool);
        struct ink_status status =
            ink_dead_letters_list(&tool->kafka, &ctx, topics[i], &letters, &letter_count);
        if (ink_is_ok(status))
            show_topic(tool, topics[i], letters, letter_count, &table);
        else
            tool_kafka_problem(tool, status);
    }
    end(tool, &table, "none");
}

int tool_status(struct tool *tool)
{
    const char **topics = NULL;
    size_t count = 0;
    if (tool->json)
        ink_buf_putc(&tool->out, '{');
    show_outboxes(tool);
    struct ink_ctx ctx = tool_soon(tool);
    struct ink_status status = ink_dead_letters_topics(&tool->kafka, &ctx, &topics, &count);
    if (ink_is_ok(status)) {
        show_groups(tool);
        show_letters(tool, topics, count);
    } else {
        tool_kafka_problem(tool, status);
    }
    return tool_end(tool);
}
