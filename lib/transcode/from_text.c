#include <string.h>

#include "lib/base/text.h"
#include "lib/transcode/from_json.h"
#include "lib/transcode/scalar.h"
#include "lib/transcode/slot.h"
#include "lib/transcode/well_known.h"

static const char *read_message(struct ink_arena *arena, const struct ink_message *type,
                                const char *text, size_t size, ProtobufCMessage *message)
{
    const struct ink_field *field = &type->fields[0];
    switch (type->well_known) {
    case INK_TIMESTAMP:
        return ink_timestamp_read(text, size, (void *)message);
    case INK_DURATION:
        return ink_duration_read(text, size, (void *)message);
    case INK_FIELD_MASK:
        return ink_field_mask_read(arena, text, size, (void *)message);
    case INK_WRAPPER:
        return ink_scalar_read(arena, field->c, text, size, true, ink_slot(field, message));
    default:
        return "cannot be written as text";
    }
}

static const char *read_value(struct ink_arena *arena, const struct ink_field *field,
                              const char *text, size_t size, void *slot)
{
    if (!ink_utf8_valid(text, size))
        return "must be valid UTF-8";
    if (field->map)
        return "cannot be written as text";
    if (field->message == NULL)
        return ink_scalar_read(arena, field->c, text, size, true, slot);
    ProtobufCMessage *child = ink_message_new(arena, field->message);
    const char *error = read_message(arena, field->message, text, size, child);
    if (error == NULL)
        *(ProtobufCMessage **)slot = child;
    return error;
}

/* Whether the field may be set; its oneof must have no other member. */
static bool may_set(const struct ink_field *field, const ProtobufCMessage *message)
{
    if (field->repeated || field->map || !ink_slot_in_oneof(field))
        return true;
    uint32_t set = *ink_slot_case(field, message);
    return set == 0 || set == field->c->id;
}

static struct ink_status refused_member(struct ink_arena *arena, const struct ink_field *field,
                                        const char *path)
{
    return ink_invalid_field(arena, path, "another member of \"%s\" is set already",
                             field->oneof->name);
}

struct ink_status ink_field_from_text(struct ink_arena *arena, const struct ink_field *field,
                                      const char *text, size_t size, const char *path,
                                      ProtobufCMessage *message)
{
    path = path != NULL ? path : field->name;
    if (!may_set(field, message))
        return refused_member(arena, field, path);
    /* A list grows only by what could be read. */
    _Alignas(8) char value[sizeof(ProtobufCBinaryData)];
    const char *error = read_value(arena, field, text, size, value);
    if (error != NULL)
        return ink_invalid_field(arena, path, "%s", error);
    size_t bytes;
    void *slot =
        field->repeated ? ink_slot_grow(arena, field, message, &bytes) : ink_slot(field, message);
    memcpy(slot, value, ink_scalar_size(field->c->type));
    if (field->repeated)
        ++*ink_slot_count(field, message);
    else
        ink_slot_mark(field, message);
    return ink_ok();
}

struct ink_status ink_field_message(struct ink_arena *arena, const struct ink_field *field,
                                    const char *path, ProtobufCMessage *message,
                                    ProtobufCMessage **ret_child)
{
    path = path != NULL ? path : field->name;
    if (field->message == NULL || field->repeated || field->map)
        return ink_invalid_field(arena, path, "has no fields of its own");
    if (!may_set(field, message))
        return refused_member(arena, field, path);
    ProtobufCMessage **slot = ink_slot(field, message);
    bool in_oneof = ink_slot_in_oneof(field);
    bool absent = in_oneof ? *ink_slot_case(field, message) == 0 : *slot == NULL;
    if (absent) {
        *slot = ink_message_new(arena, field->message);
        ink_slot_mark(field, message);
    }
    *ret_child = *slot;
    return ink_ok();
}
