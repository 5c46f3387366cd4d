#include "lib/transcode/from_json.h"

#include <stdarg.h>
#include <string.h>

#include "lib/transcode/from_json_internal.h"
#include "lib/transcode/map_keys.h"
#include "lib/transcode/scalar.h"
#include "lib/transcode/slot.h"

bool ink_from_fail(struct ink_from *from, const struct ink_place *place, const char *format, ...)
{
    if (!ink_is_ok(from->status))
        return false;
    va_list args;
    va_start(args, format);
    const char *message = ink_arena_vprintf(from->arena, format, args);
    va_end(args);
    from->status =
        ink_invalid_field(from->arena, ink_place_path(from->arena, place, NULL), "%s", message);
    return false;
}

bool ink_from_count(struct ink_from *from, size_t bytes)
{
    from->memory += bytes;
    if (from->memory <= INK_FROM_JSON_MEMORY)
        return true;
    if (ink_is_ok(from->status))
        from->status = ink_error(INK_RESOURCE_EXHAUSTED, "the body holds too many values");
    return false;
}

bool ink_from_expect(struct ink_from *from, const struct ink_place *place, enum ink_json_kind kind,
                     const char *what)
{
    enum ink_json_kind found = ink_json_peek(&from->reader);
    if (found == kind)
        return true;
    return found == INK_JSON_INVALID ? false : ink_from_fail(from, place, "must be %s", what);
}

static ProtobufCMessage *new_message(struct ink_arena *arena,
                                     const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = ink_arena_alloc(arena, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, message);
    return message;
}

ProtobufCMessage *ink_message_new(struct ink_arena *arena, const struct ink_message *type)
{
    return new_message(arena, type->c);
}

/* Strings skip ink_scalar_read(): one that had escapes is already in the arena. */
static bool read_string(struct ink_from *from, char **slot, const struct ink_place *place)
{
    struct ink_json_text text;
    if (!ink_from_expect(from, place, INK_JSON_STRING, "a string") ||
        !ink_json_string(&from->reader, &text))
        return false;
    char *kept = ink_json_text_keep(&from->reader, text);
    if (kept == NULL)
        return ink_from_fail(from, place, INK_NUL_REFUSED);
    *slot = kept;
    return true;
}

static bool read_bool(struct ink_from *from, protobuf_c_boolean *slot,
                      const struct ink_place *place)
{
    bool value;
    if (!ink_from_expect(from, place, INK_JSON_BOOL, "true or false") ||
        !ink_json_bool(&from->reader, &value))
        return false;
    *slot = value;
    return true;
}

/* Numbers, enums and bytes. */
static bool read_from_text(struct ink_from *from, const struct ink_field *field, void *slot,
                           const struct ink_place *place)
{
    struct ink_json_text text = {.data = "", .size = 0};
    enum ink_json_kind kind = ink_json_peek(&from->reader);
    bool number = kind == INK_JSON_NUMBER && field->c->type != PROTOBUF_C_TYPE_BYTES;
    if (number && !ink_json_number(&from->reader, &text))
        return false;
    if (kind == INK_JSON_STRING && !ink_json_string(&from->reader, &text))
        return false;
    if (kind == INK_JSON_INVALID)
        return false;
    /* Whatever else it is fails as an empty text does, except that no bytes are bytes too. */
    if (!number && kind != INK_JSON_STRING && field->c->type == PROTOBUF_C_TYPE_BYTES)
        return ink_from_fail(from, place, "must be a base64 string");
    const char *error = ink_scalar_read(from->arena, field->c, text.data, text.size, !number, slot);
    return error == NULL || ink_from_fail(from, place, "%s", error);
}

bool ink_from_scalar(struct ink_from *from, const struct ink_field *field, void *slot,
                     const struct ink_place *place)
{
    switch (field->c->type) {
    case PROTOBUF_C_TYPE_STRING:
        return read_string(from, slot, place);
    case PROTOBUF_C_TYPE_BOOL:
        return read_bool(from, slot, place);
    default:
        return read_from_text(from, field, slot, place);
    }
}

bool ink_from_message(struct ink_from *from, const struct ink_message *type,
                      const struct ink_place *place, ProtobufCMessage **ret_message)
{
    if (!ink_from_count(from, type->c->sizeof_message))
        return false;
    ProtobufCMessage *message = new_message(from->arena, type->c);
    bool done = type->well_known == INK_NOT_WELL_KNOWN
                    ? ink_from_object(from, type, message, NULL, false, place)
                    : ink_from_well_known(from, type, message, place);
    if (done)
        *ret_message = message;
    return done;
}

static bool is_null_value(const struct ink_field *field)
{
    return field->enum_type != NULL &&
           strcmp(field->enum_type->full_name, "google.protobuf.NullValue") == 0;
}

/* Whether null is a value of this field, and not its absence. */
static bool null_is_value(const struct ink_field *field)
{
    return (field->message != NULL && field->message->well_known == INK_VALUE) ||
           is_null_value(field);
}

/* An element of a list, the value of a map's entry, or a singular field. */
static bool read_value(struct ink_from *from, const struct ink_field *field, void *slot,
                       const struct ink_place *place)
{
    if (ink_json_peek(&from->reader) == INK_JSON_NULL) {
        if (!null_is_value(field))
            return ink_from_fail(from, place, "must not be null");
        if (field->message == NULL) {
            *(int *)slot = 0;
            return ink_json_null(&from->reader);
        }
    }
    if (field->message == NULL)
        return ink_from_scalar(from, field, slot, place);
    return ink_from_message(from, field->message, place, slot);
}

static bool read_list(struct ink_from *from, const struct ink_field *field,
                      ProtobufCMessage *message, const struct ink_place *place)
{
    struct ink_place here = {.up = place, .kind = INK_PLACE_INDEX};
    if (!ink_from_expect(from, place, INK_JSON_ARRAY, "an array") ||
        !ink_json_enter_array(&from->reader))
        return false;
    for (; ink_json_next_element(&from->reader); here.index++) {
        size_t bytes;
        void *slot = ink_slot_grow(from->arena, field, message, &bytes);
        if (!ink_from_count(from, bytes) || !read_value(from, field, slot, &here))
            return false;
        ++*ink_slot_count(field, message);
    }
    return from->reader.error == NULL;
}

static bool read_entry(struct ink_from *from, const struct ink_message *type,
                       struct ink_json_text name, const struct ink_place *place,
                       ProtobufCMessage *entry)
{
    const struct ink_field *key = &type->fields[0], *value = &type->fields[1];
    void *slot = ink_slot(key, entry);
    if (key->c->type == PROTOBUF_C_TYPE_STRING) {
        char *kept = ink_json_text_keep(&from->reader, name);
        if (kept == NULL)
            return ink_from_fail(from, place, INK_NUL_REFUSED);
        *(char **)slot = kept;
    } else {
        const char *error = ink_scalar_read(from->arena, key->c, name.data, name.size, true, slot);
        if (error != NULL)
            return ink_from_fail(from, place, "the key %s", error);
    }
    if (!read_value(from, value, ink_slot(value, entry), place))
        return false;
    ink_slot_mark(key, entry);
    ink_slot_mark(value, entry);
    return true;
}

static bool read_entries(struct ink_from *from, const struct ink_field *field,
                         ProtobufCMessage *message, const struct ink_place *place)
{
    const struct ink_message *type = field->message;
    bool text_keys = type->fields[0].c->type == PROTOBUF_C_TYPE_STRING;
    struct ink_place here = {.up = place, .kind = text_keys ? INK_PLACE_KEY : INK_PLACE_RAW};
    struct ink_json_text name;
    while (ink_json_next_name(&from->reader, &name)) {
        size_t bytes;
        ProtobufCMessage **slot = ink_slot_grow(from->arena, field, message, &bytes);
        here.name = name.data;
        here.size = name.size;
        if (!ink_from_count(from, bytes + type->c->sizeof_message))
            return false;
        *slot = new_message(from->arena, type->c);
        if (!read_entry(from, type, name, &here, *slot))
            return false;
        ++*ink_slot_count(field, message);
    }
    return from->reader.error == NULL;
}

static bool read_map(struct ink_from *from, const struct ink_field *field,
                     ProtobufCMessage *message, const struct ink_place *place)
{
    if (!ink_from_expect(from, place, INK_JSON_OBJECT, "an object") ||
        !ink_json_enter_object(&from->reader) || !read_entries(from, field, message, place))
        return false;
    bool text_keys = field->message->fields[0].c->type == PROTOBUF_C_TYPE_STRING;
    const char *twice = ink_map_key_twice(from->arena, field, message);
    if (twice == NULL)
        return true;
    struct ink_place here = {.up = place,
                             .kind = text_keys ? INK_PLACE_KEY : INK_PLACE_RAW,
                             .name = twice,
                             .size = strlen(twice)};
    return ink_from_fail(from, &here, "is there twice");
}

static bool check_oneof(struct ink_from *from, const struct ink_field *field,
                        const ProtobufCMessage *message, const struct ink_place *place)
{
    if (!ink_slot_in_oneof(field))
        return true;
    uint32_t set = *ink_slot_case(field, message);
    return set == 0 || set == field->c->id ||
           ink_from_fail(from, place, "another member of \"%s\" is set already",
                         field->oneof->name);
}

/* Whether the paths of a message's fields are told instead of its own. */
static bool has_leaves(const struct ink_field *field)
{
    return field->message != NULL && field->message->well_known == INK_NOT_WELL_KNOWN &&
           !field->repeated && !field->map;
}

bool ink_from_field(struct ink_from *from, const struct ink_field *field, ProtobufCMessage *message,
                    bool leaves, const struct ink_place *place)
{
    if (field->map)
        return read_map(from, field, message, place);
    if (field->repeated)
        return read_list(from, field, message, place);
    if (!check_oneof(from, field, message, place))
        return false;
    void *slot = ink_slot(field, message);
    if (leaves && has_leaves(field)) {
        ProtobufCMessage *child = new_message(from->arena, field->message->c);
        if (!ink_from_object(from, field->message, child, NULL, true, place))
            return false;
        *(ProtobufCMessage **)slot = child;
    } else if (!read_value(from, field, slot, place)) {
        return false;
    }
    ink_slot_mark(field, message);
    return true;
}

/* Adds a path, growing at powers of two. */
static void add_path(struct ink_from *from, const struct ink_place *place)
{
    struct ink_json_paths *list = from->paths;
    if ((list->count & (list->count - 1)) == 0) {
        size_t room = list->count == 0 ? 1 : list->count * 2;
        char **larger = ink_arena_calloc(from->arena, room, sizeof(*larger));
        if (list->count != 0)
            memcpy(larger, list->paths, list->count * sizeof(*larger));
        list->paths = larger;
    }
    list->paths[list->count++] = ink_place_path(from->arena, place, from->root);
}

/* One member of an object; null is absence where it is no value. */
static bool read_member(struct ink_from *from, const struct ink_field *field,
                        ProtobufCMessage *message, bool leaves, const struct ink_place *place)
{
    size_t count = leaves ? from->paths->count : 0;
    bool null = ink_json_peek(&from->reader) == INK_JSON_NULL &&
                (field->repeated || field->map || !null_is_value(field));
    if (null ? !ink_json_null(&from->reader) : !ink_from_field(from, field, message, leaves, place))
        return false;
    if (leaves && from->paths->count == count)
        add_path(from, place);
    return true;
}

static bool is_named(const char *name, struct ink_json_text text)
{
    return strncmp(name, text.data, text.size) == 0 && strlen(name) == text.size;
}

/* Most clients write the fields in their order: `hint` is where the last one was found. */
static const struct ink_field *find_field(const struct ink_message *type, struct ink_json_text name,
                                          size_t hint)
{
    if (hint < type->n_fields && is_named(type->fields[hint].json_name, name) &&
        type->fields[hint].header == NULL)
        return &type->fields[hint];
    return ink_message_field_json(type, name.data, name.size);
}

/* Which fields of a message were read: a bit each. */
struct seen {
    uint64_t few;
    uint64_t *many; /* for more than 64 fields */
};

static bool see(struct seen *seen, size_t index)
{
    uint64_t *word = seen->many != NULL ? &seen->many[index / 64] : &seen->few;
    uint64_t bit = UINT64_C(1) << index % 64;
    bool first = (*word & bit) == 0;
    *word |= bit;
    return first;
}

static bool read_members(struct ink_from *from, const struct ink_message *type,
                         ProtobufCMessage *message, const char *skip, bool leaves,
                         const struct ink_place *place)
{
    struct seen seen = {0};
    if (type->n_fields > 64)
        seen.many = ink_arena_calloc(from->arena, type->n_fields / 64 + 1, sizeof(uint64_t));
    size_t hint = 0;
    bool skipped = false;
    struct ink_json_text name;
    while (ink_json_next_name(&from->reader, &name)) {
        struct ink_place here = ink_place_field(place, name.data, name.size);
        if (skip != NULL && is_named(skip, name)) {
            if (skipped)
                return ink_from_fail(from, &here, "is there twice");
            if (!ink_json_skip(&from->reader))
                return false;
            skipped = true;
            continue;
        }
        const struct ink_field *field = find_field(type, name, hint);
        if (field == NULL)
            return ink_from_fail(from, &here, "unknown field");
        here = ink_place_field(place, field->name, strlen(field->name));
        hint = (size_t)(field - type->fields);
        if (!see(&seen, hint++))
            return ink_from_fail(from, &here, "is there twice");
        if (!read_member(from, field, message, leaves, &here))
            return false;
    }
    return from->reader.error == NULL;
}

bool ink_from_object(struct ink_from *from, const struct ink_message *type,
                     ProtobufCMessage *message, const char *skip, bool leaves,
                     const struct ink_place *place)
{
    return ink_from_expect(from, place, INK_JSON_OBJECT, "an object") &&
           ink_json_enter_object(&from->reader) &&
           read_members(from, type, message, skip, leaves, place);
}

static void begin(struct ink_from *from, const struct ink_contract *contract,
                  struct ink_arena *arena, const char *json, size_t size,
                  struct ink_json_paths *paths)
{
    *from = (struct ink_from){.arena = arena, .contract = contract, .paths = paths};
    ink_json_reader_init(&from->reader, arena, json, size);
}

static struct ink_status end(struct ink_from *from, bool done)
{
    if (done && ink_json_finish(&from->reader))
        return ink_ok();
    return ink_is_ok(from->status) ? ink_json_status(&from->reader) : from->status;
}

struct ink_status ink_from_json_paths(const struct ink_contract *contract, struct ink_arena *arena,
                                      const struct ink_message *type, const char *json, size_t size,
                                      struct ink_json_paths *ret_paths,
                                      ProtobufCMessage **ret_message)
{
    struct ink_from from;
    struct ink_json_paths paths = {0};
    ProtobufCMessage *message;
    begin(&from, contract, arena, json, size, &paths);
    bool done;
    if (ret_paths != NULL && type->well_known == INK_NOT_WELL_KNOWN) {
        message = new_message(arena, type->c);
        done = ink_from_object(&from, type, message, NULL, true, NULL);
    } else {
        done = ink_from_message(&from, type, NULL, &message);
    }
    struct ink_status status = end(&from, done);
    if (!ink_is_ok(status))
        return status;
    if (ret_paths != NULL)
        *ret_paths = paths;
    *ret_message = message;
    return status;
}

struct ink_status ink_from_json(const struct ink_contract *contract, struct ink_arena *arena,
                                const struct ink_message *type, const char *json, size_t size,
                                ProtobufCMessage **ret_message)
{
    return ink_from_json_paths(contract, arena, type, json, size, NULL, ret_message);
}

struct ink_status ink_from_json_field(const struct ink_contract *contract, struct ink_arena *arena,
                                      const struct ink_field *field, const char *json, size_t size,
                                      struct ink_json_paths *ret_paths, ProtobufCMessage *message)
{
    struct ink_from from;
    struct ink_json_paths paths = {0};
    struct ink_place root = ink_place_field(NULL, field->name, strlen(field->name));
    begin(&from, contract, arena, json, size, &paths);
    from.root = &root;
    bool leaves = ret_paths != NULL && has_leaves(field);
    bool null = ink_json_peek(&from.reader) == INK_JSON_NULL &&
                (field->repeated || field->map || !null_is_value(field));
    bool done =
        null ? ink_json_null(&from.reader) : ink_from_field(&from, field, message, leaves, &root);
    struct ink_status status = end(&from, done);
    if (ink_is_ok(status) && ret_paths != NULL)
        *ret_paths = paths;
    return status;
}
