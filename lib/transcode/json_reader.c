#include "lib/transcode/json_reader.h"

#include <string.h>

#include "lib/base/text.h"

static bool fail(struct ink_json_reader *reader, const char *at, const char *error)
{
    if (reader->error == NULL) {
        reader->error = error;
        reader->error_at = at;
    }
    return false;
}

static bool fail_here(struct ink_json_reader *reader, const char *error)
{
    return fail(reader, reader->at, reader->at == reader->end ? "unexpected end" : error);
}

/* Moves to the next token. False after an error. */
static bool skip_space(struct ink_json_reader *reader)
{
    if (reader->error != NULL)
        return false;
    const char *at = reader->at;
    while (at != reader->end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    reader->at = at;
    return true;
}

static bool at_char(const struct ink_json_reader *reader, char c)
{
    return reader->at != reader->end && *reader->at == c;
}

void ink_json_reader_init(struct ink_json_reader *reader, struct ink_arena *arena, const char *text,
                          size_t size)
{
    *reader = (struct ink_json_reader){
        .arena = arena,
        .begin = text,
        .at = text,
        .end = text + size,
    };
}

enum ink_json_kind ink_json_peek(struct ink_json_reader *reader)
{
    if (!skip_space(reader))
        return INK_JSON_INVALID;
    char c = reader->at == reader->end ? '\0' : *reader->at;
    switch (c) {
    case '{':
        return INK_JSON_OBJECT;
    case '[':
        return INK_JSON_ARRAY;
    case '"':
        return INK_JSON_STRING;
    case 't':
    case 'f':
        return INK_JSON_BOOL;
    case 'n':
        return INK_JSON_NULL;
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return INK_JSON_NUMBER;
        fail_here(reader, "a value expected");
        return INK_JSON_INVALID;
    }
}

static bool enter(struct ink_json_reader *reader, char open, const char *error)
{
    if (!skip_space(reader))
        return false;
    if (!at_char(reader, open))
        return fail_here(reader, error);
    if (reader->depth == INK_JSON_DEPTH)
        return fail_here(reader, "nested too deeply");
    reader->depth++;
    reader->at++;
    reader->fresh = true;
    return true;
}

/* Moves to the next member or element: false when `close` came (and was taken) or on an error. */
static bool next(struct ink_json_reader *reader, char close, const char *error)
{
    if (!skip_space(reader))
        return false;
    if (at_char(reader, close)) {
        reader->at++;
        reader->depth--;
        reader->fresh = false;
        return false;
    }
    if (!reader->fresh) {
        if (!at_char(reader, ','))
            return fail_here(reader, error);
        reader->at++;
    }
    reader->fresh = false;
    return skip_space(reader);
}

bool ink_json_enter_object(struct ink_json_reader *reader)
{
    return enter(reader, '{', "an object expected");
}

bool ink_json_enter_array(struct ink_json_reader *reader)
{
    return enter(reader, '[', "an array expected");
}

bool ink_json_next_element(struct ink_json_reader *reader)
{
    return next(reader, ']', "',' or ']' expected");
}

/* Moves to a member's name, which the caller takes next. */
static bool next_member(struct ink_json_reader *reader)
{
    if (!next(reader, '}', "',' or '}' expected"))
        return false;
    return at_char(reader, '"') || fail_here(reader, "a member's name expected");
}

static bool take_colon(struct ink_json_reader *reader)
{
    if (!skip_space(reader))
        return false;
    if (!at_char(reader, ':'))
        return fail_here(reader, "':' expected");
    reader->at++;
    return true;
}

bool ink_json_next_name(struct ink_json_reader *reader, struct ink_json_text *ret_name)
{
    struct ink_json_text name;
    if (!next_member(reader) || !ink_json_string(reader, &name) || !take_colon(reader))
        return false;
    *ret_name = name;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of a \uXXXX at `at`, or -1. */
static int code_unit(const char *at, const char *end)
{
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    int unit = 0;
    for (int i = 2; i < 6; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static bool high_surrogate(int unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool low_surrogate(int unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* How long the escape at `at` is; 0 after an error. */
static size_t escape_size(struct ink_json_reader *reader, const char *at)
{
    if (reader->end - at < 2)
        return fail(reader, reader->end, "unexpected end");
    if (at[1] != 'u') {
        if (at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) != NULL)
            return 2;
        return fail(reader, at, "unknown escape in a string");
    }
    int unit = code_unit(at, reader->end);
    if (unit < 0)
        return fail(reader, at, "\\u needs four hexadecimal digits");
    if (high_surrogate(unit) && low_surrogate(code_unit(at + 6, reader->end)))
        return 12;
    if (high_surrogate(unit) || low_surrogate(unit))
        return fail(reader, at, "lone surrogate in a string");
    return 6;
}

/* How long the character at `at` is, where ASCII that needs no care has been passed over; 0 after
 * an error. */
static size_t char_size(struct ink_json_reader *reader, const char *at)
{
    unsigned char c = (unsigned char)*at;
    if (c == '\\')
        return escape_size(reader, at);
    if (c < 0x20)
        return fail(reader, at, "control character in a string");
    size_t size = ink_utf8_sequence(at, (size_t)(reader->end - at));
    return size != 0 ? size : fail(reader, at, "invalid UTF-8");
}

/* Checks the string at the reader's place and passes over it. *ret_raw is what the quotes hold. */
static bool scan_string(struct ink_json_reader *reader, struct ink_json_text *ret_raw,
                        bool *ret_escaped)
{
    const char *begin = reader->at + 1, *at = begin;
    bool escaped = false;
    for (;;) {
        at += ink_ascii_plain(at, (size_t)(reader->end - at));
        if (at == reader->end)
            return fail(reader, at, "unexpected end of a string");
        if (*at == '"')
            break;
        escaped |= *at == '\\';
        size_t size = char_size(reader, at);
        if (size == 0)
            return false;
        at += size;
    }
    reader->at = at + 1;
    *ret_raw = (struct ink_json_text){.data = begin, .size = (size_t)(at - begin)};
    *ret_escaped = escaped;
    return true;
}

static char *put_utf8(char *out, int c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *out++ = (char)(0xE0 | c >> 12);
        } else {
            *out++ = (char)(0xF0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3F));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
    }
    *out++ = (char)(0x80 | (c & 0x3F));
    return out;
}

/* Decodes one escape that was checked before; returns where it ends. */
static const char *decode_escape(const char *at, const char *end, char **out)
{
    static const char plain[0x80] = {['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r',
                                     ['t'] = '\t', ['"'] = '"',  ['/'] = '/',  ['\\'] = '\\'};
    if (at[1] != 'u') {
        *(*out)++ = plain[(unsigned char)at[1]];
        return at + 2;
    }
    int unit = code_unit(at, end);
    if (!high_surrogate(unit)) {
        *out = put_utf8(*out, unit);
        return at + 6;
    }
    int low = code_unit(at + 6, end);
    *out = put_utf8(*out, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
    return at + 12;
}

/* No escape is shorter than what it stands for, so the raw size is enough. */
static struct ink_json_text decode(struct ink_arena *arena, struct ink_json_text raw)
{
    char *text = ink_arena_alloc(arena, raw.size + 1), *out = text;
    const char *at = raw.data, *end = raw.data + raw.size;
    while (at != end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t run = (size_t)((escape != NULL ? escape : end) - at);
        memcpy(out, at, run);
        out += run;
        at = escape != NULL ? decode_escape(escape, end, &out) : end;
    }
    *out = '\0';
    return (struct ink_json_text){.data = text, .size = (size_t)(out - text)};
}

bool ink_json_string(struct ink_json_reader *reader, struct ink_json_text *ret_text)
{
    struct ink_json_text raw;
    bool escaped;
    if (!skip_space(reader))
        return false;
    if (!at_char(reader, '"'))
        return fail_here(reader, "a string expected");
    if (!scan_string(reader, &raw, &escaped))
        return false;
    *ret_text = escaped ? decode(reader->arena, raw) : raw;
    return true;
}

char *ink_json_text_keep(const struct ink_json_reader *reader, struct ink_json_text text)
{
    bool in_input = text.data >= reader->begin && text.data < reader->end;
    if (in_input) /* and so without escapes, and without NUL */
        return ink_arena_strndup(reader->arena, text.data, text.size);
    return memchr(text.data, '\0', text.size) == NULL ? (char *)text.data : NULL;
}

static const char *digits(const char *at, const char *end)
{
    while (at != end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* Where the number at `at` ends; NULL when there is none. */
static const char *number_end(const char *at, const char *end)
{
    if (at != end && *at == '-')
        at++;
    const char *after = digits(at, end);
    if (after == at || (*at == '0' && after - at > 1))
        return NULL;
    at = after;
    if (at != end && *at == '.') {
        after = digits(at + 1, end);
        if (after == at + 1)
            return NULL;
        at = after;
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at != end && (*at == '+' || *at == '-'))
            at++;
        after = digits(at, end);
        if (after == at)
            return NULL;
        at = after;
    }
    return at;
}

bool ink_json_number_valid(const char *text, size_t size)
{
    return number_end(text, text + size) == text + size;
}

bool ink_json_number(struct ink_json_reader *reader, struct ink_json_text *ret_text)
{
    if (!skip_space(reader))
        return false;
    const char *end = number_end(reader->at, reader->end);
    if (end == NULL)
        return fail_here(reader, "a number expected");
    *ret_text = (struct ink_json_text){.data = reader->at, .size = (size_t)(end - reader->at)};
    reader->at = end;
    return true;
}

static bool take_word(struct ink_json_reader *reader, const char *word)
{
    size_t size = strlen(word);
    if (!skip_space(reader) || (size_t)(reader->end - reader->at) < size ||
        memcmp(reader->at, word, size) != 0)
        return false;
    reader->at += size;
    return true;
}

bool ink_json_bool(struct ink_json_reader *reader, bool *ret_value)
{
    bool value = take_word(reader, "true");
    if (!value && !take_word(reader, "false"))
        return fail_here(reader, "true or false expected");
    *ret_value = value;
    return true;
}

bool ink_json_null(struct ink_json_reader *reader)
{
    return take_word(reader, "null") || fail_here(reader, "null expected");
}

static bool skip_object(struct ink_json_reader *reader)
{
    struct ink_json_text raw;
    bool escaped;
    if (!ink_json_enter_object(reader))
        return false;
    while (next_member(reader))
        if (!scan_string(reader, &raw, &escaped) || !take_colon(reader) || !ink_json_skip(reader))
            return false;
    return reader->error == NULL;
}

static bool skip_array(struct ink_json_reader *reader)
{
    if (!ink_json_enter_array(reader))
        return false;
    while (ink_json_next_element(reader))
        if (!ink_json_skip(reader))
            return false;
    return reader->error == NULL;
}

bool ink_json_skip(struct ink_json_reader *reader)
{
    struct ink_json_text text;
    bool flag;
    switch (ink_json_peek(reader)) {
    case INK_JSON_OBJECT:
        return skip_object(reader);
    case INK_JSON_ARRAY:
        return skip_array(reader);
    case INK_JSON_STRING:
        return scan_string(reader, &text, &flag);
    case INK_JSON_NUMBER:
        return ink_json_number(reader, &text);
    case INK_JSON_BOOL:
        return ink_json_bool(reader, &flag);
    case INK_JSON_NULL:
        return ink_json_null(reader);
    case INK_JSON_INVALID:
        break;
    }
    return false;
}

bool ink_json_finish(struct ink_json_reader *reader)
{
    if (!skip_space(reader))
        return false;
    return reader->at == reader->end || fail(reader, reader->at, "text after the value");
}

struct ink_status ink_json_status(const struct ink_json_reader *reader)
{
    if (reader->error == NULL)
        return ink_ok();
    size_t line = 1;
    const char *start = reader->begin;
    for (const char *at = start; at != reader->error_at; at++) {
        if (*at == '\n') {
            line++;
            start = at + 1;
        }
    }
    size_t column = ink_utf8_length(start, (size_t)(reader->error_at - start)) + 1;
    return ink_invalid_field(reader->arena, "", "malformed JSON at line %zu, column %zu: %s", line,
                             column, reader->error);
}
