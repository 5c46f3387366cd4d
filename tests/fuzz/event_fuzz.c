/* The Kafka envelope (lib/events/message.h, letter.h, row.h) and what a notification is made of
 * (services/notification/told.h): whatever is in a topic, an event has an identity and texts that
 * PostgreSQL takes, or says why not; and a message that was put aside comes back as it was. The
 * input: a byte for each number; lines of headers ("NAME: VALUE") up to an empty one; the payload.
 */
#include <string.h>

#include "lib/base/text.h"
#include "lib/base/uuid.h"
#include "lib/events/client.h"
#include "lib/events/letter.h"
#include "lib/events/message.h"
#include "lib/events/row.h"
#include "services/notification/told.h"
#include "tests/fuzz/fuzz.h"

#define MOST_HEADERS 24

static int64_t number(struct fuzz_input *input)
{
    static const int64_t odd[] = {0, 1, -1, 1700000000123, INT64_MAX, INT64_MIN, INT32_MAX, -5};
    return odd[fuzz_byte(input) % INK_COUNT(odd)];
}

static void read_header(struct fuzz_input *input, struct ink_arena *arena,
                        struct ink_raw_message *raw)
{
    size_t size;
    char *line = fuzz_until(input, arena, '\n', &size);
    char *colon = memchr(line, ':', size);
    const char *value = colon == NULL ? line + size : colon + 1;
    value += *value == ' ';
    if (colon != NULL)
        *colon = '\0';
    raw->headers[raw->header_count++] =
        (struct ink_header){line, value, (size_t)(line + size - value)};
}

static struct ink_raw_message read_message(struct fuzz_input *input, struct ink_arena *arena)
{
    struct ink_raw_message raw = {.topic = "blog-events"};
    raw.partition = (int32_t)number(input);
    raw.offset = number(input);
    raw.time = number(input);
    raw.headers = ink_arena_calloc(arena, MOST_HEADERS, sizeof(*raw.headers));
    while (raw.header_count < MOST_HEADERS && input->size > 0 && input->data[0] != '\n')
        read_header(input, arena, &raw);
    fuzz_byte(input);
    raw.payload = fuzz_rest(input, arena, &raw.payload_size);
    raw.key = "key";
    raw.key_size = 3;
    return raw;
}

static bool is_plain(const char *text)
{
    return ink_utf8_valid(text, strlen(text));
}

static void check_event(const struct ink_event *event)
{
    CHECK(event->id[0] != '\0' && strlen(event->id) <= INK_EVENT_ID_LIMIT && is_plain(event->id));
    CHECK(strlen(event->type) <= INK_EVENT_ID_LIMIT && is_plain(event->type));
    CHECK((event->type[0] == '\0') <= (event->rejected != NULL));
    CHECK(is_plain(event->source));
}

static void check_told(struct ink_arena *arena, struct ink_event event)
{
    struct notification_row row = {0};
    char id[INK_UUID_SIZE];
    event.rejected = NULL;
    if (!notification_told(arena, &event, &row)) {
        CHECK(row.user_id == NULL && row.message == NULL);
        CHECK(event.rejected == NULL || is_plain(event.rejected));
        return;
    }
    CHECK(event.rejected == NULL);
    CHECK(ink_uuid_normalize(row.user_id, id) && strcmp(id, row.user_id) == 0);
    CHECK(is_plain(row.message) && ink_utf8_length(row.message, strlen(row.message)) <= 500);
    CHECK(strcmp(row.type, "email") == 0 || strcmp(row.type, "in-app") == 0);
}

/* Putting aside */

static struct ink_raw_message received(struct ink_arena *arena, const struct ink_message *message)
{
    size_t size = message->header_count * sizeof(*message->headers);
    return (struct ink_raw_message){.topic = message->topic,
                                    .partition = 1,
                                    .offset = 2,
                                    .time = 3,
                                    .key = message->key,
                                    .key_size = message->key_size,
                                    .payload = message->payload,
                                    .payload_size = message->payload_size,
                                    .headers = ink_arena_memdup(arena, message->headers, size),
                                    .header_count = message->header_count};
}

static void check_letter(struct ink_arena *arena, const struct ink_raw_message *raw,
                         const struct ink_event *event)
{
    struct ink_letter_reason reason = {"group", event->id, "because"};
    struct ink_message message, restored;
    struct ink_dead_letter letter;
    ink_letter_write(arena, raw, &reason, true, &message);
    struct ink_raw_message put = received(arena, &message);
    ink_letter_read(arena, &put, &letter);
    CHECK(strcmp(letter.original_topic, raw->topic) == 0 && strcmp(letter.group, "group") == 0);
    CHECK(letter.original_partition == raw->partition && letter.original_offset == raw->offset);
    CHECK(letter.settled == NULL && letter.left_out == 0 && strcmp(letter.reason, "because") == 0);
    ink_letter_restore(arena, &put, &letter, &restored);
    CHECK(strcmp(restored.topic, raw->topic) == 0 && restored.payload_size == raw->payload_size);
    CHECK(memcmp(restored.payload, raw->payload, raw->payload_size) == 0);
    struct ink_raw_message again = received(arena, &restored);
    struct ink_event second;
    ink_event_read(arena, &again, &second);
    CHECK(strcmp(second.type, event->type) == 0);
    CHECK(event->rejected != NULL || strcmp(second.id, event->id) == 0);
    ink_letter_settle(arena, &put, &letter, INK_DEAD_LETTER_DISCARDED, &message);
    struct ink_raw_message note = received(arena, &message);
    struct ink_dead_letter both[2] = {letter};
    ink_letter_read(arena, &note, &both[1]);
    CHECK(ink_letters_merge(both, 2) == 1 && both[0].settled != NULL);
}

/* Somebody else's message in a dead-letter topic. */
static void check_foreign_letter(struct ink_arena *arena, struct ink_raw_message raw)
{
    struct ink_dead_letter letter;
    struct ink_message restored;
    raw.topic = "blog-events" INK_DEAD_SUFFIX;
    ink_letter_read(arena, &raw, &letter);
    CHECK(letter.id != NULL && letter.type != NULL && letter.group != NULL);
    ink_letter_restore(arena, &raw, &letter, &restored);
    CHECK(restored.topic[0] != '\0' && restored.payload_size == raw.payload_size);
}

/* A row of the outbox whose headers are the payload: they never replace those of the envelope. */
static void check_row(struct ink_arena *arena, const struct ink_raw_message *raw)
{
    struct ink_outbox_row row = {.id = "id",
                                 .aggregate_type = "blog",
                                 .aggregate_id = "a",
                                 .type = "blog-updated",
                                 .payload = "{}",
                                 .headers = raw->payload,
                                 .created_at = "2023-11-14 22:13:20.123456+00"};
    struct ink_message message;
    struct ink_event event;
    ink_outbox_message(arena, &row, "blog-events", "/inkmesh/blog", &message);
    struct ink_raw_message sent = received(arena, &message);
    ink_event_read(arena, &sent, &event);
    CHECK(event.rejected == NULL && strcmp(event.id, "id") == 0);
    CHECK(strcmp(event.type, "blog-updated") == 0 && strcmp(event.source, "/inkmesh/blog") == 0);
    CHECK(event.time == 1700000000123456 && strcmp(event.topic, "blog-events") == 0);
    for (size_t i = 0; i < message.header_count; i++)
        CHECK(is_plain(message.headers[i].name) && is_plain(message.headers[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    struct ink_arena arena;
    struct ink_event event;
    ink_arena_init(&arena);
    struct ink_raw_message raw = read_message(&input, &arena);
    ink_event_read(&arena, &raw, &event);
    check_event(&event);
    for (size_t i = 0; notification_event_types[i] != NULL; i++) {
        struct ink_event one = event;
        one.type = notification_event_types[i];
        check_told(&arena, one);
    }
    check_letter(&arena, &raw, &event);
    check_foreign_letter(&arena, raw);
    check_row(&arena, &raw);
    ink_arena_release(&arena);
    return 0;
}
