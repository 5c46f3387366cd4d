#include "lib/contract/contract.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/contract/internal.h"

struct ink_status ink_contract_load(const struct ink_contract_image *image, struct ink_arena *arena,
                                    struct ink_contract **ret_contract)
{
    struct ink_contract *contract = ink_calloc(1, sizeof(*contract));
    ink_arena_init(&contract->arena);
    contract->image = image;
    contract->files = google__protobuf__file_descriptor_set__unpack(
        ink_arena_allocator(&contract->arena), image->descriptor_set_size, image->descriptor_set);
    struct ink_status status =
        contract->files == NULL
            ? ink_error_cause(arena, INK_INTERNAL, "the contract cannot be read",
                              "the embedded FileDescriptorSet is malformed")
            : ink_contract_build(contract, arena);
    if (!ink_is_ok(status)) {
        ink_contract_free(contract);
        return status;
    }
    *ret_contract = contract;
    return ink_ok();
}

void ink_contract_free(struct ink_contract *contract)
{
    if (contract == NULL)
        return;
    ink_arena_release(&contract->arena);
    free(contract);
}

/* Every indexed struct starts with its key's pointer at `offset`; the arrays hold pointers. */
static int by_full_name(const void *a, const void *b)
{
    return strcmp(**(const char *const *const *)a, **(const char *const *const *)b);
}

static int by_path(const void *a, const void *b)
{
    const struct ink_method *const *x = a, *const *y = b;
    return strcmp((*x)->path, (*y)->path);
}

static int by_c(const void *a, const void *b)
{
    const struct ink_message *const *x = a, *const *y = b;
    uintptr_t left = (uintptr_t)(*x)->c, right = (uintptr_t)(*y)->c;
    return left == right ? 0 : left < right ? -1 : 1;
}

_Static_assert(offsetof(struct ink_message, full_name) == 0, "by_full_name");
_Static_assert(offsetof(struct ink_enum, full_name) == 0, "by_full_name");

static int services_by_full_name(const void *a, const void *b)
{
    const struct ink_service *const *x = a, *const *y = b;
    return strcmp((*x)->full_name, (*y)->full_name);
}

void ink_contract_sort(struct ink_contract *contract)
{
    qsort(contract->messages, contract->n_messages, sizeof(void *), by_full_name);
    qsort(contract->enums, contract->n_enums, sizeof(void *), by_full_name);
    qsort(contract->services, contract->n_services, sizeof(void *), services_by_full_name);
    qsort(contract->methods, contract->n_methods, sizeof(void *), by_path);
    contract->by_c = ink_arena_memdup(&contract->arena, contract->messages,
                                      contract->n_messages * sizeof(struct ink_message *));
    qsort(contract->by_c, contract->n_messages, sizeof(void *), by_c);
}

/* What `find` points to in a sorted array of pointers, or NULL. */
static void *find(const void *wanted, void *array, size_t count,
                  int (*compare)(const void *, const void *))
{
    void **found = count == 0 ? NULL : bsearch(&wanted, array, count, sizeof(void *), compare);
    return found == NULL ? NULL : *found;
}

const struct ink_message *ink_contract_message(const struct ink_contract *contract,
                                               const char *full_name)
{
    struct ink_message wanted = {.full_name = full_name};
    return find(&wanted, contract->messages, contract->n_messages, by_full_name);
}

const struct ink_enum *ink_contract_enum(const struct ink_contract *contract, const char *full_name)
{
    struct ink_enum wanted = {.full_name = full_name};
    return find(&wanted, contract->enums, contract->n_enums, by_full_name);
}

const struct ink_service *ink_contract_service(const struct ink_contract *contract,
                                               const char *full_name)
{
    struct ink_service wanted = {.full_name = full_name};
    return find(&wanted, contract->services, contract->n_services, services_by_full_name);
}

const struct ink_method *ink_contract_method(const struct ink_contract *contract, const char *path)
{
    struct ink_method wanted = {.path = path};
    return find(&wanted, contract->methods, contract->n_methods, by_path);
}

size_t ink_contract_method_count(const struct ink_contract *contract)
{
    return contract->n_methods;
}

const struct ink_message *ink_contract_message_of(const struct ink_contract *contract,
                                                  const ProtobufCMessageDescriptor *descriptor)
{
    struct ink_message wanted = {.c = descriptor};
    return find(&wanted, contract->by_c, contract->n_messages, by_c);
}

const struct ink_service *const *ink_contract_services(const struct ink_contract *contract,
                                                       size_t *ret_count)
{
    *ret_count = contract->n_services;
    return (const struct ink_service *const *)contract->services;
}

const struct ink_message *const *ink_contract_messages(const struct ink_contract *contract,
                                                       size_t *ret_count)
{
    *ret_count = contract->n_messages;
    return (const struct ink_message *const *)contract->messages;
}

const Google__Protobuf__FileDescriptorSet *ink_contract_files(const struct ink_contract *contract)
{
    return contract->files;
}

static bool named(const char *name, const char *wanted, size_t size)
{
    return strncmp(name, wanted, size) == 0 && strlen(name) == size; /* `wanted` may hold NUL */
}

const struct ink_field *ink_message_field(const struct ink_message *message, const char *name,
                                          size_t size)
{
    for (size_t i = 0; i < message->n_fields; i++)
        if (named(message->fields[i].name, name, size))
            return &message->fields[i];
    return NULL;
}

const struct ink_field *ink_message_field_json(const struct ink_message *message, const char *name,
                                               size_t size)
{
    for (size_t i = 0; i < message->n_fields; i++)
        if (named(message->fields[i].json_name, name, size))
            return message->fields[i].header == NULL ? &message->fields[i] : NULL;
    const struct ink_field *field = ink_message_field(message, name, size);
    return field == NULL || field->header != NULL ? NULL : field;
}
