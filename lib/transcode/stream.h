/*
 * Framing of server streams over HTTP: one JSON text a message, as newline-delimited JSON
 * (application/x-ndjson) or as server-sent events (text/event-stream, HTML Living Standard). Each
 * function appends one complete frame, to be written at once. Pure functions.
 */
#pragma once

#include <stddef.h>

#include "lib/base/buf.h"

#define INK_NDJSON_CONTENT_TYPE "application/x-ndjson"
#define INK_SSE_CONTENT_TYPE "text/event-stream"

/* Appends `json` as one line. Line breaks between its tokens become spaces. */
void ink_stream_ndjson(struct ink_buf *out, const char *json, size_t size);

/* Appends one event. `event` and `id` may be NULL; characters that would break the frame (line
 * breaks; NUL cannot be there) are left out of them. An empty id resets the client's last one. Data
 * with line breaks (LF, CR or CR LF) is sent as several data lines, which the client joins with LF.
 */
void ink_stream_sse(struct ink_buf *out, const char *event, const char *id, const char *data,
                    size_t size);

/* Appends a comment, which clients ignore: a heartbeat that finds out who has gone. `text` may be
 * NULL or "". */
void ink_stream_sse_comment(struct ink_buf *out, const char *text);

/* Appends how long the client should wait before it connects again. */
void ink_stream_sse_retry(struct ink_buf *out, unsigned milliseconds);
