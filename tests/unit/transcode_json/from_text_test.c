#include "lib/transcode/from_json.h"
#include "tests/unit/transcode_json/fixture.h"

static struct ink_status put(const char *type, const char *name, const char *text, size_t size,
                             void *message)
{
    return ink_field_from_text(&arena, field_named(type, name), text, size, NULL, message);
}

static void takes(const char *type, const char *name, const char *text, void *message)
{
    struct ink_status status = put(type, name, text, strlen(text), message);
    if (!ink_is_ok(status))
        fail_msg("%s: %s", text, status.message);
}

static void refuses(const char *type, const char *name, const char *text, const char *expected)
{
    ProtobufCMessage *message = ink_message_new(&arena, type_named(type));
    struct ink_status status = put(type, name, text, strlen(text), message);
    assert_int_equal(status.code, INK_INVALID_ARGUMENT);
    assert_string_equal(status.violations->field, name);
    if (strstr(status.violations->message, expected) == NULL)
        fail_msg("%s: %s, and not: %s", text, status.violations->message, expected);
    assert_int_equal(protobuf_c_message_get_packed_size(message), 0);
}

static void reads_scalars(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Scalars *m = (void *)ink_message_new(&arena, type_named("Scalars"));
    takes("Scalars", "int32_value", "-5", m);
    takes("Scalars", "uint64_value", "18446744073709551615", m);
    takes("Scalars", "double_value", "2.5", m);
    takes("Scalars", "float_value", "Infinity", m);
    takes("Scalars", "bool_value", "true", m);
    takes("Scalars", "string_value", "caf\xc3\xa9 \"x\"", m);
    takes("Scalars", "bytes_value", "_-8", m);
    takes("Scalars", "colour_value", "COLOUR_BELOW", m);
    assert_int_equal(m->int32_value, -5);
    assert_true(m->uint64_value == UINT64_MAX);
    assert_true(m->double_value == 2.5);
    assert_true(m->float_value > 3.4e38F);
    assert_true(m->bool_value);
    assert_string_equal(m->string_value, "caf\xc3\xa9 \"x\"");
    assert_int_equal(m->bytes_value.len, 2);
    assert_int_equal(m->colour_value, INKMESH__TEST__V1__COLOUR__COLOUR_BELOW);
    takes("Scalars", "colour_value", "2", m);
    assert_int_equal(m->colour_value, 2);
    takes("Scalars", "string_value", "", m);
    assert_string_equal(m->string_value, "");
}

static void reads_well_known_types(void **state)
{
    (void)state;
    Inkmesh__Test__V1__WellKnown *m = (void *)ink_message_new(&arena, type_named("WellKnown"));
    takes("WellKnown", "time", "2026-01-01T00:00:00Z", m);
    takes("WellKnown", "duration", "1.5s", m);
    takes("WellKnown", "mask", "a,bC", m);
    takes("WellKnown", "int64_wrapper", "7", m);
    takes("WellKnown", "string_wrapper", "", m);
    takes("WellKnown", "bool_wrapper", "false", m);
    takes("WellKnown", "int32_wrappers", "1", m);
    assert_int_equal(m->time->seconds, 1767225600);
    assert_int_equal(m->duration->nanos, 500000000);
    assert_string_equal(m->mask->paths[1], "b_c");
    assert_int_equal(m->int64_wrapper->value, 7);
    assert_string_equal(m->string_wrapper->value, "");
    assert_false(m->bool_wrapper->value);
    assert_int_equal(m->n_int32_wrappers, 1);
    assert_int_equal(m->int32_wrappers[0]->value, 1);
}

static void adds_to_lists(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Lists *m = (void *)ink_message_new(&arena, type_named("Lists"));
    char text[20];
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "%d", i);
        takes("Lists", "int32_values", text, m);
        takes("Lists", "string_values", text, m);
        takes("Lists", "bytes_values", "AAAA", m);
    }
    assert_int_equal(m->n_int32_values, 100);
    assert_int_equal(m->n_bytes_values, 100);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "%d", i);
        assert_int_equal(m->int32_values[i], i);
        assert_string_equal(m->string_values[i], text);
        assert_int_equal(m->bytes_values[i].len, 3);
    }
    assert_false(ink_is_ok(put("Lists", "int32_values", "x", 1, m)));
    assert_int_equal(m->n_int32_values, 100);
}

/* A body may have begun the list. */
static void adds_to_a_list_from_json(void **state)
{
    (void)state;
    for (int count = 0; count < 10; count++) {
        char json[100] = "{\"int32Values\":[";
        for (int i = 0; i < count; i++)
            strcat(json, i == 0 ? "5" : ",5");
        strcat(json, "]}");
        ProtobufCMessage *message;
        assert_true(ink_is_ok(
            ink_from_json(contract, &arena, type_named("Lists"), json, strlen(json), &message)));
        Inkmesh__Test__V1__Lists *m = (void *)message;
        for (int i = 0; i < 10; i++)
            takes("Lists", "int32_values", "6", m);
        assert_int_equal(m->n_int32_values, count + 10);
        for (int i = 0; i < count + 10; i++)
            assert_int_equal(m->int32_values[i], i < count ? 5 : 6);
    }
}

static void refuses_with_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *type, *name, *text, *expected;
    } cases[] = {
        {"Scalars", "int32_value", "", "must be a whole number"},
        {"Scalars", "int32_value", "1.5", "must be a whole number"},
        {"Scalars", "int32_value", " 1", "must be a whole number"},
        {"Scalars", "uint32_value", "4294967296", "to 4294967295"},
        {"Scalars", "bool_value", "yes", "must be true or false"},
        {"Scalars", "bool_value", "", "must be true or false"},
        {"Scalars", "double_value", "inf", "must be a number"},
        {"Scalars", "string_value", "\xff", "must be valid UTF-8"},
        {"Scalars", "bytes_value", "*", "must be base64"},
        {"Scalars", "colour_value", "BLUE", "must be one of"},
        {"WellKnown", "time", "today", "RFC 3339"},
        {"WellKnown", "duration", "1", "in seconds"},
        {"WellKnown", "mask", "a_b", "lowerCamelCase"},
        {"WellKnown", "int32_wrapper", "x", "must be a whole number"},
        {"WellKnown", "data", "{}", "cannot be written as text"},
        {"WellKnown", "any", "{}", "cannot be written as text"},
        {"Everything", "item", "{}", "cannot be written as text"},
        {"Everything", "named", "x", "cannot be written as text"},
    };
    for (size_t i = 0; i < INK_COUNT(cases); i++)
        refuses(cases[i].type, cases[i].name, cases[i].text, cases[i].expected);
    ProtobufCMessage *m = ink_message_new(&arena, type_named("Scalars"));
    struct ink_status status = put("Scalars", "string_value", "a\0b", 3, m);
    assert_non_null(strstr(status.message, "NUL is not allowed"));
    status = ink_field_from_text(&arena, field_named("Scalars", "int32_value"), "x", 1,
                                 "outer.int32_value", m);
    assert_string_equal(status.violations->field, "outer.int32_value");
}

static void sets_one_member_of_a_oneof(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Choice *m = (void *)ink_message_new(&arena, type_named("Choice"));
    ProtobufCMessage *child;
    takes("Choice", "int32_choice", "0", m);
    assert_int_equal(m->kind_case, INKMESH__TEST__V1__CHOICE__KIND_INT32_CHOICE);
    takes("Choice", "other_text", "x", m);
    struct ink_status status = put("Choice", "string_choice", "a", 1, m);
    assert_non_null(strstr(status.message, "another member of \"kind\""));
    status = ink_field_message(&arena, field_named("Choice", "item_choice"), "a.item_choice",
                               &m->base, &child);
    assert_string_equal(status.violations->field, "a.item_choice");
    assert_int_equal(m->kind_case, INKMESH__TEST__V1__CHOICE__KIND_INT32_CHOICE);
}

static void goes_down_into_messages(void **state)
{
    (void)state;
    Inkmesh__Test__V1__Everything *m = (void *)ink_message_new(&arena, type_named("Everything"));
    ProtobufCMessage *item, *again, *choice, *member;
    const struct ink_field *field = field_named("Everything", "item");
    assert_true(ink_is_ok(ink_field_message(&arena, field, NULL, &m->base, &item)));
    assert_ptr_equal(item, m->item);
    assert_true(ink_is_ok(ink_field_message(&arena, field, NULL, &m->base, &again)));
    assert_ptr_equal(again, item);
    field = field_named("Everything", "choice");
    assert_true(ink_is_ok(ink_field_message(&arena, field, NULL, &m->base, &choice)));
    field = field_named("Choice", "item_choice");
    assert_true(ink_is_ok(ink_field_message(&arena, field, NULL, choice, &member)));
    assert_int_equal(m->choice->kind_case, INKMESH__TEST__V1__CHOICE__KIND_ITEM_CHOICE);
    assert_ptr_equal(m->choice->item_choice, member);
    field = field_named("Everything", "everything");
    assert_false(ink_is_ok(ink_field_message(&arena, field, NULL, &m->base, &item)));
    field = field_named("Item", "name");
    assert_false(ink_is_ok(ink_field_message(&arena, field, NULL, member, &item)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_scalars),           TEST(reads_well_known_types),
        TEST(adds_to_lists),           TEST(adds_to_a_list_from_json),
        TEST(refuses_with_the_field),  TEST(sets_one_member_of_a_oneof),
        TEST(goes_down_into_messages),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
