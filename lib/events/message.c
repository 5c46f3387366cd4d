#include "lib/events/message.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/text.h"
#include "lib/transcode/json_reader.h"

static const char *keep(struct ink_arena *arena, const void *data, size_t size)
{
    return data != NULL ? ink_arena_strndup(arena, data, size) : NULL;
}

static void copy_headers(struct ink_arena *arena, const rd_kafka_message_t *message,
                         struct ink_raw_message *raw)
{
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    size_t count = rd_kafka_header_cnt(headers);
    raw->headers = ink_arena_calloc(arena, count, sizeof(*raw->headers));
    for (size_t i = 0; i < count; i++) {
        const char *name;
        const void *value;
        size_t size;
        rd_kafka_header_get_all(headers, i, &name, &value, &size);
        const char *kept = value != NULL ? keep(arena, value, size) : "";
        raw->headers[raw->header_count++] =
            (struct ink_header){ink_arena_strdup(arena, name), kept, value != NULL ? size : 0};
    }
}

void ink_message_copy(struct ink_arena *arena, const rd_kafka_message_t *message,
                      struct ink_raw_message *ret_raw)
{
    rd_kafka_timestamp_type_t type;
    int64_t time = rd_kafka_message_timestamp(message, &type);
    *ret_raw = (struct ink_raw_message){
        .topic = ink_arena_strdup(arena, rd_kafka_topic_name(message->rkt)),
        .partition = message->partition,
        .offset = message->offset,
        .time = type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? time : 0,
        .key = keep(arena, message->key, message->key_len),
        .key_size = message->key_len,
        .payload = keep(arena, message->payload, message->len),
        .payload_size = message->len};
    copy_headers(arena, message, ret_raw);
}

static const struct ink_header *find(const struct ink_raw_message *raw, const char *name)
{
    for (size_t i = 0; i < raw->header_count; i++) {
        if (strcmp(raw->headers[i].name, name) == 0)
            return &raw->headers[i];
    }
    return NULL;
}

const char *ink_message_header(const struct ink_raw_message *raw, const char *name)
{
    const struct ink_header *header = find(raw, name);
    return header != NULL ? header->value : NULL;
}

/* Text that PostgreSQL takes, and not too much of it. */
static bool is_usable(const char *text, size_t size)
{
    return size > 0 && size <= INK_EVENT_ID_LIMIT && ink_utf8_valid(text, size) &&
           memchr(text, '\0', size) == NULL;
}

/* The "type" of a JSON object, all of which is checked; NULL when there is none. */
static const char *type_in_payload(struct ink_arena *arena, const char *payload, size_t size)
{
    struct ink_json_reader json;
    struct ink_json_text name, value = {0};
    ink_json_reader_init(&json, arena, payload, size);
    if (ink_json_peek(&json) != INK_JSON_OBJECT || !ink_json_enter_object(&json))
        return NULL;
    while (ink_json_next_name(&json, &name)) {
        bool is_type = name.size == 4 && memcmp(name.data, "type", 4) == 0 &&
                       ink_json_peek(&json) == INK_JSON_STRING;
        if (!(is_type ? ink_json_string(&json, &value) : ink_json_skip(&json)))
            return NULL;
    }
    if (!ink_json_finish(&json) || !is_usable(value.data != NULL ? value.data : "", value.size))
        return NULL;
    return ink_arena_strndup(arena, value.data, value.size);
}

static void read_type(struct ink_arena *arena, const struct ink_raw_message *raw,
                      struct ink_event *event)
{
    const struct ink_header *header = find(raw, "ce_type");
    if (header != NULL && is_usable(header->value, header->size))
        event->type = header->value;
    else if (header == NULL && raw->payload != NULL)
        event->type = type_in_payload(arena, raw->payload, raw->payload_size);
    if (event->type != NULL)
        return;
    event->type = "";
    event->rejected = header != NULL ? "the header ce_type is of no use"
                                     : "neither a header nor the payload tells the event's type";
}

static void read_id(struct ink_arena *arena, const struct ink_raw_message *raw,
                    struct ink_event *event)
{
    const struct ink_header *id = find(raw, "ce_id");
    if (id == NULL)
        id = find(raw, INK_HEADER_EVENT_ID);
    if (id != NULL && is_usable(id->value, id->size)) {
        event->id = id->value;
        return;
    }
    event->id = ink_arena_printf(arena, "kafka:%s/%" PRId32 "/%" PRId64, raw->topic, raw->partition,
                                 raw->offset);
    if (id != NULL)
        event->rejected = "the header ce_id is of no use";
}

int64_t ink_message_time(int64_t milliseconds)
{
    const int64_t most = INT64_MAX / 1000;
    return (milliseconds > most ? most : milliseconds < -most ? -most : milliseconds) * 1000;
}

static int64_t read_time(const struct ink_raw_message *raw)
{
    int64_t seconds;
    int32_t nanos;
    const struct ink_header *header = find(raw, "ce_time");
    if (header != NULL && ink_rfc3339_parse(header->value, header->size, &seconds, &nanos))
        return seconds * 1000000 + nanos / 1000;
    return ink_message_time(raw->time);
}

void ink_event_read(struct ink_arena *arena, const struct ink_raw_message *raw,
                    struct ink_event *ret_event)
{
    const struct ink_header *source = find(raw, "ce_source");
    *ret_event = (struct ink_event){
        .source = source != NULL && is_usable(source->value, source->size) ? source->value : "",
        .key = raw->key != NULL ? raw->key : "",
        .key_size = raw->key_size,
        .payload = raw->payload != NULL ? raw->payload : "",
        .payload_size = raw->payload_size,
        .time = read_time(raw),
        .traceparent = ink_message_header(raw, "traceparent"),
        .topic = raw->topic,
        .partition = raw->partition,
        .offset = raw->offset,
        .lane = (uint32_t)raw->partition};
    read_id(arena, raw, ret_event);
    read_type(arena, raw, ret_event);
}
