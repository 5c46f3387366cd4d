/*
 * grpc.reflection v1 and v1alpha: the contract, told to clients that do not have it. The messages
 * of the two versions are the same on the wire, so v1's types serve both.
 */
#include <string.h>

#include "grpc/reflection/v1/reflection.pb-c.h"
#include "lib/rpc/server_internal.h"
#include "lib/rpc/symbols.h"

#define V1(name) Grpc__Reflection__V1__##name
#define RESPONSE(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name
#define REQUEST(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name

struct reflection {
    struct ink_rpc_server *server;
    struct symbols symbols;
};

static void not_found(V1(ServerReflectionResponse) * response, V1(ErrorResponse) * error)
{
    grpc__reflection__v1__error_response__init(error);
    error->error_code = INK_NOT_FOUND;
    error->error_message = (char *)"not part of the contract";
    response->message_response_case = RESPONSE(ERROR_RESPONSE);
    response->error_response = error;
}

static void answer_file(struct ink_arena *arena, V1(ServerReflectionResponse) * response,
                        const Google__Protobuf__FileDescriptorProto *file)
{
    V1(FileDescriptorResponse) *answer = ink_arena_alloc(arena, sizeof(*answer));
    grpc__reflection__v1__file_descriptor_response__init(answer);
    ProtobufCBinaryData *bytes = ink_arena_alloc(arena, sizeof(*bytes));
    bytes->len = google__protobuf__file_descriptor_proto__get_packed_size(file);
    bytes->data = ink_arena_alloc(arena, bytes->len);
    google__protobuf__file_descriptor_proto__pack(file, bytes->data);
    answer->file_descriptor_proto = bytes;
    answer->n_file_descriptor_proto = 1;
    response->message_response_case = RESPONSE(FILE_DESCRIPTOR_RESPONSE);
    response->file_descriptor_response = answer;
}

static const Google__Protobuf__FileDescriptorProto *find_file(const struct reflection *reflection,
                                                              const char *name)
{
    const Google__Protobuf__FileDescriptorSet *files =
        ink_contract_files(reflection->server->contract);
    for (size_t i = 0; i < files->n_file; i++)
        if (strcmp(files->file[i]->name, name) == 0)
            return files->file[i];
    return NULL;
}

static const Google__Protobuf__FileDescriptorProto *
find_extension(const struct reflection *reflection, const V1(ExtensionRequest) * request)
{
    for (size_t i = 0; i < reflection->symbols.n_extensions; i++) {
        const struct extension *extension = &reflection->symbols.extensions[i];
        if (extension->number == request->extension_number &&
            strcmp(extension->extendee, request->containing_type) == 0)
            return extension->file;
    }
    return NULL;
}

static void answer_numbers(const struct reflection *reflection, struct ink_arena *arena,
                           V1(ServerReflectionResponse) * response, char *type)
{
    V1(ExtensionNumberResponse) *answer = ink_arena_alloc(arena, sizeof(*answer));
    grpc__reflection__v1__extension_number_response__init(answer);
    answer->base_type_name = type;
    answer->extension_number =
        ink_arena_calloc(arena, reflection->symbols.n_extensions, sizeof(int32_t));
    for (size_t i = 0; i < reflection->symbols.n_extensions; i++)
        if (strcmp(reflection->symbols.extensions[i].extendee, type) == 0)
            answer->extension_number[answer->n_extension_number++] =
                reflection->symbols.extensions[i].number;
    response->message_response_case = RESPONSE(ALL_EXTENSION_NUMBERS_RESPONSE);
    response->all_extension_numbers_response = answer;
}

static void answer_services(const struct reflection *reflection, struct ink_arena *arena,
                            V1(ServerReflectionResponse) * response)
{
    size_t count;
    const struct ink_service *const *services =
        ink_contract_services(reflection->server->contract, &count);
    V1(ListServiceResponse) *answer = ink_arena_alloc(arena, sizeof(*answer));
    grpc__reflection__v1__list_service_response__init(answer);
    answer->service = ink_arena_calloc(arena, count, sizeof(void *));
    for (size_t i = 0; i < count; i++) {
        if (!server_serves(reflection->server, services[i]->full_name))
            continue;
        V1(ServiceResponse) *one = ink_arena_alloc(arena, sizeof(*one));
        grpc__reflection__v1__service_response__init(one);
        one->name = (char *)services[i]->full_name;
        answer->service[answer->n_service++] = one;
    }
    response->message_response_case = RESPONSE(LIST_SERVICES_RESPONSE);
    response->list_services_response = answer;
}

static struct ink_status answer(const struct reflection *reflection, struct ink_arena *arena,
                                V1(ServerReflectionRequest) * request,
                                struct ink_rpc_stream *stream)
{
    V1(ServerReflectionResponse) response = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    V1(ErrorResponse) error;
    const Google__Protobuf__FileDescriptorProto *file = NULL;
    const struct symbols *symbols = &reflection->symbols;
    response.valid_host = request->host;
    response.original_request = request;
    switch (request->message_request_case) {
    case REQUEST(LIST_SERVICES):
        answer_services(reflection, arena, &response);
        break;
    case REQUEST(ALL_EXTENSION_NUMBERS_OF_TYPE):
        if (symbols_find(symbols, request->all_extension_numbers_of_type) != NULL)
            answer_numbers(reflection, arena, &response, request->all_extension_numbers_of_type);
        break;
    case REQUEST(FILE_BY_FILENAME):
        file = find_file(reflection, request->file_by_filename);
        break;
    case REQUEST(FILE_CONTAINING_SYMBOL):
        file = symbols_find(symbols, request->file_containing_symbol);
        break;
    case REQUEST(FILE_CONTAINING_EXTENSION):
        file = find_extension(reflection, request->file_containing_extension);
        break;
    default:
        return ink_error(INK_INVALID_ARGUMENT, "the request asks for nothing");
    }
    if (file != NULL)
        answer_file(arena, &response, file);
    else if (response.message_response_case == 0)
        not_found(&response, &error);
    return ink_rpc_stream_send(stream, &response.base);
}

static struct ink_status info(void *self, struct ink_ctx *ctx, const ProtobufCMessage *none,
                              struct ink_rpc_stream *stream)
{
    const struct reflection *reflection = self;
    (void)ctx;
    (void)none;
    for (;;) {
        ProtobufCMessage *request;
        struct ink_status status = ink_rpc_stream_recv(stream, &request);
        if (!ink_is_ok(status) || request == NULL)
            return status;
        struct ink_arena arena;
        ink_arena_init(&arena);
        status = answer(reflection, &arena, (V1(ServerReflectionRequest) *)request, stream);
        ink_arena_release(&arena);
        if (!ink_is_ok(status))
            return status;
    }
}

struct ink_status reflection_add(struct ink_rpc_server *server, struct ink_arena *arena)
{
    static const char *const paths[] = {
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    };
    struct reflection *reflection = ink_arena_calloc(&server->arena, 1, sizeof(*reflection));
    reflection->server = server;
    symbols_init(&reflection->symbols, server->contract, &server->arena);
    const struct ink_method *v1 = ink_contract_method(server->contract, paths[0]);
    for (size_t i = 0; i < INK_COUNT(paths); i++) {
        const struct ink_method *method = ink_contract_method(server->contract, paths[i]);
        if (method == NULL)
            return ink_error_cause(arena, INK_INTERNAL, "the contract is incomplete",
                                   "the contract lacks %s", paths[i]);
        struct served *served = server_serve(server, method);
        served->input = v1->input;
        served->output = v1->output;
        served->stream = info;
        served->self = reflection;
        served->built_in = true;
        served->kind = SERVED_REFLECTION;
    }
    return ink_ok();
}
