/* Listing, replaying and discarding dead letters. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/events/tool/tool.h"

#define ALL "all"
/* Characters of a reason or key in a list. */
#define SHORT 300

/* Which letters are meant, and which of the arguments meant something. */
struct choice {
    struct tool *tool;
    const char *topic; /* of the letters at hand */
    bool *known;       /* one for each argument */
};

static const char *place_of(struct tool *tool, const char *topic,
                            const struct ink_dead_letter *letter)
{
    return ink_arena_printf(tool->arena, "%s" INK_DEAD_SUFFIX "/%" PRId32 "/%" PRId64, topic,
                            letter->partition, letter->offset);
}

static bool names_topic(const char *arg, const char *topic)
{
    size_t size = strlen(topic);
    return strncmp(arg, topic, size) == 0 &&
           (arg[size] == '\0' || strcmp(arg + size, INK_DEAD_SUFFIX) == 0);
}

/* Whether the argument names this very letter, not just its topic. */
static bool names_letter(const struct choice *choice, const char *arg,
                         const struct ink_dead_letter *letter)
{
    return strcmp(arg, letter->id) == 0 ||
           strcmp(arg, place_of(choice->tool, choice->topic, letter)) == 0;
}

/* A letter that is settled is meant only by its own name. */
static bool is_meant(struct choice *choice, const struct ink_dead_letter *letter, bool *ret_named)
{
    bool meant = false;
    *ret_named = false;
    for (size_t i = 0; i < choice->tool->arg_count; i++) {
        const char *arg = choice->tool->args[i];
        bool named = names_letter(choice, arg, letter);
        bool within = strcmp(arg, ALL) == 0 || names_topic(arg, choice->topic);
        choice->known[i] = choice->known[i] || named;
        *ret_named = *ret_named || named;
        meant = meant || named || (within && (letter->settled == NULL || choice->tool->all));
    }
    return meant;
}

static void start_choice(struct choice *choice, struct tool *tool)
{
    *choice = (struct choice){
        .tool = tool, .known = ink_arena_calloc(tool->arena, tool->arg_count + 1, sizeof(bool))};
    for (size_t i = 0; i < tool->arg_count; i++)
        choice->known[i] = strcmp(tool->args[i], ALL) == 0;
}

static void start_topic(struct choice *choice, const char *topic)
{
    choice->topic = topic;
    for (size_t i = 0; i < choice->tool->arg_count; i++)
        choice->known[i] = choice->known[i] || names_topic(choice->tool->args[i], topic);
}

static void complain_of_unknown(struct choice *choice)
{
    for (size_t i = 0; i < choice->tool->arg_count; i++) {
        const char *arg = choice->tool->args[i];
        if (!choice->known[i])
            tool_problem(choice->tool, "no dead letter and no topic with dead letters: %s",
                         tool_text(choice->tool->arena, arg, strlen(arg), SHORT));
    }
}

/* Showing one */

static void show_json(struct tool *tool, const char *topic, const struct ink_dead_letter *letter)
{
    struct ink_buf *out = &tool->out;
    tool_json_object(out);
    tool_json_text(out, "place", place_of(tool, topic, letter));
    tool_json_text(out, "time", tool_time(tool->arena, letter->time));
    tool_json_number(out, "copies", (int64_t)letter->copies);
    tool_json_text(out, "eventId", letter->id);
    tool_json_text(out, "type", letter->type);
    tool_json_text(out, "topic", letter->original_topic);
    tool_json_number(out, "partition", letter->original_partition);
    tool_json_number(out, "offset", letter->original_offset);
    tool_json_text(out, "originalTime", tool_time(tool->arena, letter->original_time));
    tool_json_text(out, "group", letter->group);
    tool_json_text(out, "reason", letter->reason);
    tool_json_bytes(out, "key", letter->key, letter->key_size);
    tool_json_bytes(out, "payload", letter->payload, letter->payload_size);
    if (letter->left_out > 0)
        tool_json_number(out, "payloadLeftOut", letter->left_out);
    if (letter->settled != NULL) {
        tool_json_text(out, "settled", letter->settled);
        tool_json_text(out, "settledTime", tool_time(tool->arena, letter->settled_time));
    }
    ink_buf_putc(out, '}');
}

static void put_line(struct tool *tool, const char *name, const char *text, size_t size,
                     size_t limit)
{
    if (size > 0)
        ink_buf_printf(&tool->out, "    %-8s %s\n", name,
                       tool_text(tool->arena, text, size, limit));
}

static const char *state_of(struct tool *tool, const struct ink_dead_letter *letter)
{
    if (letter->settled == NULL)
        return "waits";
    const char *fate = tool_text(tool->arena, letter->settled, strlen(letter->settled), SHORT);
    return ink_arena_printf(tool->arena, "%s %s", fate,
                            tool_time(tool->arena, letter->settled_time));
}

static void show(struct tool *tool, const char *topic, const struct ink_dead_letter *letter,
                 bool whole)
{
    if (tool->json) {
        show_json(tool, topic, letter);
        return;
    }
    const char *from =
        ink_arena_printf(tool->arena, "%s/%" PRId32 "/%" PRId64 " of %s%s%s",
                         letter->original_topic, letter->original_partition,
                         letter->original_offset, tool_time(tool->arena, letter->original_time),
                         letter->group[0] != '\0' ? ", put aside by " : "", letter->group);
    ink_buf_printf(&tool->out, "%s   %s   %s\n", place_of(tool, topic, letter),
                   tool_time(tool->arena, letter->time), state_of(tool, letter));
    put_line(tool, "from", from, strlen(from), 0);
    put_line(tool, "event", letter->id, strlen(letter->id), SHORT);
    put_line(tool, "type", letter->type, strlen(letter->type), SHORT);
    put_line(tool, "key", letter->key, letter->key_size, SHORT);
    put_line(tool, "reason", letter->reason, strlen(letter->reason), whole ? 0 : SHORT);
    if (whole)
        put_line(tool, "payload", letter->payload, letter->payload_size, 0);
    if (letter->left_out > 0)
        ink_buf_printf(&tool->out,
                       "    %-8s %" PRId64 " bytes that had no room beside the headers; they are "
                       "where it came from\n",
                       "left out", letter->left_out);
}

/* Going through all letters */

/* Returns how many it took in. */
typedef size_t letters_fn(struct choice *choice, struct ink_dead_letter *letters, size_t count,
                          void *arg);

static size_t for_each_topic(struct tool *tool, letters_fn *visit, void *arg)
{
    const char **topics = NULL;
    size_t count = 0, taken = 0;
    struct choice choice;
    struct ink_ctx soon = tool_soon(tool), later = tool_later(tool);
    start_choice(&choice, tool);
    struct ink_status status = ink_dead_letters_topics(&tool->kafka, &soon, &topics, &count);
    for (size_t i = 0; i < count && ink_is_ok(status); i++) {
        struct ink_dead_letter *letters = NULL;
        size_t letter_count = 0;
        start_topic(&choice, topics[i]);
        status = ink_dead_letters_list(&tool->kafka, &later, topics[i], &letters, &letter_count);
        if (ink_is_ok(status))
            taken += visit(&choice, letters, letter_count, arg);
    }
    if (ink_is_ok(status))
        complain_of_unknown(&choice);
    else
        tool_kafka_problem(tool, status);
    return taken;
}

static size_t show_topic(struct choice *choice, struct ink_dead_letter *letters, size_t count,
                         void *unused)
{
    struct tool *tool = choice->tool;
    size_t shown = 0;
    (void)unused;
    for (size_t i = 0; i < count; i++) {
        bool named = false;
        bool meant = tool->arg_count == 0 ? letters[i].settled == NULL || tool->all
                                          : is_meant(choice, &letters[i], &named);
        if (!meant)
            continue;
        show(tool, choice->topic, &letters[i], named);
        shown++;
    }
    return shown;
}

int tool_dead(struct tool *tool)
{
    if (tool->json)
        ink_buf_puts(&tool->out, "{\"letters\":[");
    size_t shown = for_each_topic(tool, show_topic, NULL);
    if (tool->json)
        ink_buf_putc(&tool->out, ']');
    else if (shown == 0 && !tool->failed)
        ink_buf_printf(&tool->out, "%s\n",
                       tool->all ? "No dead letters." : "No dead letters wait.");
    return tool_end(tool);
}

/* Settling */

struct settlement {
    enum ink_dead_letter_fate fate;
    size_t settled;
};

/* Says what became of one, now or before. */
static void tell(struct choice *choice, const struct ink_dead_letter *letter, bool before,
                 const char *what)
{
    struct tool *tool = choice->tool;
    const char *place = place_of(tool, choice->topic, letter);
    if (letter->settled == NULL)
        tool_problem(tool, "%s was not %s: %s", place, what,
                     letter->left_out > 0 ? "its payload was not kept" : "Kafka no longer has it");
    else if (tool->json)
        show_json(tool, choice->topic, letter);
    else if (before)
        ink_buf_printf(&tool->out, "%s was %s before\n", place, state_of(tool, letter));
    else
        ink_buf_printf(
            &tool->out, "%s %s   from %s/%" PRId32 "/%" PRId64 ", event %s\n", letter->settled,
            place,
            tool_text(tool->arena, letter->original_topic, strlen(letter->original_topic), SHORT),
            letter->original_partition, letter->original_offset,
            tool_text(tool->arena, letter->id, strlen(letter->id), SHORT));
}

static size_t settle_topic(struct choice *choice, struct ink_dead_letter *letters, size_t count,
                           void *arg)
{
    struct tool *tool = choice->tool;
    struct settlement *settlement = arg;
    struct ink_dead_letter *chosen = ink_arena_calloc(tool->arena, count + 1, sizeof(*chosen));
    bool *before = ink_arena_calloc(tool->arena, count + 1, sizeof(*before));
    size_t chosen_count = 0, settled = 0;
    for (size_t i = 0; i < count; i++) {
        bool named;
        if (!is_meant(choice, &letters[i], &named))
            continue;
        before[chosen_count] = letters[i].settled != NULL;
        chosen[chosen_count++] = letters[i];
    }
    struct ink_ctx ctx = tool_later(tool);
    struct ink_status status = ink_dead_letters_settle(&tool->kafka, &ctx, choice->topic, chosen,
                                                       chosen_count, settlement->fate, &settled);
    for (size_t i = 0; i < chosen_count; i++) {
        if (ink_is_ok(status) || chosen[i].settled != NULL)
            tell(choice, &chosen[i], before[i], ink_dead_letter_fate_name(settlement->fate));
    }
    if (!ink_is_ok(status))
        tool_kafka_problem(tool, status);
    settlement->settled += settled;
    return chosen_count;
}

int tool_settle(struct tool *tool, enum ink_dead_letter_fate fate)
{
    struct settlement settlement = {.fate = fate};
    const char *name = ink_dead_letter_fate_name(fate);
    tool->all = false;
    if (tool->json)
        ink_buf_puts(&tool->out, "{\"letters\":[");
    (void)for_each_topic(tool, settle_topic, &settlement);
    if (tool->json) {
        ink_buf_putc(&tool->out, ']');
        tool_json_number(&tool->out, name, (int64_t)settlement.settled);
    } else {
        ink_buf_printf(&tool->out, "%zu dead letter%s %s.\n", settlement.settled,
                       settlement.settled == 1 ? "" : "s", name);
    }
    return tool_end(tool);
}
