/* Shared by the files of lib/contract only. */
#pragma once

#include "lib/contract/contract.h"

/* The methods of all services, sorted by path, and everything else sorted by full name. */
struct ink_contract {
    struct ink_arena arena;
    const struct ink_contract_image *image;
    Google__Protobuf__FileDescriptorSet *files;
    struct ink_message **messages;
    size_t n_messages;
    struct ink_enum **enums;
    size_t n_enums;
    struct ink_service **services;
    size_t n_services;
    struct ink_method **methods;
    size_t n_methods;
    struct ink_message **by_c; /* messages sorted by the address of their C descriptor */
};

/* Fills a contract whose `files` are unpacked. On failure the cause names what is missing. */
struct ink_status ink_contract_build(struct ink_contract *contract, struct ink_arena *arena);
/* Sorts the indexes; to be called when everything is built and before any look-up. */
void ink_contract_sort(struct ink_contract *contract);

/* What the set and the C side do not agree about, by its name; or NULL. Of a contract that is
 * built.
 */
const char *ink_contract_disagreement(const struct ink_contract *contract);

/* Sets http, options and idempotent of a method from its MethodOptions. False when they cannot be
 * read. */
bool ink_contract_read_method_options(struct ink_arena *arena, struct ink_method *method);
/* Sets header of a field from its FieldOptions. False when they cannot be read, or name a header
 * for what is no singular string. */
bool ink_contract_read_field_options(struct ink_arena *arena, struct ink_field *field);
