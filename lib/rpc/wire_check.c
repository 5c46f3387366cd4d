/* Walks a serialized message beside its descriptor, without unpacking it. */
#include <string.h>

#include "lib/base/text.h"
#include "lib/rpc/wire.h"

#define DEEPEST 64

struct walk {
    const char *field;
    const char *problem;
};

struct input {
    const uint8_t *at;
    const uint8_t *end;
};

static bool fail(struct walk *walk, const char *field, const char *problem)
{
    walk->field = field;
    walk->problem = problem;
    return false;
}

static bool take_varint(struct input *in, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        uint8_t byte = *in->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool check_message(struct walk *walk, const ProtobufCMessageDescriptor *descriptor,
                          struct input in, int depth);

/* A length-delimited value, which `field` (NULL when unknown) says how to read. */
static bool check_value(struct walk *walk, const ProtobufCFieldDescriptor *field,
                        struct input value, int depth)
{
    size_t size = (size_t)(value.end - value.at);
    if (field == NULL)
        return true;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return check_message(walk, field->descriptor, value, depth + 1);
    if (field->type != PROTOBUF_C_TYPE_STRING)
        return true;
    if (memchr(value.at, '\0', size) != NULL)
        return fail(walk, field->name, "must not contain NUL");
    if (!ink_utf8_valid((const char *)value.at, size))
        return fail(walk, field->name, "must be valid UTF-8");
    return true;
}

static bool skip(struct input *in, size_t size)
{
    if ((size_t)(in->end - in->at) < size)
        return false;
    in->at += size;
    return true;
}

static bool check_message(struct walk *walk, const ProtobufCMessageDescriptor *descriptor,
                          struct input in, int depth)
{
    const char malformed[] = "is not a valid protobuf message";
    if (depth > DEEPEST)
        return fail(walk, "", "is nested too deeply");
    while (in.at < in.end) {
        uint64_t tag, size;
        if (!take_varint(&in, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1FFFFFFF)
            return fail(walk, "", malformed);
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(descriptor, (unsigned)(tag >> 3));
        switch (tag & 7) {
        case PROTOBUF_C_WIRE_TYPE_VARINT:
            if (!take_varint(&in, &size))
                return fail(walk, "", malformed);
            break;
        case PROTOBUF_C_WIRE_TYPE_64BIT:
        case PROTOBUF_C_WIRE_TYPE_32BIT:
            if (!skip(&in, (tag & 7) == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4))
                return fail(walk, "", malformed);
            break;
        case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED: {
            if (!take_varint(&in, &size) || size > (uint64_t)(in.end - in.at))
                return fail(walk, "", malformed);
            struct input value = {.at = in.at, .end = in.at + size};
            if (!check_value(walk, field, value, depth))
                return false;
            in.at = value.end;
            break;
        }
        default: /* groups, which proto3 does not have */
            return fail(walk, "", malformed);
        }
    }
    return true;
}

bool ink_wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
                    const char **ret_field, const char **ret_problem)
{
    struct walk walk = {0};
    struct input in = {.at = data, .end = data + size};
    if (check_message(&walk, descriptor, in, 0))
        return true;
    *ret_field = walk.field;
    *ret_problem = walk.problem;
    return false;
}
