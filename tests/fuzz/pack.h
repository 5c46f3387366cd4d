/* A message as protobuf has it, for fuzzers that compare messages. */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "lib/base/buf.h"
#include "tests/fuzz/fuzz.h"

/* To be released by the caller. */
static inline struct ink_buf fuzz_pack(const ProtobufCMessage *message)
{
    struct ink_buf out = INK_BUF_INIT;
    size_t size = protobuf_c_message_get_packed_size(message);
    out.len = protobuf_c_message_pack(message, (uint8_t *)ink_buf_reserve(&out, size));
    CHECK(out.len == size);
    return out;
}
