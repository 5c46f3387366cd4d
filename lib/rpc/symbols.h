/*
 * Which .proto file defines a symbol or an extension; for reflection. Internal to lib/rpc.
 */
#pragma once

#include "lib/contract/contract.h"

struct symbol {
    const char *name; /* "package.Message.field" */
    const Google__Protobuf__FileDescriptorProto *file;
};

struct extension {
    const char *extendee; /* "google.protobuf.MethodOptions" */
    int32_t number;
    const Google__Protobuf__FileDescriptorProto *file;
};

struct symbols {
    struct symbol *symbols; /* sorted by name */
    size_t n_symbols;
    struct extension *extensions;
    size_t n_extensions;
};

/* Indexes the files of `contract`; memory comes from `arena`. */
void symbols_init(struct symbols *symbols, const struct ink_contract *contract,
                  struct ink_arena *arena);
/* NULL when nothing is called `name`. */
const Google__Protobuf__FileDescriptorProto *symbols_find(const struct symbols *symbols,
                                                          const char *name);
