#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "inkmesh/user/v1/user.pb-c.h"
#include "inkmesh_contract.h"
#include "lib/contract/contract.h"

static struct ink_arena arena;
static struct ink_contract *contract;

static int load(void **state)
{
    (void)state;
    ink_arena_init(&arena);
    struct ink_status status = ink_contract_load(&inkmesh_contract, &arena, &contract);
    if (!ink_is_ok(status))
        fprintf(stderr, "%s: %s\n", status.message, status.cause);
    return ink_is_ok(status) ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    ink_contract_free(contract);
    ink_arena_release(&arena);
    return 0;
}

static void finds_a_method_with_its_options(void **state)
{
    (void)state;
    const struct ink_method *method =
        ink_contract_method(contract, "/inkmesh.user.v1.UserService/Register");
    assert_non_null(method);
    assert_string_equal(method->full_name, "inkmesh.user.v1.UserService.Register");
    assert_int_equal(method->http->pattern_case, GOOGLE__API__HTTP_RULE__PATTERN_POST);
    assert_string_equal(method->http->post, "/api/v1/auth/register");
    assert_int_equal(method->http->n_additional_bindings, 1);
    assert_string_equal(method->http->additional_bindings[0]->post, "/api/v1/users/register");
    assert_int_equal(method->options->access, INKMESH__OPTIONS__V1__ACCESS__ACCESS_ANYONE);
    assert_int_equal(method->options->success_status, 201);
    assert_false(method->idempotent);
    assert_ptr_equal(method->input->c, &inkmesh__user__v1__register_request__descriptor);
    assert_string_equal(method->comment, "Register an account. The email address is unique without "
                                         "regard to case.");
    assert_true(
        ink_contract_method(contract, "/inkmesh.user.v1.UserService/GetProfile")->idempotent);
    assert_null(ink_contract_method(contract, "/inkmesh.user.v1.UserService/Nothing"));
}

static void finds_fields_by_both_names(void **state)
{
    (void)state;
    const struct ink_message *user = ink_contract_message(contract, "inkmesh.user.v1.User");
    const struct ink_field *field = ink_message_field_json(user, "createdAt", 9);
    assert_non_null(field);
    assert_string_equal(field->name, "created_at");
    assert_ptr_equal(ink_message_field_json(user, "created_at", 10), field);
    assert_null(ink_message_field(user, "createdAt", 9));
    assert_null(ink_message_field(user, "created_a", 9));
    assert_int_equal(field->message->well_known, INK_TIMESTAMP);
    assert_string_equal(field->comment, "When the account was registered.");
    assert_ptr_equal(ink_contract_message_of(contract, &inkmesh__user__v1__user__descriptor), user);
}

static void knows_maps_and_oneofs(void **state)
{
    (void)state;
    const struct ink_message *info = ink_contract_message(contract, "google.rpc.ErrorInfo");
    const struct ink_field *metadata = ink_message_field(info, "metadata", 8);
    assert_true(metadata->map);
    assert_false(metadata->repeated);
    assert_string_equal(metadata->message->fields[0].name, "key");
    const struct ink_message *rule = ink_contract_message(contract, "google.api.HttpRule");
    assert_int_equal(rule->n_oneofs, 1);
    assert_string_equal(rule->oneofs[0].name, "pattern");
    assert_int_equal(rule->oneofs[0].n_fields, 6);
    assert_ptr_equal(ink_message_field(rule, "get", 3)->oneof, &rule->oneofs[0]);
}

static void joins_the_parts_of_an_option(void **state)
{
    (void)state;
    const struct ink_message *request =
        ink_contract_message(contract, "inkmesh.user.v1.RegisterRequest");
    uint8_t *data;
    size_t size;
    assert_true(
        ink_option_bytes(&arena, &request->fields[0].proto->options->base, 1159, &data, &size));
    assert_true(size > 0);
    assert_false(ink_option_bytes(&arena, NULL, 1159, &data, &size));
}

static void refuses_a_malformed_image(void **state)
{
    (void)state;
    struct ink_contract_image image = inkmesh_contract;
    image.descriptor_set_size -= 1;
    struct ink_contract *none = NULL;
    assert_int_equal(ink_contract_load(&image, &arena, &none).code, INK_INTERNAL);
    const ProtobufCServiceDescriptor *const nothing[] = {NULL};
    image = inkmesh_contract;
    image.services = nothing;
    struct ink_status status = ink_contract_load(&image, &arena, &none);
    assert_int_equal(status.code, INK_INTERNAL);
    assert_non_null(strstr(status.cause, "lacks"));
    assert_null(none);
}

/* A set of one file with google.protobuf.Timestamp, to be changed. */
static struct small_set {
    Google__Protobuf__FieldDescriptorProto fields[2], *field_list[2];
    Google__Protobuf__DescriptorProto message, *message_list[2];
    Google__Protobuf__FileDescriptorProto file, *file_list[1];
    Google__Protobuf__FileDescriptorSet set;
} small;

static void make_field(int i, char *name, int type)
{
    google__protobuf__field_descriptor_proto__init(&small.fields[i]);
    small.fields[i].name = small.fields[i].json_name = name;
    small.fields[i].has_number = small.fields[i].has_type = small.fields[i].has_label = 1;
    small.fields[i].number = i + 1;
    small.fields[i].type = type;
    small.fields[i].label = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_OPTIONAL;
    small.field_list[i] = &small.fields[i];
}

static void make_small(void)
{
    make_field(0, "seconds", GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT64);
    make_field(1, "nanos", GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT32);
    google__protobuf__descriptor_proto__init(&small.message);
    small.message.name = "Timestamp";
    small.message.n_field = 2;
    small.message.field = small.field_list;
    small.message_list[0] = small.message_list[1] = &small.message;
    google__protobuf__file_descriptor_proto__init(&small.file);
    small.file.package = "google.protobuf";
    small.file.n_message_type = 1;
    small.file.message_type = small.message_list;
    small.file_list[0] = &small.file;
    google__protobuf__file_descriptor_set__init(&small.set);
    small.set.n_file = 1;
    small.set.file = small.file_list;
}

/* Whether the set as it is now can be loaded; makes it anew for the next time. */
static bool loads_small(void)
{
    uint8_t data[512];
    struct ink_contract_image image = inkmesh_contract;
    struct ink_contract *made = NULL;
    assert_true(google__protobuf__file_descriptor_set__get_packed_size(&small.set) < sizeof(data));
    image.descriptor_set = data;
    image.descriptor_set_size = google__protobuf__file_descriptor_set__pack(&small.set, data);
    struct ink_status status = ink_contract_load(&image, &arena, &made);
    assert_int_equal(status.code, made != NULL ? INK_OK : INK_INTERNAL);
    ink_contract_free(made);
    make_small();
    return ink_is_ok(status);
}

static void refuses_a_set_without_names(void **state)
{
    (void)state;
    make_small();
    assert_true(loads_small());
    small.fields[0].name = NULL;
    assert_false(loads_small());
    small.fields[1].json_name = NULL;
    assert_false(loads_small());
    small.message.name = NULL;
    assert_false(loads_small());
    small.fields[0].type = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_MESSAGE;
    assert_false(loads_small()); /* and no type_name */
    Google__Protobuf__ServiceDescriptorProto service, *services[] = {&service};
    google__protobuf__service_descriptor_proto__init(&service);
    service.name = "Service";
    small.file.package = NULL;
    small.file.n_service = 1;
    small.file.service = services;
    assert_false(loads_small());
}

/* Writing a text where the C struct has a number would be the end of more than a request. */
static void refuses_sides_that_differ(void **state)
{
    (void)state;
    make_small();
    small.fields[0].type = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING;
    assert_false(loads_small());
    small.fields[0].label = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED;
    assert_false(loads_small());
    small.fields[0].number = 2; /* the same as the other */
    small.fields[0].type = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT32;
    assert_false(loads_small());
    small.message.n_field = 1;
    assert_false(loads_small());
    small.file.n_message_type = 2; /* the same twice */
    assert_false(loads_small());
    assert_true(loads_small());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_method_with_its_options),
        cmocka_unit_test(finds_fields_by_both_names),
        cmocka_unit_test(knows_maps_and_oneofs),
        cmocka_unit_test(joins_the_parts_of_an_option),
        cmocka_unit_test(refuses_a_malformed_image),
        cmocka_unit_test(refuses_a_set_without_names),
        cmocka_unit_test(refuses_sides_that_differ),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
