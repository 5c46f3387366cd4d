/*
 * A contract that can be looked things up in: the messages, enums, services and methods of a
 * FileDescriptorSet, each tied to its protobuf-c descriptor and to the options that drive the rest
 * of inkmesh (google.api.http, buf.validate, inkmesh.options.v1). lib/transcode, lib/validate,
 * lib/rpc and the gateway work from nothing else.
 *
 * Loaded once at start, then constant: every pointer lives as long as the contract, and every
 * function is thread-safe. protobuf-c drops custom options from its own descriptors, which is why
 * the FileDescriptorSet is carried along.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "google/api/http.pb-c.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "inkmesh/options/v1/options.pb-c.h"
#include "lib/base/status.h"
#include "lib/contract/image.h"

struct ink_contract;

/* Messages with a JSON form of their own (proto3 JSON mapping). */
enum ink_well_known {
    INK_NOT_WELL_KNOWN,
    INK_ANY,
    INK_DURATION,
    INK_EMPTY,
    INK_FIELD_MASK,
    INK_LIST_VALUE,
    INK_STRUCT,
    INK_TIMESTAMP,
    INK_VALUE,
    INK_WRAPPER, /* google.protobuf.StringValue and the other eight */
};

struct ink_enum {
    const char *full_name; /* "inkmesh.options.v1.Access" */
    const ProtobufCEnumDescriptor *c;
    const Google__Protobuf__EnumDescriptorProto *proto;
    const char *comment; /* leading comment, trimmed; "" when there is none */
};

struct ink_field {
    const char *name;      /* as in the .proto file: "created_at" */
    const char *json_name; /* "createdAt" */
    const ProtobufCFieldDescriptor *c;
    const Google__Protobuf__FieldDescriptorProto *proto;
    const struct ink_message *parent;
    const struct ink_message *message; /* of a message field, else NULL */
    const struct ink_enum *enum_type;  /* of an enum field, else NULL */
    const struct ink_oneof *oneof;     /* that the field is in, else NULL */
    bool repeated;                     /* a list; false for maps */
    bool map;                          /* `message` is the entry: fields[0] key, fields[1] value */
    const char *header; /* of HTTP, where it travels instead of the JSON; NULL for most */
    const char *comment;
};

struct ink_oneof {
    const char *name;
    const Google__Protobuf__OneofDescriptorProto *proto;
    const struct ink_field *const *fields; /* its members */
    size_t n_fields;
    unsigned case_offset; /* of the `..._case` member in the C struct, an int-sized enum that holds
                             the set field's number or 0 */
};

struct ink_message {
    const char *full_name; /* "inkmesh.user.v1.User", no leading dot */
    const ProtobufCMessageDescriptor *c;
    const Google__Protobuf__DescriptorProto *proto;
    enum ink_well_known well_known;
    bool map_entry;
    struct ink_field *fields; /* in the order of the .proto file */
    size_t n_fields;
    struct ink_oneof *oneofs; /* in the order of the .proto file */
    size_t n_oneofs;
    const char *comment;
};

struct ink_method {
    const char *name;      /* "Register" */
    const char *full_name; /* "inkmesh.user.v1.UserService.Register" */
    const char *path;      /* "/inkmesh.user.v1.UserService/Register", the gRPC :path */
    const struct ink_service *service;
    unsigned id; /* 0 to ink_contract_method_count() - 1, for tables by method */
    const ProtobufCMethodDescriptor *c;
    const Google__Protobuf__MethodDescriptorProto *proto;
    const struct ink_message *input;
    const struct ink_message *output;
    bool client_streaming;
    bool server_streaming;
    bool idempotent;                   /* idempotency_level says that a repeat does no harm */
    const Google__Api__HttpRule *http; /* with additional_bindings, or NULL for no REST route */
    const Inkmesh__Options__V1__MethodOptions *options; /* NULL when the method has none */
    const char *comment;
};

struct ink_service {
    const char *name;      /* "UserService" */
    const char *full_name; /* "inkmesh.user.v1.UserService" */
    const ProtobufCServiceDescriptor *c;
    const Google__Protobuf__ServiceDescriptorProto *proto;
    const Google__Protobuf__FileDescriptorProto *file;
    struct ink_method *methods; /* in the order of the .proto file */
    size_t n_methods;
    const char *comment;
};

/* Reads an image. An image whose set and C descriptors disagree (a build mistake) is INTERNAL, with
 * the name of what is missing as its cause, which lives in `arena`. */
struct ink_status ink_contract_load(const struct ink_contract_image *image, struct ink_arena *arena,
                                    struct ink_contract **ret_contract) INK_MUST_CHECK;
/* Accepts NULL. */
void ink_contract_free(struct ink_contract *contract);

/* By full name, without a leading dot; NULL when there is none. O(log n). */
const struct ink_message *ink_contract_message(const struct ink_contract *contract,
                                               const char *full_name);
const struct ink_enum *ink_contract_enum(const struct ink_contract *contract,
                                         const char *full_name);
const struct ink_service *ink_contract_service(const struct ink_contract *contract,
                                               const char *full_name);
/* By gRPC path: "/package.Service/Method". */
const struct ink_method *ink_contract_method(const struct ink_contract *contract, const char *path);
size_t ink_contract_method_count(const struct ink_contract *contract);
/* The contract's view of a protobuf-c descriptor; NULL when it is not part of the contract. */
const struct ink_message *ink_contract_message_of(const struct ink_contract *contract,
                                                  const ProtobufCMessageDescriptor *descriptor);

/* All of them, sorted by full name. */
const struct ink_service *const *ink_contract_services(const struct ink_contract *contract,
                                                       size_t *ret_count);
const struct ink_message *const *ink_contract_messages(const struct ink_contract *contract,
                                                       size_t *ret_count);

/* All files, and one of them as serialized bytes (for reflection and /openapi.json). */
const Google__Protobuf__FileDescriptorSet *ink_contract_files(const struct ink_contract *contract);

/* A field of a message by its proto name; NULL when there is none. */
const struct ink_field *ink_message_field(const struct ink_message *message, const char *name,
                                          size_t size);
/* What JSON and queries call a field: its JSON name or its proto name. One that travels in a header
 * is none of theirs. */
const struct ink_field *ink_message_field_json(const struct ink_message *message, const char *name,
                                               size_t size);

/* The serialized value of an extension of an options message (an unknown field to protobuf-c), or
 * false. Several occurrences are joined, which is how protobuf merges them. The bytes live in
 * `arena`. */
bool ink_option_bytes(struct ink_arena *arena, const ProtobufCMessage *options, unsigned number,
                      uint8_t **ret_data, size_t *ret_size) INK_MUST_CHECK;
