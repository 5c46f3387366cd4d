/*
 * A strict pull reader for JSON (RFC 8259): it walks a byte range once and hands out one value at a
 * time, so that a caller who knows what it expects builds no tree. Refused, with line and column:
 * invalid UTF-8, lone surrogates, control characters in strings, numbers that JSON does not know,
 * text after the value, and nesting deeper than INK_JSON_DEPTH.
 *
 * The first error sticks: every call after it fails, so a loop needs to look only once, at its end.
 * The input must stay in place while the reader is in use and is never changed. Not thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/status.h"

/* How many objects and arrays may be open at once. */
#define INK_JSON_DEPTH 64

enum ink_json_kind {
    INK_JSON_INVALID, /* no value starts here; the reader's error says so */
    INK_JSON_OBJECT,
    INK_JSON_ARRAY,
    INK_JSON_STRING,
    INK_JSON_NUMBER,
    INK_JSON_BOOL,
    INK_JSON_NULL,
};

/* A piece of text: not NUL-terminated, and may hold NUL bytes (from \u0000). */
struct ink_json_text {
    const char *data;
    size_t size;
};

/* Embedded by value; read no field but `error`. */
struct ink_json_reader {
    struct ink_arena *arena;
    const char *begin;
    const char *at;
    const char *end;
    const char *error;    /* what is wrong, a constant; NULL while all is well */
    const char *error_at; /* where */
    unsigned depth;
    bool fresh; /* an object or array was just entered: no comma yet */
};

/* Reads `size` bytes at `text`; strings with escapes are decoded into `arena`. */
void ink_json_reader_init(struct ink_json_reader *reader, struct ink_arena *arena, const char *text,
                          size_t size);

/* What the next value is, without reading it. */
enum ink_json_kind ink_json_peek(struct ink_json_reader *reader);

/* Objects: enter, then take names until false (the object is closed, or an error). After each name
 * exactly one value must be read or skipped. A name points into the input or into the arena. */
bool ink_json_enter_object(struct ink_json_reader *reader) INK_MUST_CHECK;
bool ink_json_next_name(struct ink_json_reader *reader,
                        struct ink_json_text *ret_name) INK_MUST_CHECK;

/* Arrays: enter, then read one value after each true. */
bool ink_json_enter_array(struct ink_json_reader *reader) INK_MUST_CHECK;
bool ink_json_next_element(struct ink_json_reader *reader) INK_MUST_CHECK;

/* A string, decoded. It points into the input when it has no escapes, else into the arena. */
bool ink_json_string(struct ink_json_reader *reader, struct ink_json_text *ret_text) INK_MUST_CHECK;
/* The same text with a NUL after it, in the arena (copied only when it is not there yet); NULL when
 * it holds a NUL itself. `text` comes from this reader. */
char *ink_json_text_keep(const struct ink_json_reader *reader,
                         struct ink_json_text text) INK_MUST_CHECK;
/* The text of a number, as it was written. */
bool ink_json_number(struct ink_json_reader *reader, struct ink_json_text *ret_text) INK_MUST_CHECK;
bool ink_json_bool(struct ink_json_reader *reader, bool *ret_value) INK_MUST_CHECK;
bool ink_json_null(struct ink_json_reader *reader) INK_MUST_CHECK;

/* Passes over one value of any kind, checking it. */
bool ink_json_skip(struct ink_json_reader *reader) INK_MUST_CHECK;

/* After the value: true when nothing but white space is left. */
bool ink_json_finish(struct ink_json_reader *reader) INK_MUST_CHECK;

/* The error as INVALID_ARGUMENT with one violation of the whole (field ""): "malformed JSON at line
 * 2, column 7: ...". Columns count code points from 1. INK_OK when there is no error. */
struct ink_status ink_json_status(const struct ink_json_reader *reader) INK_MUST_CHECK;

/* Whether the whole of `text` is one number as RFC 8259 writes it. */
bool ink_json_number_valid(const char *text, size_t size);
