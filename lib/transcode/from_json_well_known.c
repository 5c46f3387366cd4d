#include <string.h>

#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/struct.pb-c.h"
#include "lib/transcode/from_json_internal.h"
#include "lib/transcode/scalar.h"
#include "lib/transcode/slot.h"
#include "lib/transcode/well_known.h"

static const struct ink_field *field_numbered(const struct ink_message *type, unsigned number)
{
    for (size_t i = 0; i < type->n_fields; i++)
        if (type->fields[i].c->id == number)
            return &type->fields[i];
    return NULL;
}

/* google.protobuf.Value: the JSON value itself decides which member is set. */
static bool read_any_json(struct ink_from *from, const struct ink_message *type,
                          Google__Protobuf__Value *value, const struct ink_place *place)
{
    bool flag;
    switch (ink_json_peek(&from->reader)) {
    case INK_JSON_NULL:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE;
        value->null_value = GOOGLE__PROTOBUF__NULL_VALUE__NULL_VALUE;
        return ink_json_null(&from->reader);
    case INK_JSON_BOOL:
        if (!ink_json_bool(&from->reader, &flag))
            return false;
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE;
        value->bool_value = flag;
        return true;
    case INK_JSON_NUMBER:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
        break;
    case INK_JSON_STRING:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE;
        break;
    case INK_JSON_OBJECT:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE;
        break;
    case INK_JSON_ARRAY:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE;
        break;
    case INK_JSON_INVALID:
        return false;
    }
    const struct ink_field *member = field_numbered(type, value->kind_case);
    return ink_from_field(from, member, &value->base, false, place);
}

static bool read_text(struct ink_from *from, struct ink_json_text *ret_text,
                      const struct ink_place *place)
{
    return ink_from_expect(from, place, INK_JSON_STRING, "a string") &&
           ink_json_string(&from->reader, ret_text);
}

static bool judge(struct ink_from *from, const char *error, const struct ink_place *place)
{
    return error == NULL || ink_from_fail(from, place, "%s", error);
}

/* The types that are one string. */
static bool read_as_text(struct ink_from *from, const struct ink_message *type,
                         ProtobufCMessage *message, const struct ink_place *place)
{
    struct ink_json_text text;
    if (!read_text(from, &text, place))
        return false;
    if (type->well_known == INK_TIMESTAMP)
        return judge(from, ink_timestamp_read(text.data, text.size, (void *)message), place);
    if (type->well_known == INK_DURATION)
        return judge(from, ink_duration_read(text.data, text.size, (void *)message), place);
    return judge(from, ink_field_mask_read(from->arena, text.data, text.size, (void *)message),
                 place);
}

static bool is(struct ink_json_text text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}

/* Looks ahead for the value of "@type"; the reader stays where it is. */
static bool find_type(struct ink_from *from, struct ink_json_text *ret_url, bool *ret_empty,
                      const struct ink_place *place)
{
    struct ink_json_reader *reader = &from->reader, before = *reader;
    struct ink_json_text name, url = {0};
    struct ink_place here = ink_place_field(place, "@type", strlen("@type"));
    bool empty = true;
    if (!ink_json_enter_object(reader))
        return false;
    while (url.data == NULL && ink_json_next_name(reader, &name)) {
        empty = false;
        if (is(name, "@type") ? !read_text(from, &url, &here) : !ink_json_skip(reader))
            return false;
    }
    if (reader->error != NULL)
        return false;
    if (url.data == NULL && !empty)
        return ink_from_fail(from, &here, "must name the type");
    *reader = before;
    *ret_url = url;
    *ret_empty = empty;
    return true;
}

/* The message type that "type.googleapis.com/full.name" names. */
static const struct ink_message *type_of(struct ink_from *from, const char *url)
{
    const char *slash = strrchr(url, '/');
    return slash == NULL ? NULL : ink_contract_message(from->contract, slash + 1);
}

/* {"@type": ..., "value": ...}, for types that JSON writes in their own form. */
static bool read_boxed(struct ink_from *from, const struct ink_message *type,
                       ProtobufCMessage **ret_message, const struct ink_place *place)
{
    struct ink_json_text name;
    bool have_type = false, have_value = false;
    if (!ink_json_enter_object(&from->reader))
        return false;
    while (ink_json_next_name(&from->reader, &name)) {
        struct ink_place here = ink_place_field(place, name.data, name.size);
        bool is_type = is(name, "@type");
        if (!is_type && !is(name, "value"))
            return ink_from_fail(from, &here, "unknown field");
        if (is_type ? have_type : have_value)
            return ink_from_fail(from, &here, "is there twice");
        if (is_type ? !ink_json_skip(&from->reader)
                    : !ink_from_message(from, type, &here, ret_message))
            return false;
        have_type |= is_type;
        have_value |= !is_type;
    }
    struct ink_place here = ink_place_field(place, "value", strlen("value"));
    return from->reader.error == NULL && (have_value || ink_from_fail(from, &here, "is missing"));
}

static bool read_packed(struct ink_from *from, const struct ink_message *type,
                        ProtobufCBinaryData *ret_data, const struct ink_place *place)
{
    ProtobufCMessage *message;
    if (type->well_known != INK_NOT_WELL_KNOWN && type->well_known != INK_EMPTY) {
        if (!read_boxed(from, type, &message, place))
            return false;
    } else {
        message = ink_message_new(from->arena, type);
        if (!ink_from_count(from, type->c->sizeof_message) ||
            !ink_from_object(from, type, message, "@type", false, place))
            return false;
    }
    size_t size = protobuf_c_message_get_packed_size(message);
    if (!ink_from_count(from, size))
        return false;
    ret_data->data = ink_arena_alloc(from->arena, size);
    ret_data->len = protobuf_c_message_pack(message, ret_data->data);
    return true;
}

static bool read_any(struct ink_from *from, Google__Protobuf__Any *any,
                     const struct ink_place *place)
{
    struct ink_json_text url = {0};
    bool empty = false;
    if (!ink_from_expect(from, place, INK_JSON_OBJECT, "an object") ||
        !find_type(from, &url, &empty, place))
        return false;
    if (empty)
        return ink_json_skip(&from->reader);
    struct ink_place here = ink_place_field(place, "@type", strlen("@type"));
    char *kept = ink_json_text_keep(&from->reader, url);
    const struct ink_message *type = kept == NULL ? NULL : type_of(from, kept);
    if (type == NULL)
        return ink_from_fail(from, &here,
                             "must be a known type such as "
                             "\"type.googleapis.com/google.protobuf.Duration\"");
    any->type_url = kept;
    return read_packed(from, type, &any->value, place);
}

bool ink_from_well_known(struct ink_from *from, const struct ink_message *type,
                         ProtobufCMessage *message, const struct ink_place *place)
{
    switch (type->well_known) {
    case INK_ANY:
        return read_any(from, (void *)message, place);
    case INK_VALUE:
        return read_any_json(from, type, (void *)message, place);
    case INK_STRUCT:
    case INK_LIST_VALUE: /* their only field is a map or a list */
        return ink_from_field(from, &type->fields[0], message, false, place);
    case INK_WRAPPER:
        return ink_from_scalar(from, &type->fields[0], ink_slot(&type->fields[0], message), place);
    case INK_DURATION:
    case INK_FIELD_MASK:
    case INK_TIMESTAMP:
        return read_as_text(from, type, message, place);
    case INK_EMPTY:
    case INK_NOT_WELL_KNOWN:
        break;
    }
    return ink_from_object(from, type, message, NULL, false, place);
}
