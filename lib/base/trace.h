/*
 * W3C Trace Context (Level 1): the ids that tie the log lines and spans of one request together
 * over HTTP, gRPC and Kafka. Pure values.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define INK_TRACEPARENT_SIZE 56 /* 55 characters and a NUL */

struct ink_trace {
    char trace_id[33];  /* 32 lower-case hex digits, not all zero; "" when there is none */
    char span_id[17];   /* of the current span */
    char parent_id[17]; /* of the span that called; "" for the first */
    bool sampled;
};

/* Starts a new trace. */
void ink_trace_start(struct ink_trace *trace);
/* Continues the caller's trace with a new span. False, and *trace is a new trace, when
 * `traceparent` is NULL or malformed. */
bool ink_trace_continue(struct ink_trace *trace, const char *traceparent);
/* The traceparent header to send on. */
void ink_trace_format(const struct ink_trace *trace, char out[INK_TRACEPARENT_SIZE]);
