#include "lib/transcode/to_json.h"

#include <string.h>

#include "lib/transcode/scalar.h"
#include "lib/transcode/slot.h"
#include "lib/transcode/to_json_internal.h"

bool ink_to_fail(struct ink_to *to, const struct ink_place *place, const char *cause)
{
    const char *path = ink_place_path(to->arena, place, NULL);
    to->status = ink_error_cause(to->arena, INK_INTERNAL, "the answer cannot be shown as JSON",
                                 "%s%s%s", path, *path != '\0' ? ": " : "", cause);
    return false;
}

bool ink_to_open(struct ink_to *to, char bracket, const struct ink_place *place)
{
    if (to->depth == INK_TO_JSON_DEPTH)
        return ink_to_fail(to, place, "nested too deeply");
    to->depth++;
    ink_buf_putc(to->out, bracket);
    return true;
}

void ink_to_close(struct ink_to *to, char bracket)
{
    to->depth--;
    ink_buf_putc(to->out, bracket);
}

static void put_comma(struct ink_to *to)
{
    char last = to->out->data[to->out->len - 1];
    if (last != '{' && last != '[')
        ink_buf_putc(to->out, ',');
}

static bool zero_bytes(const void *slot, size_t size)
{
    const char *bytes = slot;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* Whether a scalar is what a message without it would have. */
static bool is_zero(const ProtobufCFieldDescriptor *field, const void *slot)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(char *const *)slot;
        return text == NULL || *text == '\0';
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return ((const ProtobufCBinaryData *)slot)->len == 0;
    return zero_bytes(slot, ink_scalar_size(field->type));
}

/* Whether a proto2 field is there. */
static bool optional_is_set(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message,
                            const void *slot)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const void *text = *(void *const *)slot;
        return text != NULL && text != field->default_value;
    }
    return *(const protobuf_c_boolean *)(const void *)((const char *)message +
                                                       field->quantifier_offset);
}

/* Whether a field is written. */
static bool is_shown(const struct ink_to *to, const struct ink_field *field,
                     const ProtobufCMessage *message, const void *slot)
{
    bool zeros = (to->flags & INK_TO_JSON_OMIT_ZERO) == 0;
    if (field->header != NULL)
        return false;
    if (field->repeated || field->map)
        return zeros || *ink_slot_count(field, message) != 0;
    if (ink_slot_in_oneof(field))
        return *ink_slot_case(field, message) == field->c->id;
    if (field->message != NULL)
        return *(void *const *)slot != NULL;
    if (field->c->label == PROTOBUF_C_LABEL_OPTIONAL)
        return optional_is_set(field->c, message, slot);
    return zeros || !is_zero(field->c, slot);
}

/* One element of a list, value of an entry, or singular field. */
static bool put_value(struct ink_to *to, const struct ink_field *field, const void *slot,
                      const struct ink_place *place)
{
    if (field->message != NULL)
        return ink_to_message(to, field->message, *(ProtobufCMessage *const *)slot, place);
    ink_to_scalar(to->out, field->c, slot);
    return true;
}

bool ink_to_list(struct ink_to *to, const struct ink_field *field, const ProtobufCMessage *message,
                 const struct ink_place *place)
{
    struct ink_place here = {.up = place, .kind = INK_PLACE_INDEX};
    size_t count = *ink_slot_count(field, message), size = ink_scalar_size(field->c->type);
    const char *list = *(char *const *)ink_slot(field, message);
    if (!ink_to_open(to, '[', place))
        return false;
    for (; here.index < count; here.index++) {
        if (here.index != 0)
            ink_buf_putc(to->out, ',');
        if (!put_value(to, field, list + here.index * size, &here))
            return false;
    }
    ink_to_close(to, ']');
    return true;
}

static bool put_entry(struct ink_to *to, const struct ink_message *type,
                      const ProtobufCMessage *entry, const struct ink_place *place)
{
    const struct ink_field *key = &type->fields[0], *value = &type->fields[1];
    const void *slot = ink_slot(key, entry);
    bool text_key = key->c->type == PROTOBUF_C_TYPE_STRING;
    struct ink_place here = {.up = place, .kind = text_key ? INK_PLACE_KEY : INK_PLACE_RAW};
    char number[24];
    size_t start = to->out->len;
    ink_to_key(to->out, key->c, slot);
    if (text_key) {
        here.name = *(char *const *)slot != NULL ? *(char *const *)slot : "";
        here.size = strlen(here.name);
    } else { /* what was just written, without its quotes; the buffer may move */
        here.size = to->out->len - start - 2;
        here.name = memcpy(number, to->out->data + start + 1, here.size);
    }
    ink_buf_putc(to->out, ':');
    return put_value(to, value, ink_slot(value, entry), &here);
}

bool ink_to_map(struct ink_to *to, const struct ink_field *field, const ProtobufCMessage *message,
                const struct ink_place *place)
{
    size_t count = *ink_slot_count(field, message);
    ProtobufCMessage *const *entries = *(ProtobufCMessage *const **)ink_slot(field, message);
    if (!ink_to_open(to, '{', place))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (i != 0)
            ink_buf_putc(to->out, ',');
        if (!put_entry(to, field->message, entries[i], place))
            return false;
    }
    ink_to_close(to, '}');
    return true;
}

static bool put_field(struct ink_to *to, const struct ink_field *field,
                      const ProtobufCMessage *message, const void *slot,
                      const struct ink_place *place)
{
    if (field->map)
        return ink_to_map(to, field, message, place);
    if (field->repeated)
        return ink_to_list(to, field, message, place);
    return put_value(to, field, slot, place);
}

bool ink_to_members(struct ink_to *to, const struct ink_message *type,
                    const ProtobufCMessage *message, const struct ink_place *place)
{
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct ink_field *field = &type->fields[i];
        const void *slot = ink_slot(field, message);
        if (!is_shown(to, field, message, slot))
            continue;
        bool proto_name = (to->flags & INK_TO_JSON_PROTO_NAMES) != 0;
        const char *name = proto_name ? field->name : field->json_name;
        struct ink_place here = ink_place_field(place, field->name, strlen(field->name));
        put_comma(to);
        ink_buf_json_string(to->out, name, strlen(name));
        ink_buf_putc(to->out, ':');
        if (!put_field(to, field, message, slot, &here))
            return false;
    }
    return true;
}

bool ink_to_message(struct ink_to *to, const struct ink_message *type,
                    const ProtobufCMessage *message, const struct ink_place *place)
{
    if (message == NULL) {
        ProtobufCMessage *empty = ink_arena_alloc(to->arena, type->c->sizeof_message);
        protobuf_c_message_init(type->c, empty);
        message = empty;
    }
    if (type->well_known != INK_NOT_WELL_KNOWN)
        return ink_to_well_known(to, type, message, place);
    if (!ink_to_open(to, '{', place) || !ink_to_members(to, type, message, place))
        return false;
    ink_to_close(to, '}');
    return true;
}

/* Takes back what was appended when something failed. */
static struct ink_status end(struct ink_to *to, bool done, size_t start)
{
    if (done)
        return ink_ok();
    to->out->len = start;
    if (to->out->data != NULL)
        to->out->data[start] = '\0';
    return to->status;
}

struct ink_status ink_to_json(const struct ink_contract *contract, struct ink_arena *arena,
                              const struct ink_message *type, const ProtobufCMessage *message,
                              unsigned flags, struct ink_buf *out)
{
    struct ink_to to = {.contract = contract, .arena = arena, .out = out, .flags = flags};
    size_t start = out->len;
    return end(&to, ink_to_message(&to, type, message, NULL), start);
}

struct ink_status ink_to_json_field(const struct ink_contract *contract, struct ink_arena *arena,
                                    const struct ink_field *field, const ProtobufCMessage *message,
                                    unsigned flags, struct ink_buf *out)
{
    struct ink_to to = {.contract = contract, .arena = arena, .out = out, .flags = flags};
    struct ink_place place = ink_place_field(NULL, field->name, strlen(field->name));
    const void *slot = ink_slot(field, message);
    size_t start = out->len;
    bool list = field->repeated || field->map;
    bool absent = !list && (field->message != NULL || ink_slot_in_oneof(field)) &&
                  !is_shown(&to, field, message, slot);
    if (absent) {
        ink_buf_puts(out, "null");
        return ink_ok();
    }
    return end(&to, put_field(&to, field, message, slot, &place), start);
}
