/* From a FileDescriptorSet to the structs of contract.h. Two passes over each file: first every
 * message, enum and service by name, then what refers to them. */
#include <string.h>

#include "lib/contract/comments.h"
#include "lib/contract/internal.h"

/* Field numbers in descriptor.proto, the steps of a comment's path. */
enum {
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    MESSAGE_FIELD = 2,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    SERVICE_METHOD = 2,
};

#define DEEPEST 32

struct builder {
    struct ink_contract *contract;
    struct ink_arena *arena; /* the contract's */
    struct ink_comments comments;
    int32_t path[DEEPEST];
    size_t depth;
    const char *missing;                          /* what the C side lacks, or NULL */
    size_t max_messages, max_enums, max_services; /* as many as the C side has */
};

static const char *join(struct builder *b, const char *prefix, const char *name)
{
    return prefix[0] == '\0' ? ink_arena_strdup(b->arena, name)
                             : ink_arena_printf(b->arena, "%s.%s", prefix, name);
}

/* Whether there is a name; protobuf-c takes a set without. */
static bool has_name(struct builder *b, const char *name)
{
    if (name == NULL)
        b->missing = "a name";
    return name != NULL;
}

/* The comment of child `index` of the current path. */
static const char *comment(struct builder *b, int32_t kind, size_t index)
{
    b->path[b->depth] = kind;
    b->path[b->depth + 1] = (int32_t)index;
    return ink_comments_find(&b->comments, b->path, b->depth + 2);
}

static const ProtobufCMessageDescriptor *c_message(struct builder *b, const char *name)
{
    for (const ProtobufCMessageDescriptor *const *m = b->contract->image->messages; *m != NULL; m++)
        if (strcmp((*m)->name, name) == 0)
            return *m;
    b->missing = name;
    return NULL;
}

static const ProtobufCEnumDescriptor *c_enum(struct builder *b, const char *name)
{
    for (const ProtobufCEnumDescriptor *const *e = b->contract->image->enums; *e != NULL; e++)
        if (strcmp((*e)->name, name) == 0)
            return *e;
    b->missing = name;
    return NULL;
}

static const ProtobufCServiceDescriptor *c_service(struct builder *b, const char *name)
{
    for (const ProtobufCServiceDescriptor *const *s = b->contract->image->services; *s != NULL; s++)
        if (strcmp((*s)->name, name) == 0)
            return *s;
    b->missing = name;
    return NULL;
}

static enum ink_well_known well_known_kind(const char *full_name)
{
    static const struct {
        const char *name;
        enum ink_well_known kind;
    } kinds[] = {
        {"Any", INK_ANY},
        {"Duration", INK_DURATION},
        {"Empty", INK_EMPTY},
        {"FieldMask", INK_FIELD_MASK},
        {"ListValue", INK_LIST_VALUE},
        {"Struct", INK_STRUCT},
        {"Timestamp", INK_TIMESTAMP},
        {"Value", INK_VALUE},
        {"DoubleValue", INK_WRAPPER},
        {"FloatValue", INK_WRAPPER},
        {"Int64Value", INK_WRAPPER},
        {"UInt64Value", INK_WRAPPER},
        {"Int32Value", INK_WRAPPER},
        {"UInt32Value", INK_WRAPPER},
        {"BoolValue", INK_WRAPPER},
        {"StringValue", INK_WRAPPER},
        {"BytesValue", INK_WRAPPER},
    };
    const char prefix[] = "google.protobuf.";
    if (strncmp(full_name, prefix, sizeof(prefix) - 1) != 0)
        return INK_NOT_WELL_KNOWN;
    for (size_t i = 0; i < INK_COUNT(kinds); i++)
        if (strcmp(full_name + sizeof(prefix) - 1, kinds[i].name) == 0)
            return kinds[i].kind;
    return INK_NOT_WELL_KNOWN;
}

static void add_enum(struct builder *b, const char *prefix, int32_t kind, size_t index,
                     const Google__Protobuf__EnumDescriptorProto *proto)
{
    if (!has_name(b, proto->name))
        return;
    if (b->contract->n_enums == b->max_enums) {
        b->missing = proto->name;
        return;
    }
    struct ink_enum *e = ink_arena_calloc(b->arena, 1, sizeof(*e));
    e->full_name = join(b, prefix, proto->name);
    e->c = c_enum(b, e->full_name);
    e->proto = proto;
    e->comment = comment(b, kind, index);
    b->contract->enums[b->contract->n_enums++] = e;
}

static void add_fields(struct builder *b, struct ink_message *message)
{
    const Google__Protobuf__DescriptorProto *proto = message->proto;
    message->n_fields = proto->n_field;
    message->fields = ink_arena_calloc(b->arena, proto->n_field, sizeof(*message->fields));
    for (size_t i = 0; i < proto->n_field; i++) {
        struct ink_field *field = &message->fields[i];
        if (!has_name(b, proto->field[i]->name) || !has_name(b, proto->field[i]->json_name))
            return;
        field->name = proto->field[i]->name;
        field->json_name = proto->field[i]->json_name;
        field->proto = proto->field[i];
        field->parent = message;
        field->comment = comment(b, MESSAGE_FIELD, i);
        if (message->c != NULL)
            field->c = protobuf_c_message_descriptor_get_field(message->c,
                                                               (unsigned)proto->field[i]->number);
        if (field->c == NULL)
            b->missing = join(b, message->full_name, field->name);
        if (!ink_contract_read_field_options(b->arena, field))
            b->missing = ink_arena_printf(b->arena, "readable options of %s.%s", message->full_name,
                                          field->name);
    }
}

static void add_message(struct builder *b, const char *prefix, int32_t kind, size_t index,
                        const Google__Protobuf__DescriptorProto *proto)
{
    if (!has_name(b, proto->name))
        return;
    if (b->contract->n_messages == b->max_messages) {
        b->missing = proto->name;
        return;
    }
    struct ink_message *message = ink_arena_calloc(b->arena, 1, sizeof(*message));
    message->full_name = join(b, prefix, proto->name);
    message->c = c_message(b, message->full_name);
    message->proto = proto;
    message->well_known = well_known_kind(message->full_name);
    message->map_entry = proto->options != NULL && proto->options->map_entry;
    message->comment = comment(b, kind, index);
    b->contract->messages[b->contract->n_messages++] = message;

    b->depth += 2;
    if (b->depth + 2 > DEEPEST) {
        b->missing = "a descriptor that is nested less deeply";
        b->depth -= 2;
        return;
    }
    add_fields(b, message);
    for (size_t i = 0; i < proto->n_enum_type; i++)
        add_enum(b, message->full_name, MESSAGE_ENUM, i, proto->enum_type[i]);
    for (size_t i = 0; i < proto->n_nested_type; i++) {
        b->path[b->depth] = MESSAGE_NESTED;
        b->path[b->depth + 1] = (int32_t)i;
        add_message(b, message->full_name, MESSAGE_NESTED, i, proto->nested_type[i]);
    }
    b->depth -= 2;
}

static void add_methods(struct builder *b, struct ink_service *service)
{
    const Google__Protobuf__ServiceDescriptorProto *proto = service->proto;
    service->n_methods = proto->n_method;
    service->methods = ink_arena_calloc(b->arena, proto->n_method, sizeof(*service->methods));
    for (size_t i = 0; i < proto->n_method; i++) {
        struct ink_method *method = &service->methods[i];
        if (!has_name(b, proto->method[i]->name))
            return;
        method->name = proto->method[i]->name;
        method->full_name = join(b, service->full_name, method->name);
        method->path = ink_arena_printf(b->arena, "/%s/%s", service->full_name, method->name);
        method->service = service;
        method->id = (unsigned)b->contract->n_methods;
        method->c =
            service->c == NULL || i >= service->c->n_methods ? NULL : &service->c->methods[i];
        method->proto = proto->method[i];
        method->client_streaming = proto->method[i]->client_streaming;
        method->server_streaming = proto->method[i]->server_streaming;
        method->comment = comment(b, SERVICE_METHOD, i);
        if (method->c == NULL)
            b->missing = method->full_name;
        if (!ink_contract_read_method_options(b->arena, method))
            b->missing = ink_arena_printf(b->arena, "readable options of %s", method->full_name);
        b->contract->methods[b->contract->n_methods++] = method;
    }
}

static void add_service(struct builder *b, const Google__Protobuf__FileDescriptorProto *file,
                        size_t index)
{
    const Google__Protobuf__ServiceDescriptorProto *proto = file->service[index];
    const char *package = file->package != NULL ? file->package : "";
    if (!has_name(b, proto->name))
        return;
    if (b->contract->n_services == b->max_services) {
        b->missing = proto->name;
        return;
    }
    struct ink_service *service = ink_arena_calloc(b->arena, 1, sizeof(*service));
    service->name = proto->name;
    service->full_name = join(b, package, proto->name);
    service->c = c_service(b, service->full_name);
    service->proto = proto;
    service->file = file;
    service->comment = comment(b, FILE_SERVICE, index);
    b->contract->services[b->contract->n_services++] = service;
    b->depth = 2;
    add_methods(b, service);
    b->depth = 0;
}

static void add_file(struct builder *b, const Google__Protobuf__FileDescriptorProto *file)
{
    const char *package = file->package != NULL ? file->package : "";
    ink_comments_init(&b->comments, b->arena, file);
    for (size_t i = 0; i < file->n_message_type; i++)
        add_message(b, package, FILE_MESSAGE, i, file->message_type[i]);
    for (size_t i = 0; i < file->n_enum_type; i++)
        add_enum(b, package, FILE_ENUM, i, file->enum_type[i]);
    for (size_t i = 0; i < file->n_service; i++)
        add_service(b, file, i);
}

/* Type names in descriptors start with a dot; NULL is one that nothing has. */
static const char *without_dot(const char *type_name)
{
    if (type_name == NULL)
        return "";
    return type_name[0] == '.' ? type_name + 1 : type_name;
}

static void link_field(struct builder *b, struct ink_field *field)
{
    const Google__Protobuf__FieldDescriptorProto *proto = field->proto;
    if (proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_MESSAGE) {
        field->message = ink_contract_message(b->contract, without_dot(proto->type_name));
        if (field->message == NULL)
            b->missing = join(b, field->parent->full_name, field->name);
    } else if (proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM) {
        field->enum_type = ink_contract_enum(b->contract, without_dot(proto->type_name));
        if (field->enum_type == NULL)
            b->missing = join(b, field->parent->full_name, field->name);
    }
    bool repeated = proto->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED;
    field->map = repeated && field->message != NULL && field->message->map_entry;
    field->repeated = repeated && !field->map;
}

static void link_oneofs(struct builder *b, struct ink_message *message)
{
    message->n_oneofs = message->proto->n_oneof_decl;
    message->oneofs = ink_arena_calloc(b->arena, message->n_oneofs, sizeof(*message->oneofs));
    for (size_t i = 0; i < message->n_oneofs; i++) {
        struct ink_oneof *oneof = &message->oneofs[i];
        const struct ink_field **members =
            ink_arena_calloc(b->arena, message->n_fields, sizeof(*members));
        oneof->name = message->proto->oneof_decl[i]->name;
        (void)has_name(b, oneof->name);
        oneof->proto = message->proto->oneof_decl[i];
        oneof->fields = members;
        for (size_t f = 0; f < message->n_fields; f++) {
            struct ink_field *field = &message->fields[f];
            if (!field->proto->has_oneof_index || (size_t)field->proto->oneof_index != i)
                continue;
            field->oneof = oneof;
            members[oneof->n_fields++] = field;
            if (field->c != NULL)
                oneof->case_offset = field->c->quantifier_offset;
        }
    }
}

static void link_method(struct builder *b, struct ink_method *method)
{
    method->input = ink_contract_message(b->contract, without_dot(method->proto->input_type));
    method->output = ink_contract_message(b->contract, without_dot(method->proto->output_type));
    if (method->input == NULL || method->output == NULL)
        b->missing = method->full_name;
}

static size_t count_c(const void *const *list)
{
    size_t count = 0;
    while (list[count] != NULL)
        count++;
    return count;
}

/* Room for as much as the C side has; a set that holds more is a build mistake. */
static void reserve(struct builder *b)
{
    struct ink_contract *contract = b->contract;
    const struct ink_contract_image *image = contract->image;
    size_t n_methods = 0;
    for (size_t f = 0; f < contract->files->n_file; f++)
        for (size_t s = 0; s < contract->files->file[f]->n_service; s++)
            n_methods += contract->files->file[f]->service[s]->n_method;
    b->max_messages = count_c((const void *const *)image->messages);
    b->max_enums = count_c((const void *const *)image->enums);
    b->max_services = count_c((const void *const *)image->services);
    contract->messages = ink_arena_calloc(b->arena, b->max_messages, sizeof(void *));
    contract->enums = ink_arena_calloc(b->arena, b->max_enums, sizeof(void *));
    contract->services = ink_arena_calloc(b->arena, b->max_services, sizeof(void *));
    contract->methods = ink_arena_calloc(b->arena, n_methods, sizeof(void *));
}

static struct ink_status lacks(struct ink_arena *arena, const char *missing)
{
    return ink_error_cause(arena, INK_INTERNAL, "the contract cannot be read",
                           "the embedded contract lacks %s", missing);
}

struct ink_status ink_contract_build(struct ink_contract *contract, struct ink_arena *arena)
{
    struct builder b = {.contract = contract, .arena = &contract->arena};
    reserve(&b);
    for (size_t i = 0; i < contract->files->n_file; i++)
        add_file(&b, contract->files->file[i]);
    if (b.missing != NULL)
        return lacks(arena, b.missing);
    ink_contract_sort(contract);
    for (size_t i = 0; i < contract->n_messages; i++) {
        for (size_t f = 0; f < contract->messages[i]->n_fields; f++)
            link_field(&b, &contract->messages[i]->fields[f]);
        link_oneofs(&b, contract->messages[i]);
    }
    for (size_t i = 0; i < contract->n_methods; i++)
        link_method(&b, contract->methods[i]);
    if (b.missing != NULL)
        return lacks(arena, b.missing);
    const char *odd = ink_contract_disagreement(contract);
    return odd == NULL ? ink_ok()
                       : ink_error_cause(arena, INK_INTERNAL, "the contract cannot be read",
                                         "the embedded contract and the C code differ in %s", odd);
}
