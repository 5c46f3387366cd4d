#include <float.h>
#include <math.h>

#include "lib/transcode/from_json.h"
#include "lib/transcode/to_json.h"
#include "tests/unit/transcode_json/fixture.h"

static const char *json_of(const char *type, const void *message, unsigned flags)
{
    struct ink_buf out = INK_BUF_INIT;
    struct ink_status status =
        ink_to_json(contract, &arena, type_named(type), message, flags, &out);
    if (!ink_is_ok(status))
        fail_msg("%s: %s", status.message, status.cause);
    const char *text = ink_arena_strndup(&arena, out.data, out.len);
    ink_buf_release(&out);
    return text;
}

static void writes(const char *type, const void *message, const char *expected)
{
    assert_string_equal(json_of(type, message, INK_TO_JSON_OMIT_ZERO), expected);
}

/* INTERNAL, with nothing for the caller, a cause for the log and the buffer as it was. */
static void refuses(const char *type, const void *message, const char *cause)
{
    struct ink_buf out = INK_BUF_INIT;
    ink_buf_puts(&out, "before");
    struct ink_status status = ink_to_json(contract, &arena, type_named(type), message, 0, &out);
    assert_int_equal(status.code, INK_INTERNAL);
    assert_string_equal(status.message, "the answer cannot be shown as JSON");
    assert_string_equal(status.cause, cause);
    assert_string_equal(out.data, "before");
    assert_int_equal(out.len, 6);
    ink_buf_release(&out);
}

static void *empty(const char *type)
{
    return ink_message_new(&arena, type_named(type));
}

static void writes_zero_values(void **state)
{
    (void)state;
    assert_string_equal(
        json_of("Scalars", empty("Scalars"), 0),
        "{\"int32Value\":0,\"int64Value\":\"0\",\"uint32Value\":0,\"uint64Value\":\"0\","
        "\"sint32Value\":0,\"sint64Value\":\"0\",\"fixed32Value\":0,\"fixed64Value\":\"0\","
        "\"sfixed32Value\":0,\"sfixed64Value\":\"0\",\"floatValue\":0,\"doubleValue\":0,"
        "\"boolValue\":false,\"stringValue\":\"\",\"bytesValue\":\"\","
        "\"colourValue\":\"COLOUR_UNSPECIFIED\"}");
    assert_string_equal(json_of("Item", empty("Item"), 0),
                        "{\"name\":\"\",\"itemCount\":0,\"items\":[]}");
    assert_string_equal(json_of("Choice", empty("Choice"), 0), "{}");
    writes("Scalars", empty("Scalars"), "{}");
    writes("Lists", empty("Lists"), "{}");
    writes("Maps", empty("Maps"), "{}");
}

static void writes_every_scalar(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Scalars *m = empty("Scalars");
    m->int32_value = INT32_MIN;
    m->int64_value = INT64_MIN;
    m->uint32_value = UINT32_MAX;
    m->uint64_value = UINT64_MAX;
    m->sint64_value = -1;
    m->float_value = 0.1F;
    m->double_value = 0.1;
    m->bool_value = 1;
    m->string_value = "\"\\\n\x01\x7f\xc3\xa9/<";
    m->bytes_value = (ProtobufCBinaryData){.len = 2, .data = (uint8_t *)"\xff\xef"};
    m->colour_value = INKMESH__TEST__V1__COLOUR__COLOUR_BELOW;
    writes("Scalars", m,
           "{\"int32Value\":-2147483648,\"int64Value\":\"-9223372036854775808\","
           "\"uint32Value\":4294967295,\"uint64Value\":\"18446744073709551615\","
           "\"sint64Value\":\"-1\",\"floatValue\":0.1,\"doubleValue\":0.1,\"boolValue\":true,"
           "\"stringValue\":\"\\\"\\\\\\n\\u0001\\u007f\xc3\xa9/<\",\"bytesValue\":\"/+8=\","
           "\"colourValue\":\"COLOUR_BELOW\"}");
    m = empty("Scalars");
    m->colour_value = 42;
    writes("Scalars", m, "{\"colourValue\":42}");
    m = empty("Scalars");
    m->string_value = "bad \xff\xc3";
    writes("Scalars", m, "{\"stringValue\":\"bad \xef\xbf\xbd\xef\xbf\xbd\"}");
}

static void writes_the_shortest_floats(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } doubles[] = {
        {1, "1"},
        {-1.5, "-1.5"},
        {1e22, "1e+22"},
        {9007199254740991.0, "9007199254740991"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {5e-324, "5e-324"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {-0.0, "-0.0"},
        {NAN, "\"NaN\""},
        {INFINITY, "\"Infinity\""},
        {-INFINITY, "\"-Infinity\""},
    };
    char expected[100];
    for (size_t i = 0; i < INK_COUNT(doubles); i++) {
        Inkmesh__Test__V1__Scalars *m = empty("Scalars");
        m->double_value = doubles[i].value;
        snprintf(expected, sizeof(expected), "{\"doubleValue\":%s}", doubles[i].text);
        writes("Scalars", m, expected);
    }
    static const struct {
        float value;
        const char *text;
    } floats[] = {
        {16777215.0F, "16777215"},  {0.3F, "0.3"},    {1.0F / 3, "0.33333334"}, {1e-45F, "1e-45"},
        {FLT_MAX, "3.4028235e+38"}, {1e10F, "1e+10"},
    };
    for (size_t i = 0; i < INK_COUNT(floats); i++) {
        Inkmesh__Test__V1__Scalars *m = empty("Scalars");
        m->float_value = floats[i].value;
        snprintf(expected, sizeof(expected), "{\"floatValue\":%s}", floats[i].text);
        writes("Scalars", m, expected);
    }
}

/* Every power of two and its neighbours come back as they were. */
static void floats_read_back(void **state)
{
    (void)state;
    for (int exponent = -1074; exponent < 1024; exponent++) {
        for (int step = -1; step <= 1; step++) {
            double value = ldexp(1, exponent);
            value = step == 0 ? value : nextafter(value, step * INFINITY);
            Inkmesh__Test__V1__Scalars *m = empty("Scalars"), *again;
            m->double_value = value;
            m->float_value = (float)value;
            const char *json = json_of("Scalars", m, 0);
            assert_true(ink_is_ok(ink_from_json(contract, &arena, type_named("Scalars"), json,
                                                strlen(json), (ProtobufCMessage **)&again)));
            assert_memory_equal(&again->double_value, &m->double_value, sizeof(double));
            assert_memory_equal(&again->float_value, &m->float_value, sizeof(float));
        }
    }
}

static void writes_names(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Names *m = empty("Names");
    m->two_words = m->with_3_digits = m->renamed = m->camelcase = "x";
    writes("Names", m,
           "{\"twoWords\":\"x\",\"with3Digits\":\"x\",\"another-name\":\"x\",\"CamelCase\":\"x\"}");
    assert_string_equal(json_of("Names", m, INK_TO_JSON_OMIT_ZERO | INK_TO_JSON_PROTO_NAMES),
                        "{\"two_words\":\"x\",\"with_3_digits\":\"x\",\"renamed\":\"x\","
                        "\"CamelCase\":\"x\"}");
}

/* What reads as `json` is written as `json`. */
static void round_trips(const char *type, const char *json)
{
    ProtobufCMessage *message;
    struct ink_status status =
        ink_from_json(contract, &arena, type_named(type), json, strlen(json), &message);
    if (!ink_is_ok(status))
        fail_msg("%s: %s", json, status.message);
    writes(type, message, json);
}

static void round_trips_every_shape(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"Lists",
         "{\"int32Values\":[1,0,-1],\"boolValues\":[true,false],\"bytesValues\":[\"\"],"
         "\"colours\":[\"COLOUR_RED\",7],\"items\":[{},{\"name\":\"a\"}],\"nulls\":[null]}"},
        {"Maps",
         "{\"byInt32\":{\"-1\":\"a\"},\"byUint64\":{\"18446744073709551615\":\"b\"},"
         "\"byBool\":{\"true\":\"\",\"false\":\"\"},\"byString\":{\"\":\"\",\"k\\n\":\"v\"},"
         "\"toColour\":{\"c\":\"COLOUR_RED\"},\"toItem\":{\"i\":{\"itemCount\":1}},"
         "\"toValue\":{\"v\":[null,1,\"s\",{}]},"
         "\"toTimestamp\":{\"5\":\"2026-01-01T00:00:00Z\"},\"toWrapper\":{\"true\":\"0\"}}"},
        {"Choice", "{\"int32Choice\":0}"},
        {"Choice", "{\"stringChoice\":\"\",\"otherNumber\":\"0\"}"},
        {"Choice", "{\"itemChoice\":{}}"},
        {"Choice", "{\"nullChoice\":null}"},
        {"Choice", "{\"valueChoice\":null}"},
        {"WellKnown", "{\"any\":{\"@type\":\"t/inkmesh.test.v1.Item\",\"name\":\"a\"}}"},
        {"WellKnown", "{\"any\":{\"@type\":\"t/inkmesh.test.v1.Item\"}}"},
        {"WellKnown", "{\"any\":{\"@type\":\"t/google.protobuf.Duration\",\"value\":\"1s\"}}"},
        {"WellKnown", "{\"any\":{\"@type\":\"t/google.protobuf.Empty\"}}"},
        {"WellKnown", "{\"any\":{}}"},
        {"WellKnown", "{\"duration\":\"-1.500s\",\"mask\":\"a,bC.dE\",\"list\":[[],{}]}"},
        {"WellKnown", "{\"duration\":\"0.000001s\",\"data\":{\"a\":{\"b\":1.5}}}"},
        {"WellKnown", "{\"duration\":\"0s\",\"empty\":{},\"mask\":\"\",\"list\":[],\"data\":{}}"},
        {"WellKnown", "{\"time\":\"0001-01-01T00:00:00Z\"}"},
        {"WellKnown", "{\"time\":\"9999-12-31T23:59:59.999999999Z\"}"},
        {"WellKnown", "{\"time\":\"2026-01-01T00:00:00.123456Z\",\"value\":\"x\"}"},
        {"WellKnown", "{\"doubleWrapper\":0,\"int64Wrapper\":\"0\",\"boolWrapper\":false,"
                      "\"stringWrapper\":\"\",\"bytesWrapper\":\"\"}"},
        {"Old", "{\"needed\":1,\"number\":0,\"text\":\"\",\"data\":\"\",\"flag\":false,"
                "\"inner\":{\"needed\":2},\"packed\":[0]}"},
        {"Everything", "{\"everything\":[{\"everything\":[{\"item\":{}}]}],\"named\":{\"a\":{}}}"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++)
        round_trips(cases[i][0], cases[i][1]);
}

static void refuses_what_json_cannot_say(void **state)
{
    (void)state;
    Inkmesh__Test__V1__WellKnown *m = empty("WellKnown");
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Google__Protobuf__Duration duration = GOOGLE__PROTOBUF__DURATION__INIT;
    m->time = &time;
    time.seconds = INT64_C(253402300800);
    refuses("WellKnown", m, "time: a Timestamp out of range");
    time.seconds = 0;
    time.nanos = -1;
    refuses("WellKnown", m, "time: a Timestamp whose nanos are out of range");
    m->time = NULL;
    m->duration = &duration;
    duration.seconds = INT64_C(-315576000001);
    refuses("WellKnown", m, "duration: a Duration out of range");
    duration.seconds = 1;
    duration.nanos = -1;
    refuses("WellKnown", m, "duration: a Duration whose seconds and nanos have different signs");
    m->duration = NULL;
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
    any.type_url = "t/no.Such";
    Google__Protobuf__Any *anys[] = {&any, &any};
    m->any_list = anys;
    m->n_any_list = 2;
    refuses("WellKnown", m, "any_list[0]: an Any of an unknown type");
    any.type_url = "t/inkmesh.test.v1.Item";
    any.value = (ProtobufCBinaryData){.len = 1, .data = (uint8_t *)"\x0a"};
    refuses("WellKnown", m, "any_list[0]: an Any whose value is malformed");
    m->n_any_list = 0;
    static char *paths[] = {"fooBar"};
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    mask.paths = paths;
    mask.n_paths = 1;
    m->mask = &mask;
    refuses("WellKnown", m, "mask: a FieldMask path that lowerCamelCase cannot tell");
    m->mask = NULL;
    Google__Protobuf__Value value = GOOGLE__PROTOBUF__VALUE__INIT;
    value.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
    value.number_value = INFINITY;
    m->value = &value;
    refuses("WellKnown", m, "value: a Value that is not finite");
}

static void names_the_entry_in_a_cause(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Maps *m = empty("Maps");
    Inkmesh__Test__V1__Maps__ToTimestampEntry entry =
        INKMESH__TEST__V1__MAPS__TO_TIMESTAMP_ENTRY__INIT;
    Inkmesh__Test__V1__Maps__ToTimestampEntry *entries[] = {&entry};
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    time.nanos = 1000000000;
    entry.key = -12;
    entry.value = &time;
    m->to_timestamp = entries;
    m->n_to_timestamp = 1;
    refuses("Maps", m, "to_timestamp[-12]: a Timestamp whose nanos are out of range");
}

static void bounds_depth(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Item *item = NULL;
    for (int depth = 1; depth <= INK_TO_JSON_DEPTH; depth++) {
        Inkmesh__Test__V1__Item *outer = empty("Item");
        outer->inner_item = item;
        item = outer;
    }
    assert_int_equal(strlen(json_of("Item", item, INK_TO_JSON_OMIT_ZERO)),
                     strlen("{\"innerItem\":}") * (INK_TO_JSON_DEPTH - 1) + strlen("{}"));
    Inkmesh__Test__V1__Item *outer = empty("Item");
    outer->inner_item = item;
    struct ink_buf out = INK_BUF_INIT;
    struct ink_status status =
        ink_to_json(contract, &arena, type_named("Item"), &outer->base, 0, &out);
    assert_int_equal(status.code, INK_INTERNAL);
    assert_int_equal(out.len, 0);
    ink_buf_release(&out);
}

/* A map's entry whose value is absent has the value's default, as on the wire. */
static void writes_absent_values_of_entries(void **state)
{
    (void)state;
    static const uint8_t wire[] = {
        0xe2, 0x01, 0x03, 0x0a, 0x01, 'a', /* to_item: {key: "a"} */
        0xea, 0x01, 0x03, 0x0a, 0x01, 'b', /* to_value: {key: "b"} */
        0xf2, 0x01, 0x02, 0x08, 0x07,      /* to_timestamp: {key: 7} */
        0xfa, 0x01, 0x00,                  /* to_wrapper: {} */
        0xda, 0x01, 0x00,                  /* to_colour: {} */
        0x0a, 0x00,                        /* by_int32: {} */
    };
    ProtobufCMessage *m = protobuf_c_message_unpack(
        type_named("Maps")->c, ink_arena_allocator(&arena), sizeof(wire), wire);
    assert_non_null(m);
    writes("Maps", m,
           "{\"byInt32\":{\"0\":\"\"},\"toColour\":{\"\":\"COLOUR_UNSPECIFIED\"},"
           "\"toItem\":{\"a\":{}},\"toValue\":{\"b\":null},"
           "\"toTimestamp\":{\"7\":\"1970-01-01T00:00:00Z\"},\"toWrapper\":{\"false\":\"0\"}}");
}

static void one_field(const char *type, const char *name, const void *message, const char *expected)
{
    struct ink_buf out = INK_BUF_INIT;
    assert_true(
        ink_is_ok(ink_to_json_field(contract, &arena, field_named(type, name), message, 0, &out)));
    assert_string_equal(out.data, expected);
    ink_buf_release(&out);
}

static void writes_one_field(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Item *item = empty("Item"), *inner = empty("Item");
    item->items = &inner;
    item->n_items = 1;
    item->name = "x";
    one_field("Item", "items", item, "[{\"name\":\"\",\"itemCount\":0,\"items\":[]}]");
    one_field("Item", "items", inner, "[]");
    one_field("Item", "name", item, "\"x\"");
    one_field("Item", "inner_item", item, "null");
    one_field("Maps", "by_int32", empty("Maps"), "{}");
    one_field("Choice", "int32_choice", empty("Choice"), "null");
    one_field("Scalars", "int64_value", empty("Scalars"), "\"0\"");
    Inkmesh__Test__V1__WellKnown *m = empty("WellKnown");
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    time.nanos = -1;
    m->time = &time;
    struct ink_buf out = INK_BUF_INIT;
    struct ink_status status =
        ink_to_json_field(contract, &arena, field_named("WellKnown", "time"), &m->base, 0, &out);
    assert_string_equal(status.cause, "time: a Timestamp whose nanos are out of range");
    ink_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writes_zero_values),
        TEST(writes_every_scalar),
        TEST(writes_the_shortest_floats),
        TEST(floats_read_back),
        TEST(writes_names),
        TEST(round_trips_every_shape),
        TEST(refuses_what_json_cannot_say),
        TEST(names_the_entry_in_a_cause),
        TEST(bounds_depth),
        TEST(writes_absent_values_of_entries),
        TEST(writes_one_field),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
