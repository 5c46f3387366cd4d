/*
 * What must be known of a serialized message before protobuf-c unpacks it, because afterwards it
 * cannot be seen or it is too late: a NUL inside a text (protobuf-c makes a C string of it, which
 * ends there for every reader), text that is not UTF-8 (protobuf-c does not look), nesting without
 * end (protobuf-c recurses for each level and has no limit), and fields without number (protobuf-c
 * needs up to 100 bytes for a field of two: 4 MiB of them would become 200 MiB).
 */
#include <stdbool.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/text.h"
#include "lib/rpc/wire.h"

#define DEEPEST 64
#define MOST_VIOLATIONS 20
#define MOST_FIELDS 100000

enum wire_type { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };

/* A message's bytes, and how far they were read. */
struct reader {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
};

/* One field as it lies on the wire; `data` and `size` of a LENGTH one. */
struct record {
    uint32_t number;
    enum wire_type type;
    const uint8_t *data;
    size_t size;
};

/* Where we are. The index of a repeated field is counted only when a path is printed. */
struct place {
    const struct place *up;
    const struct ink_field *field;
    const struct reader *reader;
    const uint8_t *record;
};

struct scan {
    struct ink_arena *arena;
    struct ink_violation *violations;
    size_t n_violations;
    unsigned depth;
    unsigned n_fields;
    bool too_deep;
    bool too_many;
};

static bool scan_message(struct scan *scan, const struct ink_message *type, const uint8_t *data,
                         size_t size, const struct place *up);

static bool take_varint(struct reader *in, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        uint8_t byte = *in->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool skip(struct reader *in, uint64_t size)
{
    if (size > (uint64_t)(in->end - in->at))
        return false;
    in->at += size;
    return true;
}

/* The next field. Groups are not part of proto3 and not understood. */
static bool take_record(struct reader *in, struct record *ret_record)
{
    uint64_t tag, size = 0;
    if (!take_varint(in, &tag) || tag > UINT32_MAX || tag >> 3 == 0)
        return false;
    struct record record = {.number = (uint32_t)tag >> 3, .type = (enum wire_type)(tag & 7)};
    bool valid = false;
    switch (record.type) {
    case VARINT:
        valid = take_varint(in, &size);
        break;
    case FIXED64:
        valid = skip(in, 8);
        break;
    case FIXED32:
        valid = skip(in, 4);
        break;
    case LENGTH:
        valid = take_varint(in, &size);
        record.data = in->at;
        record.size = (size_t)size;
        valid = valid && skip(in, size);
        break;
    }
    if (valid)
        *ret_record = record;
    return valid;
}

/* How many elements of the place's field come before it. */
static size_t index_of(const struct place *place)
{
    struct reader in = {place->reader->start, place->reader->start, place->record};
    struct record record;
    size_t index = 0;
    while (in.at < in.end && take_record(&in, &record))
        index += record.number == place->field->c->id;
    return index;
}

static void print_place(struct ink_buf *buf, const struct place *place)
{
    if (place == NULL)
        return;
    print_place(buf, place->up);
    if (place->up != NULL && place->up->field->map)
        return; /* an entry's key or value goes by the name of the map */
    ink_buf_printf(buf, "%s%s", buf->len != 0 ? "." : "", place->field->name);
    if (place->field->repeated)
        ink_buf_printf(buf, "[%zu]", index_of(place));
}

static void report(struct scan *scan, const struct place *place, const char *message)
{
    if (scan->n_violations == MOST_VIOLATIONS)
        return;
    struct ink_buf path = INK_BUF_INIT;
    print_place(&path, place);
    ink_violation_add(scan->arena, &scan->violations, path.len == 0 ? "" : path.data, message);
    ink_buf_release(&path);
    scan->n_violations++;
}

static const struct ink_field *find_field(const struct ink_message *type, uint32_t number)
{
    for (size_t i = 0; i < type->n_fields; i++)
        if (type->fields[i].c->id == number)
            return &type->fields[i];
    return NULL;
}

static bool scan_record(struct scan *scan, const struct record *record, const struct place *place)
{
    if (place->field == NULL || record->type != LENGTH)
        return true;
    if (place->field->message != NULL)
        return scan_message(scan, place->field->message, record->data, record->size, place);
    if (place->field->c->type != PROTOBUF_C_TYPE_STRING)
        return true;
    if (memchr(record->data, '\0', record->size) != NULL)
        report(scan, place, "must not contain NUL");
    else if (!ink_utf8_valid((const char *)record->data, record->size))
        report(scan, place, "must be valid UTF-8");
    return true;
}

/* False when it is no message, or nested too deeply. */
static bool scan_message(struct scan *scan, const struct ink_message *type, const uint8_t *data,
                         size_t size, const struct place *up)
{
    if (scan->depth == DEEPEST) {
        scan->too_deep = true;
        report(scan, up, "is nested too deeply");
        return false;
    }
    scan->depth++;
    struct reader in = {data, data, data + size};
    bool valid = true;
    while (valid && in.at < in.end && scan->n_violations < MOST_VIOLATIONS) {
        struct record record;
        struct place place = {.up = up, .reader = &in, .record = in.at};
        scan->too_many = ++scan->n_fields > MOST_FIELDS;
        valid = !scan->too_many && take_record(&in, &record);
        if (valid) {
            place.field = find_field(type, record.number);
            valid = scan_record(scan, &record, &place);
        }
    }
    scan->depth--;
    return valid;
}

struct ink_status ink_wire_check(struct ink_arena *arena, const struct ink_message *type,
                                 const uint8_t *data, size_t size)
{
    struct scan scan = {.arena = arena};
    bool valid = size == 0 || scan_message(&scan, type, data, size, NULL);
    if (scan.too_many)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "the message has more than %d fields",
                          MOST_FIELDS);
    if (!valid && !scan.too_deep)
        return ink_errorf(arena, INK_INVALID_ARGUMENT, "not a valid %s", type->full_name);
    return ink_violations_status(arena, scan.violations);
}
