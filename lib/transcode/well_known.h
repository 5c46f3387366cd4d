/*
 * The well-known types that JSON writes as one string: Timestamp, Duration and FieldMask. Internal
 * to lib/transcode.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "lib/base/arena.h"
#include "lib/base/buf.h"

/* Read text into a message. NULL, or what was expected as a sentence part. */
const char *ink_timestamp_read(const char *text, size_t size, Google__Protobuf__Timestamp *time);
const char *ink_duration_read(const char *text, size_t size, Google__Protobuf__Duration *duration);
const char *ink_field_mask_read(struct ink_arena *arena, const char *text, size_t size,
                                Google__Protobuf__FieldMask *mask);

/* Append the text with its quotes. NULL, or why the message has none. */
const char *ink_timestamp_write(const Google__Protobuf__Timestamp *time, struct ink_buf *out);
const char *ink_duration_write(const Google__Protobuf__Duration *duration, struct ink_buf *out);
const char *ink_field_mask_write(const Google__Protobuf__FieldMask *mask, struct ink_buf *out);
