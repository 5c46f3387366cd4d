/*
 * Between protobuf-c and the gRPC C core: messages, metadata and statuses as they travel. Internal
 * to lib/rpc.
 */
#pragma once

#include <grpc/grpc.h>
#include <grpc/slice.h>

#include "lib/base/buf.h"
#include "lib/base/status.h"
#include "lib/contract/contract.h"

/* Packs into a buffer of one slice, to be destroyed by the caller. */
grpc_byte_buffer *ink_wire_pack(const ProtobufCMessage *message);

/* Unpacks into `arena`; `buffer` stays the caller's and may be NULL (an empty message). What
 * ink_wire_check() refuses is INVALID_ARGUMENT; a compressed message that is longer than `most`
 * bytes when it is not is RESOURCE_EXHAUSTED. */
struct ink_status ink_wire_unpack(struct ink_arena *arena, const struct ink_message *type,
                                  grpc_byte_buffer *buffer, size_t most,
                                  ProtobufCMessage **ret_message) INK_MUST_CHECK;

/* Takes the C core's own decompression out of a channel or a server: it inflates a message to its
 * end before it looks at the limit, and 4 MiB of gzip may hold 4 GiB. */
grpc_arg ink_wire_no_decompression(void);
/* Inflates gzip or deflate (RFC 1952, RFC 1950), `most` bytes at most: RESOURCE_EXHAUSTED for more,
 * INVALID_ARGUMENT for what is neither. Appends to `out`. */
struct ink_status ink_wire_inflate(struct ink_arena *arena, grpc_slice data, size_t most,
                                   struct ink_buf *out) INK_MUST_CHECK;

/* INK_OK, or INVALID_ARGUMENT: with a violation for each text that contains NUL or is not UTF-8 (at
 * most 20), for nesting deeper than 64, for more than 100,000 fields, or for bytes that are no
 * message. Takes no memory when all is well. */
struct ink_status ink_wire_check(struct ink_arena *arena, const struct ink_message *type,
                                 const uint8_t *data, size_t size) INK_MUST_CHECK;

/* The value of the first metadata entry called `key`, as text in `arena`; NULL when there is none
 * or when it holds a NUL. */
const char *ink_wire_metadata(struct ink_arena *arena, const grpc_metadata_array *metadata,
                              const char *key);

/* google.rpc.Status with BadRequest, ErrorInfo and RetryInfo, serialized into the arena; empty
 * (size 0) when the status has no details. Violations that would make it longer than
 * INK_WIRE_MOST_DETAILS are left out: clients take 8 KiB of trailing metadata at most, of which
 * this travels as base64. */
#define INK_WIRE_MOST_DETAILS 4096
void ink_wire_pack_details(struct ink_arena *arena, struct ink_status status, uint8_t **ret_data,
                           size_t *ret_size);
/* Adds the details of a serialized google.rpc.Status to *status; unreadable ones are ignored. */
void ink_wire_unpack_details(struct ink_arena *arena, const uint8_t *data, size_t size,
                             struct ink_status *status);

/* Deadlines: from nanoseconds of ink_now() and back. */
gpr_timespec ink_wire_deadline(int64_t deadline);
int64_t ink_wire_deadline_back(gpr_timespec deadline);
