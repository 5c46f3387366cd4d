#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/transcode/to_json_internal.h"

static bool reads_back(const char *text, double value, bool is_double)
{
    return is_double ? strtod(text, NULL) == value : strtof(text, NULL) == (float)value;
}

/* The fewest digits that read back as the same value: %g drops trailing zeros, so only precisions
 * that can lose something need a try. Subnormal numbers have fewer digits to begin with. */
static void put_shortest(struct ink_buf *out, double value, bool is_double)
{
    bool subnormal = fabs(value) < (is_double ? DBL_MIN : (double)FLT_MIN);
    int least = subnormal ? 1 : is_double ? DBL_DIG : FLT_DIG;
    int most = is_double ? DBL_DECIMAL_DIG : FLT_DECIMAL_DIG;
    char text[40];
    for (int precision = least; precision <= most; precision++) {
        snprintf(text, sizeof(text), "%.*g", precision, value);
        if (reads_back(text, value, is_double))
            break;
    }
    ink_buf_puts(out, text);
}

static void put_float(struct ink_buf *out, double value, bool is_double)
{
    const double exact = is_double ? 9007199254740992.0 : 16777216.0;
    if (isnan(value))
        ink_buf_puts(out, "\"NaN\"");
    else if (isinf(value))
        ink_buf_puts(out, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    else if (value == 0)
        ink_buf_puts(out, signbit(value) ? "-0.0" : "0");
    else if (fabs(value) < exact && value == (double)(int64_t)value)
        ink_buf_integer(out, (int64_t)value);
    else
        put_shortest(out, value, is_double);
}

static void put_string(struct ink_buf *out, const char *text)
{
    ink_buf_json_string(out, text == NULL ? "" : text, text == NULL ? 0 : strlen(text));
}

static void put_enum(struct ink_buf *out, const ProtobufCEnumDescriptor *type, int number)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(type, number);
    if (strcmp(type->name, "google.protobuf.NullValue") == 0)
        ink_buf_puts(out, "null");
    else if (value == NULL)
        ink_buf_integer(out, number);
    else
        put_string(out, value->name);
}

static void put_bytes(struct ink_buf *out, const ProtobufCBinaryData *bytes)
{
    ink_buf_putc(out, '"');
    ink_buf_base64(out, bytes->data, bytes->len);
    ink_buf_putc(out, '"');
}

void ink_to_scalar(struct ink_buf *out, const ProtobufCFieldDescriptor *field, const void *slot)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        ink_buf_integer(out, *(const int32_t *)slot);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        ink_buf_unsigned(out, *(const uint32_t *)slot);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        ink_buf_putc(out, '"');
        ink_buf_integer(out, *(const int64_t *)slot);
        ink_buf_putc(out, '"');
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        ink_buf_putc(out, '"');
        ink_buf_unsigned(out, *(const uint64_t *)slot);
        ink_buf_putc(out, '"');
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        put_float(out, *(const float *)slot, false);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        put_float(out, *(const double *)slot, true);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        ink_buf_puts(out, *(const protobuf_c_boolean *)slot ? "true" : "false");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        put_enum(out, field->descriptor, *(const int *)slot);
        break;
    case PROTOBUF_C_TYPE_STRING:
        put_string(out, *(char *const *)slot);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        put_bytes(out, slot);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
}

void ink_to_key(struct ink_buf *out, const ProtobufCFieldDescriptor *field, const void *slot)
{
    size_t start = out->len;
    ink_to_scalar(out, field, slot);
    if (out->data[start] == '"')
        return;
    char bare[24]; /* a 32-bit integer or a bool */
    size_t size = out->len - start;
    memcpy(bare, out->data + start, size);
    out->len = start;
    ink_buf_putc(out, '"');
    ink_buf_append(out, bare, size);
    ink_buf_putc(out, '"');
}
