/* Compressed messages, inflated no further than a message may be long. */
#include <zlib.h>

#include "lib/rpc/wire.h"

/* How much is inflated at a time. */
#define STEP ((size_t)64 * 1024)
/* The window that gzip and zlib streams need at most, and that their header tells which it is. */
#define WINDOW (15 + 32)

grpc_arg ink_wire_no_decompression(void)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER,
                      .key = GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION,
                      .value.integer = 0};
}

/* One step; what inflate() returned. */
static int step(z_stream *stream, struct ink_buf *out)
{
    stream->next_out = (Bytef *)ink_buf_reserve(out, STEP);
    stream->avail_out = STEP;
    int result = inflate(stream, Z_NO_FLUSH);
    out->len += STEP - stream->avail_out;
    return result;
}

struct ink_status ink_wire_inflate(struct ink_arena *arena, grpc_slice data, size_t most,
                                   struct ink_buf *out)
{
    z_stream stream = {.next_in = GRPC_SLICE_START_PTR(data),
                       .avail_in = (uInt)GRPC_SLICE_LENGTH(data)};
    if (inflateInit2(&stream, WINDOW) != Z_OK)
        return ink_overloaded("the message cannot be decompressed now", 1000);
    int result = Z_OK;
    while (result == Z_OK && out->len <= most)
        result = step(&stream, out);
    bool whole = result == Z_STREAM_END && stream.avail_in == 0;
    (void)inflateEnd(&stream);
    if (out->len > most)
        return ink_errorf(arena, INK_RESOURCE_EXHAUSTED,
                          "the message is longer than %zu bytes when it is not compressed", most);
    if (!whole)
        return ink_error(INK_INVALID_ARGUMENT, "the message cannot be decompressed");
    return ink_ok();
}
