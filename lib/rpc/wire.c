#include "lib/rpc/wire.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <string.h>

#include "lib/base/clock.h"

grpc_byte_buffer *ink_wire_pack(const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

static struct ink_status unpack_bytes(struct ink_arena *arena, const struct ink_message *type,
                                      const uint8_t *data, size_t size,
                                      ProtobufCMessage **ret_message)
{
    struct ink_status status = ink_wire_check(arena, type, data, size);
    if (!ink_is_ok(status))
        return status;
    ProtobufCMessage *message =
        protobuf_c_message_unpack(type->c, ink_arena_allocator(arena), size, data);
    if (message == NULL)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "not a valid %s", type->full_name);
    *ret_message = message;
    return ink_ok();
}

static bool is_compressed(const grpc_byte_buffer *buffer)
{
    return buffer->type == GRPC_BB_RAW && buffer->data.raw.compression != GRPC_COMPRESS_NONE;
}

static struct ink_status unpack_compressed(struct ink_arena *arena, const struct ink_message *type,
                                           grpc_slice data, size_t most,
                                           ProtobufCMessage **ret_message)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf plain = INK_BUF_INIT;
    struct ink_status status = ink_wire_inflate(arena, data, most, &plain);
    if (ink_is_ok(status))
        status = unpack_bytes(arena, type, (const uint8_t *)plain.data, plain.len, ret_message);
    return status;
}

struct ink_status ink_wire_unpack(struct ink_arena *arena, const struct ink_message *type,
                                  grpc_byte_buffer *buffer, size_t most,
                                  ProtobufCMessage **ret_message)
{
    if (buffer == NULL || grpc_byte_buffer_length(buffer) == 0)
        return unpack_bytes(arena, type, (const uint8_t *)"", 0, ret_message);
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, buffer))
        return ink_error(INK_INTERNAL, "the message cannot be read");
    /* Most messages lie in one slice and are read in place. */
    grpc_slice *only;
    struct ink_status status;
    if (buffer->data.raw.slice_buffer.count == 1 && !is_compressed(buffer) &&
        grpc_byte_buffer_reader_peek(&reader, &only)) {
        status = unpack_bytes(arena, type, GRPC_SLICE_START_PTR(*only), GRPC_SLICE_LENGTH(*only),
                              ret_message);
    } else {
        grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
        status = is_compressed(buffer) ? unpack_compressed(arena, type, all, most, ret_message)
                                       : unpack_bytes(arena, type, GRPC_SLICE_START_PTR(all),
                                                      GRPC_SLICE_LENGTH(all), ret_message);
        grpc_slice_unref(all);
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return status;
}

const char *ink_wire_metadata(struct ink_arena *arena, const grpc_metadata_array *metadata,
                              const char *key)
{
    for (size_t i = 0; i < metadata->count; i++) {
        if (grpc_slice_str_cmp(metadata->metadata[i].key, key) != 0)
            continue;
        const grpc_slice value = metadata->metadata[i].value;
        const char *text = (const char *)GRPC_SLICE_START_PTR(value);
        if (memchr(text, '\0', GRPC_SLICE_LENGTH(value)) != NULL)
            return NULL;
        return ink_arena_strndup(arena, text, GRPC_SLICE_LENGTH(value));
    }
    return NULL;
}

gpr_timespec ink_wire_deadline(int64_t deadline)
{
    if (deadline == INK_NO_DEADLINE)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_nanos(deadline - ink_now(), GPR_TIMESPAN));
}

int64_t ink_wire_deadline_back(gpr_timespec deadline)
{
    if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0)
        return INK_NO_DEADLINE;
    gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
    /* Further away than any deadline that is meant as one. */
    if (left.tv_sec > 365 * 24 * 3600)
        return INK_NO_DEADLINE;
    return ink_now() + left.tv_sec * INK_SECOND + left.tv_nsec;
}
