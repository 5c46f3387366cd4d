#include "lib/transcode/scalar.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/text.h"
#include "lib/transcode/json_reader.h"

size_t ink_scalar_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    default: /* the 32-bit integers, enums and float */
        return 4;
    }
}

static bool equals(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && memcmp(text, word, size) == 0;
}

/* A JSON number taken apart: digits without leading or trailing zeros, times a power of ten. */
struct decimal {
    bool negative;
    char digits[20]; /* as many as a 64-bit integer has */
    size_t n_digits; /* more than that: too large or not whole in any case */
    int64_t exponent;
};

/* The exponent after 'e'. Huge ones stay huge. */
static int64_t read_exponent(const char *at, const char *end)
{
    bool negative = at != end && *at == '-';
    if (at != end && (*at == '-' || *at == '+'))
        at++;
    int64_t value = 0;
    for (; at != end; at++)
        if (value < INT64_C(1000000000000))
            value = value * 10 + (*at - '0');
    return negative ? -value : value;
}

static void take_apart(const char *text, size_t size, struct decimal *ret)
{
    const char *at = text, *end = text + size;
    struct decimal number = {.negative = *at == '-'};
    size_t zeros = 0; /* seen, but not known yet to be inside */
    bool fraction = false;
    at += number.negative;
    for (; at != end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        number.exponent -= fraction;
        if (*at == '0') {
            zeros += number.n_digits != 0;
            continue;
        }
        for (; zeros != 0; zeros--, number.n_digits++)
            if (number.n_digits < sizeof(number.digits))
                number.digits[number.n_digits] = '0';
        if (number.n_digits < sizeof(number.digits))
            number.digits[number.n_digits] = *at;
        number.n_digits++;
    }
    number.exponent += (int64_t)zeros;
    if (at != end)
        number.exponent += read_exponent(at + 1, end);
    *ret = number;
}

/* The value when it is whole and fits into 64 bits. */
static bool whole(const struct decimal *number, uint64_t *ret_magnitude)
{
    uint64_t value = 0;
    if (number->n_digits == 0) {
        *ret_magnitude = 0;
        return true;
    }
    if (number->exponent < 0 || number->exponent > 20 || number->n_digits > sizeof(number->digits))
        return false;
    for (size_t i = 0; i < number->n_digits; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(number->digits[i] - '0'), &value))
            return false;
    for (int64_t i = 0; i < number->exponent; i++)
        if (__builtin_mul_overflow(value, 10, &value))
            return false;
    *ret_magnitude = value;
    return true;
}

/* Most integers are a few digits. */
static bool short_integer(const char *text, size_t size, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (size == 0 || size > 18 || (text[0] == '0' && size > 1))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *ret_value = value;
    return true;
}

static bool read_magnitude(const char *text, size_t size, bool *ret_negative,
                           uint64_t *ret_magnitude)
{
    *ret_negative = false;
    if (short_integer(text, size, ret_magnitude))
        return true;
    if (!ink_json_number_valid(text, size))
        return false;
    struct decimal number;
    take_apart(text, size, &number);
    *ret_negative = number.negative;
    return whole(&number, ret_magnitude);
}

static bool read_signed(const char *text, size_t size, int64_t min, int64_t max, int64_t *ret)
{
    bool negative;
    uint64_t magnitude;
    if (!read_magnitude(text, size, &negative, &magnitude))
        return false;
    if (magnitude > (negative ? (uint64_t) - (min + 1) + 1 : (uint64_t)max))
        return false;
    *ret = negative ? (int64_t)-magnitude : (int64_t)magnitude;
    return true;
}

static bool read_unsigned(const char *text, size_t size, uint64_t max, uint64_t *ret)
{
    bool negative;
    uint64_t magnitude;
    if (!read_magnitude(text, size, &negative, &magnitude) || magnitude > max ||
        (negative && magnitude != 0))
        return false;
    *ret = magnitude;
    return true;
}

static const char *read_int32(const char *text, size_t size, void *slot)
{
    int64_t value;
    if (!read_signed(text, size, INT32_MIN, INT32_MAX, &value))
        return "must be a whole number from -2147483648 to 2147483647";
    *(int32_t *)slot = (int32_t)value;
    return NULL;
}

static const char *read_uint32(const char *text, size_t size, void *slot)
{
    uint64_t value;
    if (!read_unsigned(text, size, UINT32_MAX, &value))
        return "must be a whole number from 0 to 4294967295";
    *(uint32_t *)slot = (uint32_t)value;
    return NULL;
}

static const char *read_int64(const char *text, size_t size, void *slot)
{
    return read_signed(text, size, INT64_MIN, INT64_MAX, slot)
               ? NULL
               : "must be a whole number from -9223372036854775808 to 9223372036854775807";
}

static const char *read_uint64(const char *text, size_t size, void *slot)
{
    return read_unsigned(text, size, UINT64_MAX, slot)
               ? NULL
               : "must be a whole number from 0 to 18446744073709551615";
}

/* NaN and the infinities by name. */
static bool special_float(const char *text, size_t size, double *ret)
{
    if (equals(text, size, "NaN"))
        *ret = NAN;
    else if (equals(text, size, "Infinity"))
        *ret = INFINITY;
    else if (equals(text, size, "-Infinity"))
        *ret = -INFINITY;
    else
        return false;
    return true;
}

/* strtof() for a float and not a cast: rounding twice can miss the nearest one. */
static double parse_float(struct ink_arena *arena, const char *text, size_t size, bool is_double)
{
    char small[64], *number = small;
    if (size >= sizeof(small))
        number = ink_arena_alloc(arena, size + 1);
    memcpy(number, text, size);
    number[size] = '\0';
    return is_double ? strtod(number, NULL) : strtof(number, NULL);
}

static const char *read_float(struct ink_arena *arena, const char *text, size_t size, bool quoted,
                              bool is_double, void *slot)
{
    double value;
    if (!quoted || !special_float(text, size, &value)) {
        if (!ink_json_number_valid(text, size))
            return quoted ? "must be a number, \"NaN\", \"Infinity\" or \"-Infinity\""
                          : "must be a number";
        value = parse_float(arena, text, size, is_double);
        if (isinf(value))
            return is_double ? "must be a number that fits a double"
                             : "must be a number that fits a float";
    }
    if (is_double)
        *(double *)slot = value;
    else
        *(float *)slot = (float)value;
    return NULL;
}

static const char *read_bool(const char *text, size_t size, void *slot)
{
    bool value = equals(text, size, "true");
    if (!value && !equals(text, size, "false"))
        return "must be true or false";
    *(protobuf_c_boolean *)slot = value;
    return NULL;
}

static const char *enum_expected(struct ink_arena *arena, const ProtobufCEnumDescriptor *type)
{
    const unsigned shown = 12;
    struct ink_buf buf = INK_BUF_INIT;
    ink_buf_puts(&buf, "must be one of");
    for (unsigned i = 0; i < type->n_values && i < shown; i++)
        ink_buf_printf(&buf, "%s %s", i == 0 ? "" : ",", type->values[i].name);
    if (type->n_values > shown)
        ink_buf_puts(&buf, " and others");
    const char *message = ink_arena_strndup(arena, buf.data, buf.len);
    ink_buf_release(&buf);
    return message;
}

static const ProtobufCEnumValue *enum_by_name(const ProtobufCEnumDescriptor *type, const char *text,
                                              size_t size)
{
    char name[256];
    if (size >= sizeof(name) || memchr(text, '\0', size) != NULL)
        return NULL;
    memcpy(name, text, size);
    name[size] = '\0';
    return protobuf_c_enum_descriptor_get_value_by_name(type, name);
}

static const char *read_enum(struct ink_arena *arena, const ProtobufCEnumDescriptor *type,
                             const char *text, size_t size, bool quoted, void *slot)
{
    const ProtobufCEnumValue *value = quoted ? enum_by_name(type, text, size) : NULL;
    if (value != NULL) {
        *(int *)slot = value->value;
        return NULL;
    }
    int32_t number;
    if (read_int32(text, size, &number) != NULL)
        return enum_expected(arena, type);
    if (number != 0 && strcmp(type->name, "google.protobuf.NullValue") == 0)
        return "must be null";
    *(int *)slot = number;
    return NULL;
}

static const char *read_string(struct ink_arena *arena, const char *text, size_t size, void *slot)
{
    if (memchr(text, '\0', size) != NULL)
        return INK_NUL_REFUSED;
    *(char **)slot = ink_arena_strndup(arena, text, size);
    return NULL;
}

static const char *read_bytes(struct ink_arena *arena, const char *text, size_t size, void *slot)
{
    void *data;
    size_t length;
    if (!ink_base64_decode(arena, text, size, &data, &length))
        return "must be base64";
    *(ProtobufCBinaryData *)slot = (ProtobufCBinaryData){.len = length, .data = data};
    return NULL;
}

const char *ink_scalar_read(struct ink_arena *arena, const ProtobufCFieldDescriptor *field,
                            const char *text, size_t size, bool quoted, void *slot)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return read_int32(text, size, slot);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return read_uint32(text, size, slot);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return read_int64(text, size, slot);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return read_uint64(text, size, slot);
    case PROTOBUF_C_TYPE_FLOAT:
        return read_float(arena, text, size, quoted, false, slot);
    case PROTOBUF_C_TYPE_DOUBLE:
        return read_float(arena, text, size, quoted, true, slot);
    case PROTOBUF_C_TYPE_BOOL:
        return read_bool(text, size, slot);
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(arena, field->descriptor, text, size, quoted, slot);
    case PROTOBUF_C_TYPE_STRING:
        return read_string(arena, text, size, slot);
    case PROTOBUF_C_TYPE_BYTES:
        return read_bytes(arena, text, size, slot);
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return "cannot be written as text";
}
