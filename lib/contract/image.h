/*
 * What gen/ embeds of a contract: the FileDescriptorSet as bytes, and the protobuf-c descriptors of
 * every message, enum and service in it (NULL-terminated, constant). `ink_contract_load()` in
 * contract.h turns an image into something to look things up in.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct ink_contract_image {
    const unsigned char *descriptor_set; /* serialized google.protobuf.FileDescriptorSet */
    size_t descriptor_set_size;
    const ProtobufCMessageDescriptor *const *messages;
    const ProtobufCEnumDescriptor *const *enums;
    const ProtobufCServiceDescriptor *const *services;
};
