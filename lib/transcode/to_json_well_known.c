#include <math.h>
#include <string.h>

#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/struct.pb-c.h"
#include "lib/transcode/slot.h"
#include "lib/transcode/to_json_internal.h"
#include "lib/transcode/well_known.h"

/* The member of a oneof that is set; NULL when none is. */
static const struct ink_field *set_member(const struct ink_message *type,
                                          const ProtobufCMessage *message)
{
    for (size_t i = 0; i < type->n_fields; i++)
        if (*ink_slot_case(&type->fields[i], message) == type->fields[i].c->id)
            return &type->fields[i];
    return NULL;
}

static bool put_any_json(struct ink_to *to, const struct ink_message *type,
                         const Google__Protobuf__Value *value, const struct ink_place *place)
{
    const struct ink_field *member = set_member(type, &value->base);
    if (member == NULL) {
        ink_buf_puts(to->out, "null");
        return true;
    }
    if (value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE &&
        !isfinite(value->number_value))
        return ink_to_fail(to, place, "a Value that is not finite");
    const void *slot = ink_slot(member, &value->base);
    if (member->message != NULL)
        return ink_to_message(to, member->message, *(ProtobufCMessage *const *)slot, place);
    ink_to_scalar(to->out, member->c, slot);
    return true;
}

static bool judge(struct ink_to *to, const char *error, const struct ink_place *place)
{
    return error == NULL || ink_to_fail(to, place, error);
}

/* What an Any holds; NULL after an error. */
static ProtobufCMessage *unpack(struct ink_to *to, const Google__Protobuf__Any *any,
                                const struct ink_place *place, const struct ink_message **ret_type)
{
    const char *slash = strrchr(any->type_url, '/');
    const struct ink_message *type =
        slash == NULL ? NULL : ink_contract_message(to->contract, slash + 1);
    if (type == NULL) {
        ink_to_fail(to, place, "an Any of an unknown type");
        return NULL;
    }
    ProtobufCMessage *message = protobuf_c_message_unpack(type->c, ink_arena_allocator(to->arena),
                                                          any->value.len, any->value.data);
    if (message == NULL)
        ink_to_fail(to, place, "an Any whose value is malformed");
    *ret_type = type;
    return message;
}

static bool put_any(struct ink_to *to, const Google__Protobuf__Any *any,
                    const struct ink_place *place)
{
    const struct ink_message *type;
    if (!ink_to_open(to, '{', place))
        return false;
    if ((any->type_url == NULL || *any->type_url == '\0') && any->value.len == 0) {
        ink_to_close(to, '}');
        return true;
    }
    ProtobufCMessage *message = unpack(to, any, place, &type);
    if (message == NULL)
        return false;
    ink_buf_puts(to->out, "\"@type\":");
    ink_buf_json_string(to->out, any->type_url, strlen(any->type_url));
    if (type->well_known == INK_NOT_WELL_KNOWN || type->well_known == INK_EMPTY) {
        if (!ink_to_members(to, type, message, place))
            return false;
    } else {
        ink_buf_puts(to->out, ",\"value\":");
        if (!ink_to_message(to, type, message, place))
            return false;
    }
    ink_to_close(to, '}');
    return true;
}

bool ink_to_well_known(struct ink_to *to, const struct ink_message *type,
                       const ProtobufCMessage *message, const struct ink_place *place)
{
    const struct ink_field *first = type->n_fields != 0 ? &type->fields[0] : NULL;
    switch (type->well_known) {
    case INK_ANY:
        return put_any(to, (const void *)message, place);
    case INK_VALUE:
        return put_any_json(to, type, (const void *)message, place);
    case INK_STRUCT:
        return ink_to_map(to, first, message, place);
    case INK_LIST_VALUE:
        return ink_to_list(to, first, message, place);
    case INK_WRAPPER:
        ink_to_scalar(to->out, first->c, ink_slot(first, message));
        return true;
    case INK_TIMESTAMP:
        return judge(to, ink_timestamp_write((const void *)message, to->out), place);
    case INK_DURATION:
        return judge(to, ink_duration_write((const void *)message, to->out), place);
    case INK_FIELD_MASK:
        return judge(to, ink_field_mask_write((const void *)message, to->out), place);
    case INK_EMPTY:
    case INK_NOT_WELL_KNOWN:
        break;
    }
    ink_buf_puts(to->out, "{}");
    return true;
}
