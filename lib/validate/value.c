#include "lib/validate/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "lib/base/clock.h"
#include "lib/base/text.h"

#define PRINTED_TEXT 64 /* bytes of a text shown in a message or a path */

static enum ink_value_kind message_kind(const ProtobufCMessageDescriptor *descriptor)
{
    if (strcmp(descriptor->name, "google.protobuf.Timestamp") == 0)
        return INK_VALUE_TIMESTAMP;
    if (strcmp(descriptor->name, "google.protobuf.Duration") == 0)
        return INK_VALUE_DURATION;
    if (strcmp(descriptor->name, "google.protobuf.Any") == 0)
        return INK_VALUE_ANY;
    return INK_VALUE_MESSAGE;
}

enum ink_value_kind ink_value_kind_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return INK_VALUE_INT;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return INK_VALUE_UINT;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return INK_VALUE_FLOAT;
    case PROTOBUF_C_TYPE_BOOL:
        return INK_VALUE_BOOL;
    case PROTOBUF_C_TYPE_ENUM:
        return INK_VALUE_ENUM;
    case PROTOBUF_C_TYPE_STRING:
        return INK_VALUE_STRING;
    case PROTOBUF_C_TYPE_BYTES:
        return INK_VALUE_BYTES;
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return message_kind(field->descriptor);
}

static struct ink_value load_scalar(ProtobufCType type, const void *at)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_ENUM:
        return (struct ink_value){.i = *(const int32_t *)at};
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return (struct ink_value){.u = *(const uint32_t *)at};
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return (struct ink_value){.u = *(const uint64_t *)at};
    case PROTOBUF_C_TYPE_FLOAT:
        return (struct ink_value){.d = (double)*(const float *)at};
    case PROTOBUF_C_TYPE_DOUBLE:
        return (struct ink_value){.d = *(const double *)at};
    case PROTOBUF_C_TYPE_BOOL:
        return (struct ink_value){.i = *(const protobuf_c_boolean *)at != 0};
    default:
        return (struct ink_value){.i = *(const int64_t *)at};
    }
}

static struct ink_value load_text(const char *text)
{
    struct ink_value value = {.text = {.data = text == NULL ? "" : text}};
    value.text.size = strlen(value.text.data);
    return value;
}

static struct ink_value load_bytes(const ProtobufCBinaryData *bytes)
{
    struct ink_value value = {.text = {.data = "", .size = bytes->len}};
    if (bytes->len != 0)
        value.text.data = (const char *)bytes->data;
    return value;
}

static struct ink_value load_timestamp(const Google__Protobuf__Timestamp *time)
{
    if (time == NULL)
        return (struct ink_value){0};
    return (struct ink_value){.time = {.seconds = time->seconds, .nanos = time->nanos}};
}

static struct ink_value load_duration(const Google__Protobuf__Duration *span)
{
    if (span == NULL)
        return (struct ink_value){0};
    return (struct ink_value){.time = {.seconds = span->seconds, .nanos = span->nanos}};
}

static struct ink_value load_any(const Google__Protobuf__Any *any)
{
    return load_text(any == NULL ? NULL : any->type_url);
}

struct ink_value ink_value_load(enum ink_value_kind kind, ProtobufCType type, const void *at)
{
    switch (kind) {
    case INK_VALUE_STRING:
        return load_text(*(char *const *)at);
    case INK_VALUE_BYTES:
        return load_bytes(at);
    case INK_VALUE_TIMESTAMP:
        return load_timestamp(*(Google__Protobuf__Timestamp *const *)at);
    case INK_VALUE_DURATION:
        return load_duration(*(Google__Protobuf__Duration *const *)at);
    case INK_VALUE_ANY:
        return load_any(*(Google__Protobuf__Any *const *)at);
    case INK_VALUE_MESSAGE:
        return (struct ink_value){0};
    default:
        return load_scalar(type, at);
    }
}

size_t ink_value_stride(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

bool ink_field_has_presence(const ProtobufCFieldDescriptor *field)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return false;
    return field->type == PROTOBUF_C_TYPE_MESSAGE || field->label != PROTOBUF_C_LABEL_NONE ||
           (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

bool ink_field_is_set(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
    const char *base = (const char *)message;
    const void *member = base + field->offset;
    const void *quantifier = base + field->quantifier_offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)quantifier != 0;
    bool chosen = true;
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        chosen = *(const uint32_t *)quantifier == field->id;
    if (!chosen)
        return false;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(void *const *)member != NULL;
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 ||
        field->label == PROTOBUF_C_LABEL_REQUIRED)
        return true;
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type == PROTOBUF_C_TYPE_STRING)
        return *(void *const *)member != NULL && *(void *const *)member != field->default_value;
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL)
        return *(const protobuf_c_boolean *)quantifier != 0;
    enum ink_value_kind kind = ink_value_kind_of(field);
    struct ink_value value = ink_value_load(kind, field->type, member);
    return !ink_value_is_zero(kind, &value);
}

bool ink_value_is_zero(enum ink_value_kind kind, const struct ink_value *value)
{
    switch (kind) {
    case INK_VALUE_INT:
    case INK_VALUE_ENUM:
    case INK_VALUE_BOOL:
    case INK_VALUE_UINT:
        return value->u == 0;
    case INK_VALUE_FLOAT:
        return value->d == 0;
    case INK_VALUE_STRING:
    case INK_VALUE_BYTES:
        return value->text.size == 0;
    default:
        return false; /* a message that is there is not zero, whatever it contains */
    }
}

static int order(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_float(double a, double b)
{
    return isnan(a) || isnan(b) ? 2 : (a > b) - (a < b);
}

static int compare_text(const struct ink_value *a, const struct ink_value *b)
{
    size_t common = a->text.size < b->text.size ? a->text.size : b->text.size;
    int first = memcmp(a->text.data, b->text.data, common);
    if (first != 0)
        return first < 0 ? -1 : 1;
    return (a->text.size > b->text.size) - (a->text.size < b->text.size);
}

int ink_value_compare(enum ink_value_kind kind, const struct ink_value *a,
                      const struct ink_value *b)
{
    switch (kind) {
    case INK_VALUE_INT:
    case INK_VALUE_ENUM:
    case INK_VALUE_BOOL:
        return order(a->i, b->i);
    case INK_VALUE_UINT:
        return (a->u > b->u) - (a->u < b->u);
    case INK_VALUE_FLOAT:
        return compare_float(a->d, b->d);
    case INK_VALUE_TIMESTAMP:
    case INK_VALUE_DURATION:
        if (a->time.seconds != b->time.seconds)
            return order(a->time.seconds, b->time.seconds);
        return order(a->time.nanos, b->time.nanos);
    default:
        return compare_text(a, b);
    }
}

static void print_text(struct ink_buf *buf, const struct ink_value *value)
{
    size_t size = value->text.size;
    if (size > PRINTED_TEXT) {
        size = PRINTED_TEXT;
        while (size > PRINTED_TEXT - 4 && ((unsigned char)value->text.data[size] & 0xC0) == 0x80)
            size--;
    }
    ink_buf_json_string(buf, value->text.data, size);
    if (size < value->text.size)
        ink_buf_puts(buf, "...");
}

static void print_bytes(struct ink_buf *buf, const struct ink_value *value)
{
    char hex[2 * PRINTED_TEXT + 1];
    size_t size = value->text.size > PRINTED_TEXT ? PRINTED_TEXT : value->text.size;
    ink_hex(value->text.data, size, hex);
    ink_buf_printf(buf, "0x%s%s", hex, size < value->text.size ? "..." : "");
}

/* The fewest digits that read back as the same number; a float that became a double is told by its
 * float digits. */
static void print_float(struct ink_buf *buf, double number)
{
    char text[32];
    bool single = (double)(float)number == number;
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, number);
        double back = strtod(text, NULL);
        if (back == number || (single && (double)(float)back == number))
            break;
    }
    ink_buf_puts(buf, text);
}

static void print_enum(struct ink_buf *buf, const ProtobufCEnumDescriptor *type, int64_t number)
{
    const ProtobufCEnumValue *value =
        type == NULL ? NULL : protobuf_c_enum_descriptor_get_value(type, (int)number);
    if (value != NULL)
        ink_buf_puts(buf, value->name);
    else
        ink_buf_printf(buf, "%" PRId64, number);
}

static void print_duration(struct ink_buf *buf, const struct ink_value *value)
{
    bool negative = value->time.seconds < 0 || value->time.nanos < 0;
    ink_buf_printf(buf, "%s%" PRIu64, negative ? "-" : "",
                   negative ? -(uint64_t)value->time.seconds : (uint64_t)value->time.seconds);
    if (value->time.nanos != 0) {
        ink_buf_printf(buf, ".%09d", abs(value->time.nanos));
        while (buf->data[buf->len - 1] == '0')
            buf->data[--buf->len] = '\0';
    }
    ink_buf_putc(buf, 's');
}

void ink_value_print(struct ink_buf *buf, enum ink_value_kind kind,
                     const ProtobufCEnumDescriptor *enum_type, const struct ink_value *value)
{
    char time[INK_RFC3339_SIZE];
    switch (kind) {
    case INK_VALUE_INT:
        ink_buf_printf(buf, "%" PRId64, value->i);
        break;
    case INK_VALUE_UINT:
        ink_buf_printf(buf, "%" PRIu64, value->u);
        break;
    case INK_VALUE_FLOAT:
        print_float(buf, value->d);
        break;
    case INK_VALUE_BOOL:
        ink_buf_puts(buf, value->i != 0 ? "true" : "false");
        break;
    case INK_VALUE_ENUM:
        print_enum(buf, enum_type, value->i);
        break;
    case INK_VALUE_BYTES:
        print_bytes(buf, value);
        break;
    case INK_VALUE_TIMESTAMP:
        ink_rfc3339(value->time.seconds, value->time.nanos, time);
        ink_buf_puts(buf, time);
        break;
    case INK_VALUE_DURATION:
        print_duration(buf, value);
        break;
    default:
        print_text(buf, value);
        break;
    }
}
