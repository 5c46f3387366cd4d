#include <string.h>

#include "lib/contract/internal.h"

/* Field numbers of the extensions of google.protobuf.MethodOptions and FieldOptions. */
#define HTTP_OPTION 72295728
#define METHOD_OPTION 50101
#define FIELD_OPTION 50102

#define WIRE_TYPE_LENGTH PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED

/* How many bytes the length prefix at the start of a length-delimited unknown field has. */
static size_t prefix_size(const ProtobufCMessageUnknownField *field)
{
    size_t size = 1;
    while (size < field->len && (field->data[size - 1] & 0x80) != 0)
        size++;
    return size;
}

bool ink_option_bytes(struct ink_arena *arena, const ProtobufCMessage *options, unsigned number,
                      uint8_t **ret_data, size_t *ret_size)
{
    size_t total = 0, found = 0;
    if (options == NULL)
        return false;
    for (unsigned i = 0; i < options->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &options->unknown_fields[i];
        if (field->tag == number && field->wire_type == WIRE_TYPE_LENGTH) {
            total += field->len - prefix_size(field);
            found++;
        }
    }
    if (found == 0)
        return false;
    uint8_t *data = ink_arena_alloc(arena, total), *to = data;
    for (unsigned i = 0; i < options->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &options->unknown_fields[i];
        if (field->tag != number || field->wire_type != WIRE_TYPE_LENGTH)
            continue;
        size_t skip = prefix_size(field);
        memcpy(to, field->data + skip, field->len - skip);
        to += field->len - skip;
    }
    *ret_data = data;
    *ret_size = total;
    return true;
}

/* The extension `number` of `options` as a message, or NULL when it is absent. */
static ProtobufCMessage *read_extension(struct ink_arena *arena, const ProtobufCMessage *options,
                                        unsigned number, const ProtobufCMessageDescriptor *type,
                                        bool *ok)
{
    uint8_t *data;
    size_t size;
    if (!ink_option_bytes(arena, options, number, &data, &size))
        return NULL;
    ProtobufCMessage *message =
        protobuf_c_message_unpack(type, ink_arena_allocator(arena), size, data);
    *ok = *ok && message != NULL;
    return message;
}

bool ink_contract_read_method_options(struct ink_arena *arena, struct ink_method *method)
{
    const Google__Protobuf__MethodOptions *options = method->proto->options;
    bool ok = true;
    if (options == NULL)
        return true;
    method->idempotent =
        options->has_idempotency_level &&
        options->idempotency_level !=
            GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__IDEMPOTENCY_UNKNOWN;
    method->http = (const Google__Api__HttpRule *)read_extension(
        arena, &options->base, HTTP_OPTION, &google__api__http_rule__descriptor, &ok);
    method->options = (const Inkmesh__Options__V1__MethodOptions *)read_extension(
        arena, &options->base, METHOD_OPTION, &inkmesh__options__v1__method_options__descriptor,
        &ok);
    return ok;
}

bool ink_contract_read_field_options(struct ink_arena *arena, struct ink_field *field)
{
    const Google__Protobuf__FieldOptions *options = field->proto->options;
    bool ok = true;
    if (options == NULL)
        return true;
    const Inkmesh__Options__V1__FieldOptions *said =
        (const Inkmesh__Options__V1__FieldOptions *)read_extension(
            arena, &options->base, FIELD_OPTION, &inkmesh__options__v1__field_options__descriptor,
            &ok);
    if (!ok || said == NULL || said->header[0] == '\0')
        return ok;
    field->header = said->header;
    return field->proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING &&
           field->proto->label != GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED &&
           !field->proto->has_oneof_index;
}
