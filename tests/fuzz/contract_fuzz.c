/* lib/contract/contract.h: any FileDescriptorSet beside the C descriptors of the real contract is
 * refused, or everything in it is tied to the C side in a way that is safe to work with. */
#include <string.h>

#include "inkmesh_contract.h"
#include "lib/contract/contract.h"
#include "tests/fuzz/fuzz.h"

static void check_field(const struct ink_contract *contract, const struct ink_message *message,
                        const struct ink_field *field)
{
    CHECK(field->name != NULL && field->json_name != NULL && field->comment != NULL);
    CHECK(field->c != NULL && field->parent == message &&
          field->c->id == (uint32_t)field->proto->number);
    CHECK((field->message != NULL) == (field->c->type == PROTOBUF_C_TYPE_MESSAGE));
    CHECK((field->enum_type != NULL) == (field->c->type == PROTOBUF_C_TYPE_ENUM));
    if (field->message != NULL) {
        CHECK(field->message->c == field->c->descriptor);
        CHECK(ink_contract_message_of(contract, field->c->descriptor) != NULL);
    }
    if (field->enum_type != NULL)
        CHECK(field->enum_type->c == field->c->descriptor);
    CHECK((field->repeated || field->map) == (field->c->label == PROTOBUF_C_LABEL_REPEATED));
    if (field->map)
        CHECK(field->message->map_entry && field->message->n_fields == 2);
    CHECK((field->oneof != NULL) == ((field->c->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0));
    if (field->oneof != NULL)
        CHECK(field->oneof->case_offset == field->c->quantifier_offset);
    CHECK(ink_message_field(message, field->name, strlen(field->name)) != NULL);
    if (field->header != NULL)
        CHECK(field->c->type == PROTOBUF_C_TYPE_STRING && !field->repeated && field->oneof == NULL);
}

static void check_message(const struct ink_contract *contract, const struct ink_message *message)
{
    CHECK(message->c != NULL && strcmp(message->c->name, message->full_name) == 0);
    CHECK(message->comment != NULL && message->n_fields == message->c->n_fields);
    CHECK(ink_contract_message(contract, message->full_name) == message);
    CHECK(ink_contract_message_of(contract, message->c) == message);
    for (size_t i = 0; i < message->n_fields; i++)
        check_field(contract, message, &message->fields[i]);
    for (size_t i = 0; i < message->n_oneofs; i++) {
        CHECK(message->oneofs[i].name != NULL);
        for (size_t f = 0; f < message->oneofs[i].n_fields; f++)
            CHECK(message->oneofs[i].fields[f]->oneof == &message->oneofs[i]);
    }
}

static void check_service(const struct ink_contract *contract, const struct ink_service *service)
{
    CHECK(service->c != NULL && strcmp(service->c->name, service->full_name) == 0);
    CHECK(ink_contract_service(contract, service->full_name) == service);
    for (size_t i = 0; i < service->n_methods; i++) {
        const struct ink_method *method = &service->methods[i];
        CHECK(method->c != NULL && strcmp(method->c->name, method->name) == 0);
        CHECK(method->c->input == method->input->c && method->c->output == method->output->c);
        CHECK(method->id < ink_contract_method_count(contract) && method->comment != NULL);
        CHECK(ink_contract_method(contract, method->path) == method);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ink_contract_image image = inkmesh_contract;
    struct ink_contract *contract = NULL;
    struct ink_arena arena;
    size_t n_messages, n_services;
    ink_arena_init(&arena);
    image.descriptor_set = data;
    image.descriptor_set_size = size;
    struct ink_status status = ink_contract_load(&image, &arena, &contract);
    if (ink_is_ok(status)) {
        const struct ink_message *const *messages = ink_contract_messages(contract, &n_messages);
        const struct ink_service *const *services = ink_contract_services(contract, &n_services);
        for (size_t i = 0; i < n_messages; i++)
            check_message(contract, messages[i]);
        for (size_t i = 0; i < n_services; i++)
            check_service(contract, services[i]);
    } else {
        CHECK(contract == NULL && status.code == INK_INTERNAL && status.cause != NULL);
    }
    ink_contract_free(contract);
    ink_arena_release(&arena);
    return 0;
}
