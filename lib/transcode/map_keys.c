#include "lib/transcode/map_keys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/transcode/scalar.h"
#include "lib/transcode/slot.h"

/* A map's key, whatever its kind: `text` for strings, else the bits of the number. */
struct key {
    const char *text;
    uint64_t bits;
};

static int compare(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->text != NULL)
        return strcmp(x->text, y->text);
    return (x->bits > y->bits) - (x->bits < y->bits);
}

static struct key key_of(const struct ink_field *key, const ProtobufCMessage *entry)
{
    const void *slot = ink_slot(key, entry);
    if (key->c->type == PROTOBUF_C_TYPE_STRING)
        return (struct key){.text = *(char *const *)slot};
    if (ink_scalar_size(key->c->type) == 8)
        return (struct key){.bits = *(const uint64_t *)slot};
    return (struct key){.bits = *(const uint32_t *)slot};
}

static const char *key_text(struct ink_arena *arena, const struct ink_field *key, struct key value)
{
    switch (key->c->type) {
    case PROTOBUF_C_TYPE_STRING:
        return value.text;
    case PROTOBUF_C_TYPE_BOOL:
        return value.bits != 0 ? "true" : "false";
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return ink_arena_printf(arena, "%" PRIu64, value.bits);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return ink_arena_printf(arena, "%" PRId64, (int64_t)value.bits);
    default:
        return ink_arena_printf(arena, "%" PRId32, (int32_t)(uint32_t)value.bits);
    }
}

const char *ink_map_key_twice(struct ink_arena *arena, const struct ink_field *field,
                              const ProtobufCMessage *message)
{
    const struct ink_field *key = &field->message->fields[0];
    size_t count = *ink_slot_count(field, message);
    ProtobufCMessage *const *entries = *(ProtobufCMessage ***)ink_slot(field, message);
    if (count < 2)
        return NULL;
    struct key *keys = ink_arena_calloc(arena, count, sizeof(*keys));
    for (size_t i = 0; i < count; i++)
        keys[i] = key_of(key, entries[i]);
    qsort(keys, count, sizeof(*keys), compare);
    for (size_t i = 1; i < count; i++)
        if (compare(&keys[i - 1], &keys[i]) == 0)
            return key_text(arena, key, keys[i]);
    return NULL;
}
