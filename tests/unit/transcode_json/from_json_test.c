#include <math.h>
#include <stdlib.h>

#include "lib/transcode/from_json.h"
#include "tests/unit/transcode_json/fixture.h"

/* The message, or the test fails. */
static void *read_json(const char *type, const char *json)
{
    ProtobufCMessage *message = NULL;
    struct ink_status status =
        ink_from_json(contract, &arena, type_named(type), json, strlen(json), &message);
    if (!ink_is_ok(status))
        fail_msg("%s: %s", json, status.message);
    assert_true(protobuf_c_message_check(message));
    return message;
}

/* Refused, with this field and a message that holds `expected`; the output stays untouched. */
static void refuses(const char *type, const char *json, const char *field, const char *expected)
{
    ProtobufCMessage *message = NULL;
    struct ink_status status =
        ink_from_json(contract, &arena, type_named(type), json, strlen(json), &message);
    if (status.code != INK_INVALID_ARGUMENT)
        fail_msg("taken: %s", json);
    assert_null(message);
    assert_non_null(status.violations);
    assert_string_equal(status.violations->field, field);
    if (strstr(status.violations->message, expected) == NULL)
        fail_msg("%s: %s, and not: %s", json, status.violations->message, expected);
    assert_null(status.violations->next);
}

static void reads_every_scalar(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Scalars *m = read_json(
        "Scalars",
        "{\"int32Value\":-1,\"int64Value\":\"-9223372036854775808\",\"uint32Value\":4294967295,"
        "\"uint64Value\":\"18446744073709551615\",\"sint32Value\":1e2,\"sint64Value\":-2.0,"
        "\"fixed32Value\":\"3\",\"fixed64Value\":12300e-2,\"sfixed32Value\":-0,"
        "\"sfixed64Value\":9223372036854775807,\"floatValue\":1.5,\"doubleValue\":\"-Infinity\","
        "\"boolValue\":true,\"stringValue\":\"h\\u00e9\",\"bytesValue\":\"_-8\","
        "\"colourValue\":\"COLOUR_GREEN\"}");
    assert_int_equal(m->int32_value, -1);
    assert_true(m->int64_value == INT64_MIN);
    assert_int_equal(m->uint32_value, UINT32_MAX);
    assert_true(m->uint64_value == UINT64_MAX);
    assert_int_equal(m->sint32_value, 100);
    assert_int_equal(m->sint64_value, -2);
    assert_int_equal(m->fixed32_value, 3);
    assert_int_equal(m->fixed64_value, 123);
    assert_int_equal(m->sfixed32_value, 0);
    assert_true(m->sfixed64_value == INT64_MAX);
    assert_true(m->float_value == 1.5F);
    assert_true(isinf(m->double_value) && m->double_value < 0);
    assert_true(m->bool_value);
    assert_string_equal(m->string_value, "h\xc3\xa9");
    assert_int_equal(m->bytes_value.len, 2);
    assert_memory_equal(m->bytes_value.data, "\xff\xef", 2);
    assert_int_equal(m->colour_value, INKMESH__TEST__V1__COLOUR__COLOUR_GREEN);
}

static void leaves_absent_fields_empty(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Scalars *m = read_json("Scalars", " { \"stringValue\" : null } ");
    assert_string_equal(m->string_value, "");
    assert_int_equal(m->int32_value, 0);
    Inkmesh__Test__V1__Lists *lists = read_json("Lists", "{\"items\":null,\"int32Values\":[]}");
    assert_int_equal(lists->n_items, 0);
    assert_int_equal(lists->n_int32_values, 0);
}

static void keeps_the_sign_of_zero(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Scalars *m =
        read_json("Scalars", "{\"doubleValue\":-0.0,\"floatValue\":\"-0\"}");
    assert_true(signbit(m->double_value) && signbit(m->float_value));
}

static void rounds_floats_once(void **state)
{
    (void)state;
    /* Just above the middle of two floats: as a double it is the middle, which rounds to even. */
    Inkmesh__Test__V1__Scalars *m = read_json("Scalars", "{\"floatValue\":1.00000005960464477540}");
    assert_true(m->float_value == 1.00000011920928955078125F);
}

static void reads_long_numbers(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Scalars *m = read_json(
        "Scalars",
        "{\"int32Value\":0.00000000000000000000000000000000000000000000000000000000000000000001e68,"
        "\"doubleValue\":1000000000000000000000000000000000000000000000000000000000000000000000,"
        "\"uint64Value\":18446744073709551615000000000000000000000e-21}");
    assert_int_equal(m->int32_value, 1);
    assert_true(m->double_value == 1e69);
    assert_true(m->uint64_value == UINT64_MAX);
}

static void names_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        const char *type, *json, *field, *expected;
    } cases[] = {
        {"Scalars", "{\"int32Value\":2147483648}", "int32_value", "from -2147483648 to 2147483647"},
        {"Scalars", "{\"int32Value\":1.5}", "int32_value", "must be a whole number"},
        {"Scalars", "{\"uint32Value\":-1}", "uint32_value", "from 0 to 4294967295"},
        {"Scalars", "{\"int64Value\":\"9223372036854775808\"}", "int64_value",
         "9223372036854775807"},
        {"Scalars", "{\"uint64Value\":1e20}", "uint64_value", "18446744073709551615"},
        {"Scalars", "{\"uint64Value\":true}", "uint64_value", "18446744073709551615"},
        {"Scalars", "{\"floatValue\":1e39}", "float_value", "fits a float"},
        {"Scalars", "{\"doubleValue\":1e309}", "double_value", "fits a double"},
        {"Scalars", "{\"doubleValue\":\"nan\"}", "double_value", "\"NaN\""},
        {"Scalars", "{\"boolValue\":\"true\"}", "bool_value", "must be true or false"},
        {"Scalars", "{\"boolValue\":1}", "bool_value", "must be true or false"},
        {"Scalars", "{\"stringValue\":1}", "string_value", "must be a string"},
        {"Scalars", "{\"stringValue\":\"a\\u0000\"}", "string_value", "NUL is not allowed"},
        {"Scalars", "{\"bytesValue\":\"%\"}", "bytes_value", "must be base64"},
        {"Scalars", "{\"bytesValue\":[]}", "bytes_value", "must be a base64 string"},
        {"Scalars", "{\"colourValue\":\"BLUE\"}", "colour_value", "COLOUR_RED, COLOUR_GREEN"},
        {"Scalars", "{\"colourValue\":\"COLOUR_RED\\u0000\"}", "colour_value", "must be one of"},
        {"Scalars", "[]", "", "must be an object"},
        {"Scalars", "null", "", "must be an object"},
        {"Lists", "{\"int32Values\":3}", "int32_values", "must be an array"},
        {"Lists", "{\"int32Values\":[1,null]}", "int32_values[1]", "must not be null"},
        {"Lists", "{\"items\":[{},{\"innerItem\":{\"itemCount\":\"x\"}}]}",
         "items[1].inner_item.item_count", "must be a whole number"},
        {"Lists", "{\"nulls\":[1]}", "nulls[0]", "must be null"},
        {"Maps", "{\"byInt32\":[]}", "by_int32", "must be an object"},
        {"Maps", "{\"byInt32\":{\"x\":\"\"}}", "by_int32[x]", "the key must be a whole number"},
        {"Maps", "{\"byBool\":{\"1\":\"\"}}", "by_bool[1]", "the key must be true or false"},
        {"Maps", "{\"toItem\":{\"a\\\"b\":{\"name\":1}}}", "to_item[\"a\\\"b\"].name", "a string"},
        {"Maps", "{\"toItem\":{\"a\":null}}", "to_item[\"a\"]", "must not be null"},
        {"Maps", "{\"byString\":{\"\\u0000\":\"\"}}", "by_string[\"\\u0000\"]", "NUL"},
        {"WellKnown", "{\"time\":\"2026-01-01\"}", "time", "RFC 3339"},
        {"WellKnown", "{\"time\":5}", "time", "must be a string"},
        {"WellKnown", "{\"duration\":\"1m\"}", "duration", "in seconds"},
        {"WellKnown", "{\"mask\":\"a_b\"}", "mask", "lowerCamelCase"},
        {"WellKnown", "{\"int64Wrapper\":{}}", "int64_wrapper", "must be a whole number"},
        {"WellKnown", "{\"data\":{\"a\":[\"\\u0000\"]}}", "data[\"a\"][0]", "NUL"},
        {"WellKnown", "{\"any\":{\"@type\":\"x/inkmesh.test.v1.Item\",\"itemCount\":\"x\"}}",
         "any.item_count", "whole number"},
        {"WellKnown", "{\"any\":{\"@type\":\"x/no.Such\"}}", "any.@type", "known type"},
        {"WellKnown", "{\"any\":{\"name\":\"\"}}", "any.@type", "must name the type"},
        {"WellKnown", "{\"any\":{\"@type\":\"x/google.protobuf.Timestamp\"}}", "any.value",
         "missing"},
        {"WellKnown", "{\"empty\":{\"a\":1}}", "empty.a", "unknown field"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++)
        refuses(cases[i].type, cases[i].json, cases[i].field, cases[i].expected);
}

static void refuses_unknown_fields(void **state)
{
    (void)state;
    refuses("Item", "{\"items\":[{},{},{\"colour\":1}]}", "items[2].colour", "unknown field");
    refuses("Item", "{\"name\\u0000x\":1}", "name", "unknown field");
    refuses("Item", "{\"Name\":1}", "Name", "unknown field");
    refuses("Item", "{\"\":1}", "", "unknown field");
    char json[1000] = "{\"";
    memset(json + 2, 'x', 900);
    memcpy(json + 902, "\":1}", 5);
    ProtobufCMessage *message;
    struct ink_status status =
        ink_from_json(contract, &arena, type_named("Item"), json, strlen(json), &message);
    assert_int_equal(strlen(status.violations->field), 103); /* cut, with dots */
}

static void refuses_what_is_there_twice(void **state)
{
    (void)state;
    refuses("Item", "{\"name\":\"a\",\"name\":\"a\"}", "name", "is there twice");
    refuses("Item", "{\"itemCount\":1,\"item_count\":1}", "item_count", "is there twice");
    refuses("Item", "{\"name\":null,\"name\":null}", "name", "is there twice");
    refuses("Maps", "{\"byString\":{\"b\":\"\",\"a\":\"\",\"b\":\"\"}}", "by_string[\"b\"]",
            "is there twice");
    refuses("Maps", "{\"byInt32\":{\"1\":\"\",\"2\":\"\",\"1.0\":\"\"}}", "by_int32[1]", "twice");
    refuses("Maps", "{\"byBool\":{\"true\":\"\",\"true\":\"\"}}", "by_bool[true]", "twice");
    refuses("Maps", "{\"bySint64\":{\"-7\":\"\",\"-7\":\"\"}}", "by_sint64[-7]", "twice");
    refuses("WellKnown", "{\"data\":{\"a\":1,\"a\":2}}", "data[\"a\"]", "twice");
    refuses("WellKnown", "{\"any\":{\"@type\":\"x/inkmesh.test.v1.Item\",\"@type\":\"x\"}}",
            "any.@type", "twice");
    refuses("WellKnown",
            "{\"any\":{\"@type\":\"x/google.protobuf.Int32Value\",\"value\":1,\"value\":1}}",
            "any.value", "twice");
}

static void takes_one_member_of_a_oneof(void **state)
{
    (void)state;
    refuses("Choice", "{\"int32Choice\":1,\"stringChoice\":\"a\"}", "string_choice",
            "another member of \"kind\"");
    Inkmesh__Test__V1__Choice *m =
        read_json("Choice", "{\"int32Choice\":0,\"stringChoice\":null,\"otherText\":\"x\"}");
    assert_int_equal(m->kind_case, INKMESH__TEST__V1__CHOICE__KIND_INT32_CHOICE);
    assert_int_equal(m->int32_choice, 0);
    assert_int_equal(m->other_case, INKMESH__TEST__V1__CHOICE__OTHER_OTHER_TEXT);
    m = read_json("Choice", "{\"nullChoice\":null}");
    assert_int_equal(m->kind_case, INKMESH__TEST__V1__CHOICE__KIND_NULL_CHOICE);
    m = read_json("Choice", "{\"valueChoice\":null}");
    assert_int_equal(m->kind_case, INKMESH__TEST__V1__CHOICE__KIND_VALUE_CHOICE);
    assert_int_equal(m->value_choice->kind_case, GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE);
    m = read_json("Choice", "{\"bytesChoice\":\"AAE=\"}");
    assert_int_equal(m->bytes_choice.len, 2);
}

static void reads_lists_and_maps(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Lists *lists =
        read_json("Lists", "{\"int32Values\":[1,2,3,4,5,6,7,8,9],\"boolValues\":[true,false],"
                           "\"bytesValues\":[\"AA==\",\"\"],\"nulls\":[null,0,\"NULL_VALUE\"],"
                           "\"items\":[{\"name\":\"a\"},{\"items\":[{},{}]}]}");
    assert_int_equal(lists->n_int32_values, 9);
    for (int i = 0; i < 9; i++)
        assert_int_equal(lists->int32_values[i], i + 1);
    assert_true(lists->bool_values[0] && !lists->bool_values[1]);
    assert_int_equal(lists->bytes_values[0].len, 1);
    assert_int_equal(lists->n_nulls, 3);
    assert_string_equal(lists->items[0]->name, "a");
    assert_int_equal(lists->items[1]->n_items, 2);
    Inkmesh__Test__V1__Maps *maps = read_json(
        "Maps", "{\"byUint64\":{\"18446744073709551615\":\"a\"},\"toItem\":{\"\":{\"name\":\"b\"}},"
                "\"byBool\":{\"true\":\"c\",\"false\":\"d\"},\"toValue\":{\"v\":null}}");
    assert_true(maps->by_uint64[0]->key == UINT64_MAX);
    assert_string_equal(maps->by_uint64[0]->value, "a");
    assert_string_equal(maps->to_item[0]->key, "");
    assert_string_equal(maps->to_item[0]->value->name, "b");
    assert_int_equal(maps->n_by_bool, 2);
    assert_int_equal(maps->to_value[0]->value->kind_case, GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE);
}

static void reads_well_known_types(void **state)
{
    (void)state;
    Inkmesh__Test__V1__WellKnown *m = read_json(
        "WellKnown",
        "{\"time\":\"1970-01-01T01:00:00.5+01:00\",\"duration\":\"-0.5s\",\"mask\":\"fooBar,a.bC\","
        "\"data\":{\"k\":[1,\"s\",{}]},\"boolWrapper\":false,\"stringWrapper\":null,\"empty\":{},"
        "\"any\":{\"value\":\"7\",\"@type\":\"x/google.protobuf.Int64Value\"}}");
    assert_int_equal(m->time->seconds, 0);
    assert_int_equal(m->time->nanos, 500000000);
    assert_int_equal(m->duration->seconds, 0);
    assert_int_equal(m->duration->nanos, -500000000);
    assert_int_equal(m->mask->n_paths, 2);
    assert_string_equal(m->mask->paths[0], "foo_bar");
    assert_string_equal(m->mask->paths[1], "a.b_c");
    assert_string_equal(m->data->fields[0]->key, "k");
    assert_int_equal(m->data->fields[0]->value->list_value->n_values, 3);
    assert_non_null(m->bool_wrapper);
    assert_null(m->string_wrapper);
    assert_non_null(m->empty);
    assert_string_equal(m->any->type_url, "x/google.protobuf.Int64Value");
    assert_int_equal(m->any->value.len, 2);
    assert_memory_equal(m->any->value.data, "\x08\x07", 2);
}

static void marks_proto2_presence(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Old *m = read_json("Old", "{\"needed\":1,\"number\":0,\"data\":\"\"}");
    assert_true(m->has_number && m->number == 0);
    assert_true(m->has_data && !m->has_flag);
    assert_string_equal(m->text, "seven");
    assert_null(m->inner);
}

static void bounds_depth(void **state)
{
    (void)state;
    char json[2000];
    for (int depth = 64; depth <= 65; depth++) {
        char *at = json;
        for (int i = 1; i < depth; i++)
            at = stpcpy(at, "{\"innerItem\":");
        at = stpcpy(at, "{}");
        memset(at, '}', (size_t)depth - 1);
        at[depth - 1] = '\0';
        if (depth == 64)
            read_json("Item", json);
        else
            refuses("Item", json, "", "nested too deeply");
    }
}

static void bounds_memory(void **state)
{
    (void)state;
    size_t count = 1200000;
    char *json = malloc(3 * count + 20), *at = stpcpy(json, "{\"everything\":[");
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, i == 0 ? "{}" : ",{}");
    strcpy(at, "]}");
    ProtobufCMessage *message;
    struct ink_status status =
        ink_from_json(contract, &arena, type_named("Everything"), json, strlen(json), &message);
    assert_int_equal(status.code, INK_RESOURCE_EXHAUSTED);
    free(json);
}

/* Reads only the bytes it was given. */
static void stays_in_its_bytes(void **state)
{
    (void)state;
    const char *json = "{\"stringValue\":\"a\\u00e9\",\"doubleValue\":1.25,\"boolValue\":true}";
    for (size_t size = 0; size < strlen(json); size++) {
        char *cut = malloc(size + (size == 0));
        memcpy(cut, json, size);
        ProtobufCMessage *message;
        struct ink_status status =
            ink_from_json(contract, &arena, type_named("Scalars"), cut, size, &message);
        assert_int_equal(status.code, INK_INVALID_ARGUMENT);
        assert_non_null(strstr(status.message, "line 1, column"));
        free(cut);
    }
}

static void tells_which_fields_were_there(void **state)
{
    (void)state;
    const char *json = "{\"item\":{\"name\":\"a\",\"innerItem\":{\"itemCount\":1},\"items\":[{}]},"
                       "\"scalars\":{},\"names\":null,\"wellKnown\":{\"time\":null,\"data\":"
                       "{\"a\":1},\"mask\":\"\"},\"named\":{\"x\":{\"item\":{}}}}";
    static const char *const expected[] = {
        "item.name",       "item.inner_item.item_count",
        "item.items",      "scalars",
        "names",           "well_known.time",
        "well_known.data", "well_known.mask",
        "named",
    };
    struct ink_json_paths paths;
    ProtobufCMessage *message;
    assert_true(ink_is_ok(ink_from_json_paths(contract, &arena, type_named("Everything"), json,
                                              strlen(json), &paths, &message)));
    assert_int_equal(paths.count, INK_COUNT(expected));
    for (size_t i = 0; i < paths.count; i++)
        assert_string_equal(paths.paths[i], expected[i]);
}

static void reads_one_field(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Everything *m = (void *)ink_message_new(&arena, type_named("Everything"));
    const char *json = " {\"itemCount\":3,\"innerItem\":{\"name\":\"x\"}} ";
    struct ink_json_paths paths;
    assert_true(ink_is_ok(ink_from_json_field(contract, &arena, field_named("Everything", "item"),
                                              json, strlen(json), &paths, &m->base)));
    assert_int_equal(m->item->item_count, 3);
    assert_int_equal(paths.count, 2);
    assert_string_equal(paths.paths[0], "item_count");
    assert_string_equal(paths.paths[1], "inner_item.name");
    json = "[{},{\"item\":{}}]";
    assert_true(
        ink_is_ok(ink_from_json_field(contract, &arena, field_named("Everything", "everything"),
                                      json, strlen(json), NULL, &m->base)));
    assert_int_equal(m->n_everything, 2);
    json = "{\"plain\":1}";
    struct ink_status status = ink_from_json_field(
        contract, &arena, field_named("Everything", "names"), json, strlen(json), NULL, &m->base);
    assert_string_equal(status.violations->field, "names.plain");
    json = "{} {}";
    status = ink_from_json_field(contract, &arena, field_named("Everything", "names"), json,
                                 strlen(json), NULL, &m->base);
    assert_non_null(strstr(status.message, "text after the value"));
    json = "null";
    assert_true(ink_is_ok(ink_from_json_field(contract, &arena, field_named("Everything", "lists"),
                                              json, strlen(json), NULL, &m->base)));
    assert_null(m->lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_every_scalar),
        TEST(leaves_absent_fields_empty),
        TEST(keeps_the_sign_of_zero),
        TEST(rounds_floats_once),
        TEST(reads_long_numbers),
        TEST(names_what_was_expected),
        TEST(refuses_unknown_fields),
        TEST(refuses_what_is_there_twice),
        TEST(takes_one_member_of_a_oneof),
        TEST(reads_lists_and_maps),
        TEST(reads_well_known_types),
        TEST(marks_proto2_presence),
        TEST(bounds_depth),
        TEST(bounds_memory),
        TEST(stays_in_its_bytes),
        TEST(tells_which_fields_were_there),
        TEST(reads_one_field),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
