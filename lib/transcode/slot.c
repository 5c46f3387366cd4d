#include "lib/transcode/slot.h"

#include <string.h>

#include "lib/transcode/scalar.h"

#define FIRST_ROOM 4

void ink_slot_mark(const struct ink_field *field, ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *c = field->c;
    if (ink_slot_in_oneof(field))
        *ink_slot_case(field, message) = c->id;
    else if (c->label == PROTOBUF_C_LABEL_OPTIONAL && c->type != PROTOBUF_C_TYPE_STRING &&
             c->type != PROTOBUF_C_TYPE_MESSAGE)
        *(protobuf_c_boolean *)(void *)((char *)message + c->quantifier_offset) = 1;
}

void *ink_slot_grow(struct ink_arena *arena, const struct ink_field *field,
                    ProtobufCMessage *message, size_t *ret_bytes)
{
    size_t count = *ink_slot_count(field, message), size = ink_scalar_size(field->c->type);
    char **list = ink_slot(field, message);
    bool full = count == 0 || (count >= FIRST_ROOM && (count & (count - 1)) == 0);
    *ret_bytes = 0;
    if (full) {
        size_t room = count == 0 ? FIRST_ROOM : count * 2;
        char *larger = ink_arena_alloc(arena, room * size);
        if (count != 0)
            memcpy(larger, *list, count * size);
        *list = larger;
        *ret_bytes = room * size;
    }
    return *list + count * size;
}
