#include "lib/events/letter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/events/client.h"

#define PREFIX "kafka_dlt-"
#define TOPIC PREFIX "original-topic"
#define PARTITION PREFIX "original-partition"
#define OFFSET PREFIX "original-offset"
#define TIMESTAMP PREFIX "original-timestamp"
#define GROUP PREFIX "original-consumer-group"
#define REASON PREFIX "exception-message"
#define SETTLED "ink_settled"
/* How many headers a letter has of its own, at most. */
#define OWN_HEADERS 8

/* Reasons come from handlers and databases: no more of them than fits a header well. */
#define LONGEST_REASON 1000

const char *ink_dead_letter_fate_name(enum ink_dead_letter_fate fate)
{
    return fate == INK_DEAD_LETTER_REPLAYED ? "replayed" : "discarded";
}

bool ink_letter_topic(const char *topic)
{
    size_t size = strlen(topic), suffix = strlen(INK_DEAD_SUFFIX);
    return size > suffix && strcmp(topic + size - suffix, INK_DEAD_SUFFIX) == 0;
}

/* Writing */

static void add(struct ink_message *message, const char *name, const char *value)
{
    struct ink_header *headers = (struct ink_header *)message->headers;
    size_t size = strlen(value);
    headers[message->header_count++] =
        (struct ink_header){name, value, size < LONGEST_REASON ? size : LONGEST_REASON};
}

static void add_number(struct ink_arena *arena, struct ink_message *message, const char *name,
                       int64_t value)
{
    add(message, name, ink_arena_printf(arena, "%" PRId64, value));
}

/* Headers that say what became of a message are of no use to the next who says so. */
static bool is_own(const char *name)
{
    return strncmp(name, PREFIX, strlen(PREFIX)) == 0 || strcmp(name, SETTLED) == 0 ||
           strcmp(name, INK_HEADER_LEFT_OUT) == 0;
}

static struct ink_message with_headers(struct ink_arena *arena, const struct ink_raw_message *raw,
                                       bool foreign)
{
    struct ink_header *headers =
        ink_arena_calloc(arena, raw->header_count + OWN_HEADERS, sizeof(*headers));
    struct ink_message message = {.headers = headers};
    for (size_t i = 0; foreign && i < raw->header_count; i++) {
        if (!is_own(raw->headers[i].name))
            headers[message.header_count++] = raw->headers[i];
    }
    return message;
}

static void take_content(struct ink_message *message, const struct ink_raw_message *raw)
{
    message->key = raw->key;
    message->key_size = raw->key_size;
    message->payload = raw->payload;
    message->payload_size = raw->payload_size;
}

static void add_origin(struct ink_arena *arena, struct ink_message *message, const char *group,
                       const char *topic, const int64_t place[3])
{
    add(message, TOPIC, topic);
    add_number(arena, message, PARTITION, place[0]);
    add_number(arena, message, OFFSET, place[1]);
    add_number(arena, message, TIMESTAMP, place[2]);
    add(message, GROUP, group);
}

void ink_letter_write(struct ink_arena *arena, const struct ink_raw_message *raw,
                      const struct ink_letter_reason *reason, bool whole,
                      struct ink_message *ret_message)
{
    const int64_t place[] = {raw->partition, raw->offset, raw->time};
    struct ink_message message = with_headers(arena, raw, whole);
    message.topic = ink_arena_printf(arena, "%s" INK_DEAD_SUFFIX, raw->topic);
    if (whole)
        take_content(&message, raw);
    else
        add_number(arena, &message, INK_HEADER_LEFT_OUT, (int64_t)raw->payload_size);
    add_origin(arena, &message, reason->group, raw->topic, place);
    add(&message, REASON, reason->text);
    if (!whole || ink_message_header(raw, INK_HEADER_EVENT_ID) == NULL)
        add(&message, INK_HEADER_EVENT_ID, reason->event_id);
    *ret_message = message;
}

void ink_letter_restore(struct ink_arena *arena, const struct ink_raw_message *raw,
                        const struct ink_dead_letter *letter, struct ink_message *ret_message)
{
    struct ink_message message = with_headers(arena, raw, true);
    bool foreign = strcmp(letter->original_topic, raw->topic) == 0;
    message.topic =
        foreign ? ink_arena_strndup(arena, raw->topic, strlen(raw->topic) - strlen(INK_DEAD_SUFFIX))
                : letter->original_topic;
    take_content(&message, raw);
    *ret_message = message;
}

void ink_letter_settle(struct ink_arena *arena, const struct ink_raw_message *raw,
                       const struct ink_dead_letter *letter, enum ink_dead_letter_fate fate,
                       struct ink_message *ret_message)
{
    const int64_t place[] = {letter->original_partition, letter->original_offset,
                             letter->original_time / 1000};
    struct ink_message message = with_headers(arena, raw, false);
    message.topic = raw->topic;
    message.key = raw->key;
    message.key_size = raw->key_size;
    add(&message, SETTLED, ink_dead_letter_fate_name(fate));
    add_origin(arena, &message, letter->group, letter->original_topic, place);
    add(&message, INK_HEADER_EVENT_ID, letter->id);
    *ret_message = message;
}

/* Reading */

static const char *header(const struct ink_raw_message *raw, const char *name)
{
    const char *value = ink_message_header(raw, name);
    return value != NULL ? value : "";
}

static void read_origin(const struct ink_raw_message *raw, struct ink_dead_letter *letter)
{
    letter->group = header(raw, GROUP);
    letter->original_topic = header(raw, TOPIC);
    if (letter->original_topic[0] != '\0') {
        letter->original_partition = (int32_t)atoll(header(raw, PARTITION));
        letter->original_offset = atoll(header(raw, OFFSET));
        letter->original_time = ink_message_time(atoll(header(raw, TIMESTAMP)));
    } else { /* somebody else's: it comes from where it is */
        letter->original_topic = raw->topic;
        letter->original_partition = raw->partition;
        letter->original_offset = raw->offset;
        letter->original_time = ink_message_time(raw->time);
    }
}

void ink_letter_read(struct ink_arena *arena, const struct ink_raw_message *raw,
                     struct ink_dead_letter *ret_letter)
{
    const char *id = ink_message_header(raw, "ce_id");
    if (id == NULL)
        id = ink_message_header(raw, INK_HEADER_EVENT_ID);
    if (id == NULL)
        id = ink_arena_printf(arena, "kafka:%s/%" PRId32 "/%" PRId64, raw->topic, raw->partition,
                              raw->offset);
    *ret_letter = (struct ink_dead_letter){.partition = raw->partition,
                                           .offset = raw->offset,
                                           .time = ink_message_time(raw->time),
                                           .copies = 1,
                                           .id = id,
                                           .type = header(raw, "ce_type"),
                                           .reason = header(raw, REASON),
                                           .key = raw->key != NULL ? raw->key : "",
                                           .key_size = raw->key_size,
                                           .payload = raw->payload != NULL ? raw->payload : "",
                                           .payload_size = raw->payload_size,
                                           .left_out = atoll(header(raw, INK_HEADER_LEFT_OUT)),
                                           .settled = ink_message_header(raw, SETTLED),
                                           .settled_time = ink_message_time(raw->time)};
    read_origin(raw, ret_letter);
}

/* Merging */

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_origins(const struct ink_dead_letter *a, const struct ink_dead_letter *b)
{
    int order = strcmp(a->original_topic, b->original_topic);
    if (order == 0)
        order = strcmp(a->group, b->group);
    if (order == 0)
        order = compare_numbers(a->original_partition, b->original_partition);
    if (order == 0)
        order = compare_numbers(a->original_offset, b->original_offset);
    return order != 0 ? order : compare_numbers(a->original_time, b->original_time);
}

static int by_place(const void *first, const void *second)
{
    const struct ink_dead_letter *a = first, *b = second;
    int order = compare_numbers(a->partition, b->partition);
    return order != 0 ? order : compare_numbers(a->offset, b->offset);
}

static int by_origin(const void *first, const void *second)
{
    int order = compare_origins(first, second);
    return order != 0 ? order : by_place(first, second);
}

/* All of one origin; false when there is nothing but what settles it. */
static bool merge(const struct ink_dead_letter *list, size_t count, struct ink_dead_letter *ret_one)
{
    struct ink_dead_letter one = {0};
    const struct ink_dead_letter *settled = NULL;
    size_t copies = 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i].settled != NULL)
            settled = &list[i];
        else if (copies++ == 0)
            one = list[i];
    }
    if (copies == 0)
        return false;
    one.copies = copies;
    one.settled = settled != NULL ? settled->settled : NULL;
    one.settled_time = settled != NULL ? settled->settled_time : 0;
    *ret_one = one;
    return true;
}

size_t ink_letters_merge(struct ink_dead_letter *letters, size_t count)
{
    size_t kept = 0;
    qsort(letters, count, sizeof(*letters), by_origin);
    for (size_t start = 0, end; start < count; start = end) {
        for (end = start + 1; end < count; end++) {
            if (compare_origins(&letters[start], &letters[end]) != 0)
                break;
        }
        kept += merge(letters + start, end - start, &letters[kept]);
    }
    qsort(letters, kept, sizeof(*letters), by_place);
    return kept;
}
