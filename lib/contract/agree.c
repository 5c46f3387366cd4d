/* Whether the two sides of a contract say the same: what works with one by the other's word (a
 * text where C has a number, say) would work with the wrong memory. */
#include <string.h>

#include "lib/contract/internal.h"

#define PROTO(type) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##type

/* protobuf-c's type for one of descriptor.proto's. */
static bool same_type(int proto, ProtobufCType c)
{
    static const struct {
        int proto;
        ProtobufCType c;
    } types[] = {
        {PROTO(DOUBLE), PROTOBUF_C_TYPE_DOUBLE},     {PROTO(FLOAT), PROTOBUF_C_TYPE_FLOAT},
        {PROTO(INT64), PROTOBUF_C_TYPE_INT64},       {PROTO(UINT64), PROTOBUF_C_TYPE_UINT64},
        {PROTO(INT32), PROTOBUF_C_TYPE_INT32},       {PROTO(FIXED64), PROTOBUF_C_TYPE_FIXED64},
        {PROTO(FIXED32), PROTOBUF_C_TYPE_FIXED32},   {PROTO(BOOL), PROTOBUF_C_TYPE_BOOL},
        {PROTO(STRING), PROTOBUF_C_TYPE_STRING},     {PROTO(MESSAGE), PROTOBUF_C_TYPE_MESSAGE},
        {PROTO(BYTES), PROTOBUF_C_TYPE_BYTES},       {PROTO(UINT32), PROTOBUF_C_TYPE_UINT32},
        {PROTO(ENUM), PROTOBUF_C_TYPE_ENUM},         {PROTO(SFIXED32), PROTOBUF_C_TYPE_SFIXED32},
        {PROTO(SFIXED64), PROTOBUF_C_TYPE_SFIXED64}, {PROTO(SINT32), PROTOBUF_C_TYPE_SINT32},
        {PROTO(SINT64), PROTOBUF_C_TYPE_SINT64},
    };
    for (size_t i = 0; i < INK_COUNT(types); i++)
        if (types[i].proto == proto)
            return types[i].c == c;
    return false;
}

static bool same_descriptor(const struct ink_field *field)
{
    if (field->message != NULL)
        return field->message->c == field->c->descriptor;
    return field->enum_type == NULL || field->enum_type->c == field->c->descriptor;
}

static bool field_agrees(const struct ink_field *field)
{
    bool c_oneof = (field->c->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    bool c_repeated = field->c->label == PROTOBUF_C_LABEL_REPEATED;
    if (!same_type((int)field->proto->type, field->c->type) || !same_descriptor(field))
        return false;
    if ((field->repeated || field->map) != c_repeated || (field->oneof != NULL) != c_oneof)
        return false;
    return field->oneof == NULL || field->oneof->case_offset == field->c->quantifier_offset;
}

/* Each C field once. */
static bool fields_agree(const struct ink_message *message)
{
    if (message->n_fields != message->c->n_fields)
        return false;
    for (size_t i = 0; i < message->n_fields; i++) {
        if (!field_agrees(&message->fields[i]))
            return false;
        for (size_t other = 0; other < i; other++)
            if (message->fields[other].c == message->fields[i].c)
                return false;
    }
    return true;
}

/* A key, of a kind that JSON can write as a name, and a value. */
static bool is_entry(const struct ink_message *message)
{
    if (message->n_fields != 2 || message->fields[0].c->id != 1 || message->fields[1].c->id != 2)
        return false;
    const ProtobufCFieldDescriptor *key = message->fields[0].c;
    return key->label != PROTOBUF_C_LABEL_REPEATED && key->type != PROTOBUF_C_TYPE_MESSAGE &&
           key->type != PROTOBUF_C_TYPE_BYTES && key->type != PROTOBUF_C_TYPE_ENUM &&
           key->type != PROTOBUF_C_TYPE_FLOAT && key->type != PROTOBUF_C_TYPE_DOUBLE &&
           message->fields[1].c->label != PROTOBUF_C_LABEL_REPEATED;
}

static bool enum_agrees(const struct ink_enum *e)
{
    if (e->proto->n_value != e->c->n_value_names)
        return false;
    for (size_t i = 0; i < e->proto->n_value; i++) {
        const char *name = e->proto->value[i]->name;
        const ProtobufCEnumValue *c =
            name == NULL ? NULL : protobuf_c_enum_descriptor_get_value_by_name(e->c, name);
        if (c == NULL || c->value != e->proto->value[i]->number)
            return false;
    }
    return true;
}

static bool service_agrees(const struct ink_service *service)
{
    if (service->n_methods != service->c->n_methods)
        return false;
    for (size_t i = 0; i < service->n_methods; i++) {
        const struct ink_method *method = &service->methods[i];
        if (strcmp(method->name, method->c->name) != 0 || method->input->c != method->c->input ||
            method->output->c != method->c->output)
            return false;
    }
    return true;
}

const char *ink_contract_disagreement(const struct ink_contract *contract)
{
    for (size_t i = 0; i < contract->n_messages; i++) {
        const struct ink_message *message = contract->messages[i];
        if (i > 0 && strcmp(contract->messages[i - 1]->full_name, message->full_name) == 0)
            return message->full_name;
        if (!fields_agree(message) || (message->map_entry && !is_entry(message)))
            return message->full_name;
    }
    for (size_t i = 0; i < contract->n_enums; i++)
        if (!enum_agrees(contract->enums[i]) ||
            (i > 0 &&
             strcmp(contract->enums[i - 1]->full_name, contract->enums[i]->full_name) == 0))
            return contract->enums[i]->full_name;
    for (size_t i = 0; i < contract->n_services; i++)
        if (!service_agrees(contract->services[i]) ||
            (i > 0 &&
             strcmp(contract->services[i - 1]->full_name, contract->services[i]->full_name) == 0))
            return contract->services[i]->full_name;
    return NULL;
}
