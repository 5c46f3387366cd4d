#include "lib/transcode/request_weaver.h"

#include <string.h>
#include <strings.h>

#include "google/protobuf/field_mask.pb-c.h"
#include "lib/transcode/binding.h"
#include "lib/transcode/from_json.h"
#include "lib/transcode/query.h"
#include "lib/transcode/scalar.h"
#include "lib/transcode/slot.h"

struct weaving {
    const struct ink_binding *binding;
    struct ink_arena *arena;
    ProtobufCMessage *message;
    struct ink_json_paths paths; /* what the body had */
};

/* The body */

/* Blanks or an empty object, which some clients send with everything. */
static bool says_nothing(const char *body, size_t size)
{
    static const char nothing[] = "{}";
    size_t said = 0;
    for (size_t i = 0; i < size; i++) {
        if (strchr(" \t\r\n", body[i]) != NULL && body[i] != '\0')
            continue;
        if (said == strlen(nothing) || body[i] != nothing[said++])
            return false;
    }
    return said == 0 || said == strlen(nothing);
}

static struct ink_status weave_body(struct weaving *weaving, const char *body, size_t size)
{
    const struct ink_binding *binding = weaving->binding;
    if (binding->body_kind == INK_BODY_NONE && says_nothing(body, size))
        size = 0;
    if (size > 0 && binding->body_kind == INK_BODY_NONE)
        return ink_error(INK_INVALID_ARGUMENT, "this request takes no body");
    if (size > 0 && binding->body_kind == INK_BODY_ALL)
        return ink_from_json_paths(binding->contract, weaving->arena, binding->input, body, size,
                                   &weaving->paths, &weaving->message);
    weaving->message = ink_message_new(weaving->arena, binding->input);
    if (size == 0)
        return ink_ok();
    return ink_from_json_field(binding->contract, weaving->arena, binding->body, body, size,
                               &weaving->paths, weaving->message);
}

/* The path */

/* Whether the field has a value that is not zero (any, for a member of a oneof or a message). */
static bool is_set(const ProtobufCMessage *message, const struct ink_field *field)
{
    static const char zero[8];
    if (ink_slot_in_oneof(field))
        return *ink_slot_case(field, message) == field->c->id;
    const void *value = ink_slot(field, message);
    switch (field->c->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(ProtobufCMessage *const *)value != NULL;
    case PROTOBUF_C_TYPE_STRING:
        return *(char *const *)value && **(char *const *)value;
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)value)->len > 0;
    default:
        return memcmp(value, zero, ink_scalar_size(field->c->type)) != 0;
    }
}

static bool same_bytes(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
    return a->len == b->len && (a->len == 0 || !memcmp(a->data, b->data, a->len));
}

static bool same_value(const struct ink_field *field, bool uuid, const void *a, const void *b);

/* Of two wrappers: of the one field that they have. */
static bool same_wrapper(const struct ink_message *type, bool uuid, const ProtobufCMessage *a,
                         const ProtobufCMessage *b)
{
    return same_value(&type->fields[0], uuid, ink_slot(&type->fields[0], a),
                      ink_slot(&type->fields[0], b));
}

static bool same_value(const struct ink_field *field, bool uuid, const void *a, const void *b)
{
    switch (field->c->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return same_wrapper(field->message, uuid, *(ProtobufCMessage *const *)a,
                            *(ProtobufCMessage *const *)b);
    case PROTOBUF_C_TYPE_STRING:
        return !(uuid ? strcasecmp : strcmp)(*(char *const *)a, *(char *const *)b);
    case PROTOBUF_C_TYPE_BYTES:
        return same_bytes(a, b);
    default:
        return !memcmp(a, b, ink_scalar_size(field->c->type));
    }
}

/* The message that holds the last field of `way`; those on the way are made. */
static struct ink_status walk(struct weaving *weaving, const struct ink_field *const *way,
                              size_t n_way, const char *path, ProtobufCMessage **ret_parent)
{
    ProtobufCMessage *message = weaving->message;
    for (size_t i = 0; i + 1 < n_way; i++) {
        struct ink_status status =
            ink_field_message(weaving->arena, way[i], path, message, &message);
        if (!ink_is_ok(status))
            return status;
    }
    *ret_parent = message;
    return ink_ok();
}

static struct ink_status weave_variable(struct weaving *weaving,
                                        const struct ink_bound_variable *variable, const char *text)
{
    struct ink_arena *arena = weaving->arena;
    const struct ink_field *field = variable->way[variable->n_way - 1];
    ProtobufCMessage *parent, *target;
    struct ink_status status =
        walk(weaving, variable->way, variable->n_way, variable->path, &parent);
    if (!ink_is_ok(status))
        return status;
    bool given = is_set(parent, field);
    target = given ? ink_message_new(arena, field->parent) : parent;
    status = ink_field_from_text(arena, field, text, strlen(text), variable->path, target);
    if (!ink_is_ok(status) || !given)
        return status;
    if (same_value(field, variable->uuid, ink_slot(field, parent), ink_slot(field, target)))
        return ink_ok();
    return ink_invalid_field(arena, variable->path, "differs from the value in the path");
}

static struct ink_status weave_path(struct weaving *weaving, const char *const *values)
{
    for (size_t i = 0; i < weaving->binding->n_variables; i++) {
        struct ink_status status =
            weave_variable(weaving, &weaving->binding->variables[i], values[i]);
        if (!ink_is_ok(status))
            return status;
    }
    return ink_ok();
}

/* The query */

struct parameter {
    const struct ink_field *way[INK_QUERY_MAX_DEPTH];
    size_t n_way;
    const char *path; /* in proto names */
};

/* Where values have gone: a singular field of one message takes one. */
struct taken {
    const ProtobufCMessage *parent;
    const struct ink_field *field;
};

static bool is_inner(const struct ink_field *field)
{
    return field->message && !field->repeated && !field->map &&
           field->message->well_known == INK_NOT_WELL_KNOWN;
}

/* Finds the fields that the name of a parameter leads through. */
static struct ink_status resolve(struct weaving *weaving, const struct ink_query_parameter *given,
                                 struct parameter *ret_parameter)
{
    struct ink_arena *arena = weaving->arena;
    const struct ink_message *message = weaving->binding->input;
    const char *name = given->name, *end = given->name + given->name_size;
    ret_parameter->n_way = 0;
    ret_parameter->path = NULL;
    for (;;) {
        const char *dot = memchr(name, '.', (size_t)(end - name));
        size_t size = (size_t)((dot ? dot : end) - name);
        const struct ink_field *field = ink_message_field_json(message, name, size);
        if (!field || (dot && !is_inner(field)))
            return ink_invalid_field(arena, given->name, "unknown query parameter");
        if (ret_parameter->n_way == INK_QUERY_MAX_DEPTH)
            return ink_invalid_field(arena, given->name, "is nested too deeply");
        ret_parameter->way[ret_parameter->n_way++] = field;
        ret_parameter->path =
            ret_parameter->path ? ink_arena_printf(arena, "%s.%s", ret_parameter->path, field->name)
                                : field->name;
        if (!dot)
            return ink_ok();
        message = field->message;
        name = dot + 1;
    }
}

/* Why a field cannot be a parameter whatever its value, or NULL. */
static const char *refuse_parameter(const struct ink_binding *binding,
                                    const struct parameter *parameter)
{
    const struct ink_field *field = parameter->way[parameter->n_way - 1];
    if (binding->body_kind == INK_BODY_ALL)
        return "belongs into the body, not into the query";
    if (binding->body_kind == INK_BODY_FIELD && parameter->way[0] == binding->body)
        return "belongs into the body, not into the query";
    for (size_t i = 0; i < binding->n_variables; i++)
        if (!strcmp(binding->variables[i].path, parameter->path))
            return "is given by the path already";
    if (field->map)
        return "is a map, which no query parameter can give";
    if (field->repeated && field->message)
        return "is a list of messages, which no query parameter can give";
    return is_inner(field) ? "is a message: give its fields, as in \"name.field\"" : NULL;
}

static struct ink_status weave_parameter(struct weaving *weaving,
                                         const struct ink_query_parameter *given,
                                         struct taken *taken, size_t *n_taken)
{
    struct ink_arena *arena = weaving->arena;
    struct parameter parameter;
    struct ink_status status = resolve(weaving, given, &parameter);
    if (!ink_is_ok(status))
        return status;
    const char *refusal = refuse_parameter(weaving->binding, &parameter);
    if (refusal)
        return ink_invalid_field(arena, parameter.path, "%s", refusal);
    const struct ink_field *field = parameter.way[parameter.n_way - 1];
    ProtobufCMessage *parent;
    status = walk(weaving, parameter.way, parameter.n_way, parameter.path, &parent);
    if (!ink_is_ok(status))
        return status;
    if (!field->repeated) {
        for (size_t i = 0; i < *n_taken; i++)
            if (taken[i].parent == parent && taken[i].field == field)
                return ink_invalid_field(arena, parameter.path, "is given more than once");
        taken[(*n_taken)++] = (struct taken){parent, field};
    }
    return ink_field_from_text(arena, field, given->value, given->value_size, parameter.path,
                               parent);
}

static struct ink_status weave_query(struct weaving *weaving, const char *query, size_t size)
{
    struct ink_query_parameter *parameters;
    size_t count, n_taken = 0;
    struct ink_status status = ink_query_parse(weaving->arena, query, size, &parameters, &count);
    if (!ink_is_ok(status) || count == 0)
        return status;
    struct taken *taken = ink_arena_calloc(weaving->arena, count, sizeof(*taken));
    for (size_t i = 0; i < count; i++) {
        status = weave_parameter(weaving, &parameters[i], taken, &n_taken);
        if (!ink_is_ok(status))
            return status;
    }
    return ink_ok();
}

/* The update mask */

/* Whether a path of the body is the path's to give, or the mask itself. `prefix` is the name of the
 * body's field, or NULL where the body is the whole message. */
static bool is_bound(const struct ink_binding *binding, const char *prefix, const char *path)
{
    if (!prefix && !strcmp(path, binding->update_mask->name))
        return true;
    for (size_t i = 0; i < binding->n_variables; i++) {
        const char *bound = binding->variables[i].path;
        size_t size = prefix ? strlen(prefix) : 0;
        if (prefix && (strncmp(bound, prefix, size) || bound[size] != '.'))
            continue;
        if (!strcmp(prefix ? bound + size + 1 : bound, path))
            return true;
    }
    return false;
}

/* Sets the mask that the client left out to what the body gave. */
static struct ink_status weave_mask(struct weaving *weaving)
{
    const struct ink_binding *binding = weaving->binding;
    const struct ink_field *field = binding->update_mask, *body = binding->body;
    ProtobufCMessage *message;
    if (!field || binding->body_kind == INK_BODY_NONE || is_set(weaving->message, field))
        return ink_ok();
    struct ink_status status =
        ink_field_message(weaving->arena, field, NULL, weaving->message, &message);
    if (!ink_is_ok(status))
        return status;
    Google__Protobuf__FieldMask *mask = (Google__Protobuf__FieldMask *)message;
    mask->paths = ink_arena_calloc(weaving->arena, weaving->paths.count + 1, sizeof(*mask->paths));
    if (body && !is_inner(body)) {
        mask->paths[mask->n_paths++] = (char *)body->name;
        return ink_ok();
    }
    for (size_t i = 0; i < weaving->paths.count; i++)
        if (!is_bound(binding, body ? body->name : NULL, weaving->paths.paths[i]))
            mask->paths[mask->n_paths++] = weaving->paths.paths[i];
    return ink_ok();
}

struct ink_status ink_weave_request(const struct ink_binding *binding,
                                    const struct ink_http_parts *parts, struct ink_arena *arena,
                                    ProtobufCMessage **ret_message)
{
    struct weaving weaving = {.binding = binding, .arena = arena};
    struct ink_status status = weave_body(&weaving, parts->body, parts->body_size);
    if (ink_is_ok(status))
        status = weave_query(&weaving, parts->query, parts->query_size);
    if (ink_is_ok(status))
        status = weave_path(&weaving, parts->values);
    if (ink_is_ok(status) && !strcmp(parts->method, "PATCH"))
        status = weave_mask(&weaving);
    if (!ink_is_ok(status))
        return status;
    *ret_message = weaving.message;
    return ink_ok();
}
