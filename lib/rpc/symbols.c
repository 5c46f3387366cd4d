#include "lib/rpc/symbols.h"

#include <stdlib.h>
#include <string.h>

/* Two walks over the same tree: the first counts, the second fills. */
struct walk {
    struct symbols *to;
    struct ink_arena *arena;
    const Google__Protobuf__FileDescriptorProto *file;
    bool fill;
};

static const char *add(struct walk *w, const char *prefix, const char *name)
{
    const char *full = name;
    if (w->fill) {
        full = prefix[0] == '\0' ? name : ink_arena_printf(w->arena, "%s.%s", prefix, name);
        w->to->symbols[w->to->n_symbols] = (struct symbol){.name = full, .file = w->file};
    }
    w->to->n_symbols++;
    return full;
}

static void add_extensions(struct walk *w, const char *prefix,
                           Google__Protobuf__FieldDescriptorProto *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add(w, prefix, list[i]->name);
        const char *extendee = list[i]->extendee;
        if (w->fill)
            w->to->extensions[w->to->n_extensions] = (struct extension){
                .extendee = extendee[0] == '.' ? extendee + 1 : extendee,
                .number = list[i]->number,
                .file = w->file,
            };
        w->to->n_extensions++;
    }
}

static void add_enum(struct walk *w, const char *prefix,
                     const Google__Protobuf__EnumDescriptorProto *type)
{
    add(w, prefix, type->name);
    for (size_t i = 0; i < type->n_value; i++) /* values are siblings of their enum */
        add(w, prefix, type->value[i]->name);
}

static void add_message(struct walk *w, const char *prefix,
                        const Google__Protobuf__DescriptorProto *message)
{
    const char *name = add(w, prefix, message->name);
    for (size_t i = 0; i < message->n_field; i++)
        add(w, name, message->field[i]->name);
    for (size_t i = 0; i < message->n_oneof_decl; i++)
        add(w, name, message->oneof_decl[i]->name);
    for (size_t i = 0; i < message->n_enum_type; i++)
        add_enum(w, name, message->enum_type[i]);
    for (size_t i = 0; i < message->n_nested_type; i++)
        add_message(w, name, message->nested_type[i]);
    add_extensions(w, name, message->extension, message->n_extension);
}

static void add_file(struct walk *w)
{
    const char *package = w->file->package != NULL ? w->file->package : "";
    for (size_t i = 0; i < w->file->n_message_type; i++)
        add_message(w, package, w->file->message_type[i]);
    for (size_t i = 0; i < w->file->n_enum_type; i++)
        add_enum(w, package, w->file->enum_type[i]);
    add_extensions(w, package, w->file->extension, w->file->n_extension);
    for (size_t i = 0; i < w->file->n_service; i++) {
        const Google__Protobuf__ServiceDescriptorProto *service = w->file->service[i];
        const char *name = add(w, package, service->name);
        for (size_t m = 0; m < service->n_method; m++)
            add(w, name, service->method[m]->name);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    return strcmp(x->name, y->name);
}

void symbols_init(struct symbols *symbols, const struct ink_contract *contract,
                  struct ink_arena *arena)
{
    const Google__Protobuf__FileDescriptorSet *files = ink_contract_files(contract);
    *symbols = (struct symbols){0};
    struct walk w = {.to = symbols, .arena = arena};
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < files->n_file; i++) {
            w.file = files->file[i];
            add_file(&w);
        }
        if (pass == 1)
            break;
        w.fill = true;
        symbols->symbols = ink_arena_calloc(arena, symbols->n_symbols, sizeof(struct symbol));
        symbols->extensions =
            ink_arena_calloc(arena, symbols->n_extensions, sizeof(struct extension));
        symbols->n_symbols = symbols->n_extensions = 0;
    }
    qsort(symbols->symbols, symbols->n_symbols, sizeof(struct symbol), by_name);
}

const Google__Protobuf__FileDescriptorProto *symbols_find(const struct symbols *symbols,
                                                          const char *name)
{
    struct symbol wanted = {.name = name};
    const struct symbol *found =
        bsearch(&wanted, symbols->symbols, symbols->n_symbols, sizeof(wanted), by_name);
    return found == NULL ? NULL : found->file;
}
