#include "lib/events/row.h"

#include <string.h>

#include "lib/transcode/json_reader.h"

#define MOST_HEADERS 32

const char *ink_outbox_topic(struct ink_arena *arena, const char *aggregate_type)
{
    return ink_arena_printf(arena, "%s-events", aggregate_type);
}

/* "2026-11-22 10:00:00.123456+00" as RFC 3339 has it. */
static const char *time_text(struct ink_arena *arena, const char *created_at)
{
    size_t size = strlen(created_at);
    char *text = ink_arena_strndup(arena, created_at, size);
    if (size < 19 || text[10] != ' ' || strcmp(text + size - 3, "+00") != 0)
        return text; /* of no year that RFC 3339 knows */
    text[10] = 'T';
    text[size - 3] = 'Z';
    text[size - 2] = '\0';
    return text;
}

static void add(struct ink_header *headers, size_t *count, const char *name, const char *value)
{
    headers[(*count)++] = (struct ink_header){name, value, strlen(value)};
}

static bool is_known(const struct ink_header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(headers[i].name, name) == 0)
            return true;
    }
    return false;
}

/* One member of the row's own headers. False when there is nothing more to read. */
static bool add_own(struct ink_json_reader *json, struct ink_header *headers, size_t *count)
{
    struct ink_json_text name, value;
    if (*count == MOST_HEADERS || !ink_json_next_name(json, &name))
        return false;
    if (ink_json_peek(json) != INK_JSON_STRING)
        return ink_json_skip(json);
    if (!ink_json_string(json, &value))
        return false;
    const char *kept_name = ink_json_text_keep(json, name);
    const char *kept_value = ink_json_text_keep(json, value);
    if (kept_name != NULL && kept_value != NULL && !is_known(headers, *count, kept_name))
        add(headers, count, kept_name, kept_value);
    return true;
}

void ink_outbox_message(struct ink_arena *arena, const struct ink_outbox_row *row,
                        const char *topic, const char *source, struct ink_message *ret_message)
{
    struct ink_header headers[MOST_HEADERS];
    size_t count = 0;
    add(headers, &count, "ce_id", row->id);
    add(headers, &count, "ce_source", source);
    add(headers, &count, "ce_specversion", "1.0");
    add(headers, &count, "ce_type", row->type);
    add(headers, &count, "ce_time", time_text(arena, row->created_at));
    add(headers, &count, "content-type", "application/json");
    struct ink_json_reader json;
    ink_json_reader_init(&json, arena, row->headers, strlen(row->headers));
    if (ink_json_peek(&json) == INK_JSON_OBJECT && ink_json_enter_object(&json)) {
        while (add_own(&json, headers, &count))
            ;
    }
    *ret_message =
        (struct ink_message){.topic = topic,
                             .key = row->aggregate_id,
                             .key_size = strlen(row->aggregate_id),
                             .payload = row->payload,
                             .payload_size = strlen(row->payload),
                             .headers = ink_arena_memdup(arena, headers, count * sizeof(*headers)),
                             .header_count = count};
}
