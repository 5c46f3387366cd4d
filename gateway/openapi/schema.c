/* Messages and fields as JSON Schema, by the JSON mapping that lib/transcode has: what it writes
 * for answers, what it takes for requests. */
#include <string.h>

#include "gateway/openapi/internal.h"
#include "lib/transcode/from_json.h"

/* One value, while its keywords are put into the open object. */
struct value {
    const struct ink_field *field; /* of a wrapper, the field inside */
    const Buf__Validate__FieldRules *rules;
    enum openapi_use use;
    bool nullable; /* null stands for its absence */
};

static const char *short_name(const char *full_name)
{
    const char *dot = strrchr(full_name, '.');
    return dot == NULL ? full_name : dot + 1;
}

/* "User"; with its package, where another message of the contract is called that too. */
static const char *component_name(struct openapi *o, const struct ink_message *type,
                                  enum openapi_use use)
{
    const char *name = short_name(type->full_name);
    size_t count, same = strcmp(name, OPENAPI_PROBLEM) == 0;
    const struct ink_message *const *messages = ink_contract_messages(o->contract, &count);
    for (size_t i = 0; i < count; i++)
        same += strcmp(short_name(messages[i]->full_name), name) == 0;
    if (same > 1)
        name = type->full_name;
    /* A request's form of a message is stricter than an answer's. */
    bool both = use == OPENAPI_BODY && openapi_types_have(&o->outputs, type);
    return both ? ink_arena_printf(o->arena, "%sInput", name) : name;
}

static void put_ref(struct openapi *o, const struct ink_message *type, enum openapi_use use)
{
    if (use == OPENAPI_BODY)
        openapi_types_add(&o->bodies, type);
    openapi_put_ref(o, "schemas", component_name(o, type, use));
}

bool openapi_is_required(struct openapi *o, const struct ink_field *field)
{
    if (!openapi_types_have(&o->inputs, field->parent))
        return false;
    ProtobufCMessage *empty = ink_message_new(o->arena, field->parent);
    struct ink_status status = ink_validate(o->validator, o->arena, field->parent, empty);
    for (const struct ink_violation *v = status.violations; v != NULL; v = v->next)
        if (strcmp(v->field, field->name) == 0)
            return true;
    return false;
}

/* Types */

static void put_type(struct openapi *o, const struct value *value, const char *type)
{
    if (!value->nullable) {
        openapi_put_text(o, "type", type);
        return;
    }
    openapi_open_member(o, "type", '[');
    openapi_text(o, type);
    openapi_text(o, "null");
    openapi_close(o, ']');
}

static void put_format(struct openapi *o, const struct value *value, const char *type,
                       const char *format)
{
    put_type(o, value, type);
    openapi_put_text(o, "format", format);
}

/* A number, or a text. */
static void put_two_types(struct openapi *o, const struct value *value, const char *one,
                          const char *other)
{
    openapi_open_member(o, "type", '[');
    openapi_text(o, one);
    openapi_text(o, other);
    if (value->nullable)
        openapi_text(o, "null");
    openapi_close(o, ']');
}

static void put_float(struct openapi *o, const struct value *value, const char *format)
{
    put_two_types(o, value, "number", "string");
    openapi_put_text(o, "format", format);
    openapi_put_text(o, "pattern", "^(NaN|-?Infinity)$");
}

/* Answers have texts, because JavaScript's numbers have 53 bits; bodies may have either. */
static void put_wide(struct openapi *o, const struct value *value, const char *format,
                     const char *pattern)
{
    if (value->use == OPENAPI_BODY)
        put_two_types(o, value, "string", "integer");
    else
        put_type(o, value, "string");
    openapi_put_text(o, "format", format);
    openapi_put_text(o, "pattern", pattern);
}

/* Whether the values that there are stand in the rules. */
static bool has_list(const ProtobufCMessage *typed)
{
    return openapi_rules_have(typed, "in") || openapi_rules_have(typed, "const");
}

static void put_enum(struct openapi *o, const struct value *value)
{
    const struct ink_enum *type = value->field->enum_type;
    put_type(o, value, "string");
    if (has_list(openapi_typed_rules(value->rules)))
        return; /* fewer, to be put with the other rules */
    openapi_open_member(o, "enum", '[');
    for (size_t i = 0; i < type->proto->n_value; i++)
        openapi_text(o, type->proto->value[i]->name);
    if (value->nullable)
        openapi_raw(o, "null");
    openapi_close(o, ']');
}

static void put_scalar(struct openapi *o, const struct value *value)
{
    switch (value->field->c->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        put_format(o, value, "integer", "int32");
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        put_format(o, value, "integer", "uint32");
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        put_wide(o, value, "int64", "^-?[0-9]+$");
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        put_wide(o, value, "uint64", "^[0-9]+$");
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        put_float(o, value, "float");
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        put_float(o, value, "double");
        break;
    case PROTOBUF_C_TYPE_BOOL:
        put_type(o, value, "boolean");
        break;
    case PROTOBUF_C_TYPE_BYTES:
        put_type(o, value, "string");
        openapi_put_text(o, "contentEncoding", "base64");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        put_enum(o, value);
        break;
    default:
        put_type(o, value, "string");
        break;
    }
}

static void put_well_known(struct openapi *o, const struct value *value)
{
    switch (value->field->message->well_known) {
    case INK_TIMESTAMP:
        put_format(o, value, "string", "date-time");
        break;
    case INK_DURATION:
        put_type(o, value, "string");
        openapi_put_text(o, "pattern", "^-?[0-9]+(\\.[0-9]{1,9})?s$");
        break;
    case INK_FIELD_MASK:
        put_type(o, value, "string");
        break;
    case INK_LIST_VALUE:
        put_type(o, value, "array");
        break;
    case INK_VALUE: /* anything at all */
        break;
    default: /* Struct, Any, Empty */
        put_type(o, value, "object");
        break;
    }
}

/* A message of the contract. What stands beside a reference adds to it. */
static void put_message(struct openapi *o, const struct value *value)
{
    const struct ink_message *type = value->field->message;
    if (!value->nullable) {
        put_ref(o, type, value->use);
        return;
    }
    openapi_open_member(o, "anyOf", '[');
    openapi_open(o, '{');
    put_ref(o, type, value->use);
    openapi_close(o, '}');
    openapi_raw(o, "{\"type\":\"null\"}");
    openapi_close(o, ']');
}

static void put_kind(struct openapi *o, const struct value *value)
{
    const struct ink_message *type = value->field->message;
    if (type == NULL)
        put_scalar(o, value);
    else if (type->well_known == INK_NOT_WELL_KNOWN)
        put_message(o, value);
    else
        put_well_known(o, value);
}

/* Values */

static bool may_be_zero(const Buf__Validate__FieldRules *rules)
{
    return rules != NULL && rules->has_ignore &&
           rules->ignore == BUF__VALIDATE__IGNORE__IGNORE_IF_ZERO_VALUE;
}

static const char *zero_of(const struct ink_field *field)
{
    switch (field->c->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        return "{\"const\":\"\"}";
    case PROTOBUF_C_TYPE_BOOL:
        return "{\"const\":false}";
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return "{\"enum\":[\"0\",0]}";
    default:
        return "{\"const\":0}";
    }
}

/* The rules, where they are not all that a value may be: a zero value that they do not matter for,
 * or null, which no list of values has. */
static void put_rules(struct openapi *o, const struct value *value)
{
    const ProtobufCMessage *typed = openapi_typed_rules(value->rules);
    const struct ink_enum *enum_type = value->field->enum_type;
    bool zero = may_be_zero(value->rules) && enum_type == NULL && value->field->message == NULL;
    bool null = value->nullable && has_list(typed);
    if (typed == NULL || (!zero && !null)) {
        openapi_put_rules(o, typed, enum_type);
        return;
    }
    openapi_open_member(o, "anyOf", '[');
    openapi_open(o, '{');
    openapi_put_rules(o, typed, enum_type);
    openapi_close(o, '}');
    if (zero)
        openapi_raw(o, zero_of(value->field));
    if (null)
        openapi_raw(o, "{\"type\":\"null\"}");
    openapi_close(o, ']');
}

static const char *example_of(const struct ink_field *field)
{
    if (field->message == NULL)
        return NULL;
    switch (field->message->well_known) {
    case INK_TIMESTAMP:
        return "\"2026-01-31T09:30:00Z\"";
    case INK_DURATION:
        return "\"1.5s\"";
    default:
        return NULL;
    }
}

static void put_value(struct openapi *o, struct value value)
{
    if (value.field->message != NULL && value.field->message->well_known == INK_WRAPPER)
        value.field = &value.field->message->fields[0];
    put_kind(o, &value);
    put_rules(o, &value);
    openapi_put_examples(o, openapi_typed_rules(value.rules), example_of(value.field));
}

static void put_element(struct openapi *o, const char *name, struct value value)
{
    openapi_open_member(o, name, '{');
    put_value(o, value);
    openapi_close(o, '}');
}

static void put_list(struct openapi *o, const struct value *value)
{
    const Buf__Validate__FieldRules *rules = value->rules;
    const Buf__Validate__RepeatedRules *list =
        rules != NULL && rules->type_case == BUF__VALIDATE__FIELD_RULES__TYPE_REPEATED
            ? rules->repeated
            : NULL;
    put_type(o, value, "array");
    put_element(o, "items",
                (struct value){.field = value->field,
                               .rules = list == NULL ? NULL : list->items,
                               .use = value->use});
    if (list == NULL)
        return;
    if (list->has_min_items)
        openapi_put_int(o, "minItems", (int64_t)list->min_items);
    if (list->has_max_items)
        openapi_put_int(o, "maxItems", (int64_t)list->max_items);
    if (list->has_unique && list->unique)
        openapi_put_true(o, "uniqueItems");
}

/* JSON's names are texts, whatever the key is. */
static void put_key(struct openapi *o, const struct ink_field *key,
                    const Buf__Validate__FieldRules *rules)
{
    if (key->c->type != PROTOBUF_C_TYPE_STRING || openapi_typed_rules(rules) == NULL)
        return;
    openapi_open_member(o, "propertyNames", '{');
    openapi_put_rules(o, openapi_typed_rules(rules), NULL);
    openapi_close(o, '}');
}

static void put_map(struct openapi *o, const struct value *value)
{
    const Buf__Validate__FieldRules *rules = value->rules;
    const Buf__Validate__MapRules *map =
        rules != NULL && rules->type_case == BUF__VALIDATE__FIELD_RULES__TYPE_MAP ? rules->map
                                                                                  : NULL;
    const struct ink_message *entry = value->field->message;
    put_type(o, value, "object");
    put_key(o, &entry->fields[0], map == NULL ? NULL : map->keys);
    put_element(o, "additionalProperties",
                (struct value){.field = &entry->fields[1],
                               .rules = map == NULL ? NULL : map->values,
                               .use = value->use});
    if (map != NULL && map->has_min_pairs)
        openapi_put_int(o, "minProperties", (int64_t)map->min_pairs);
    if (map != NULL && map->has_max_pairs)
        openapi_put_int(o, "maxProperties", (int64_t)map->max_pairs);
}

/* Fields */

static void put_field_description(struct openapi *o, const struct ink_field *field,
                                  enum openapi_use use)
{
    const char *text = field->comment;
    if (use != OPENAPI_ANSWER && field->oneof != NULL && field->oneof->n_fields > 1) {
        for (size_t i = 0; i < field->oneof->n_fields; i++)
            text = ink_arena_printf(o->arena, "%s%s%s", text,
                                    i > 0           ? ", "
                                    : *text == '\0' ? "At most one of these: "
                                                    : " At most one of these: ",
                                    field->oneof->fields[i]->json_name);
        text = ink_arena_printf(o->arena, "%s.", text);
    }
    openapi_put_description(o, text);
}

void openapi_field_schema(struct openapi *o, const struct ink_field *field, enum openapi_use use,
                          bool required)
{
    struct value value = {.field = field,
                          .rules = openapi_rules_of(o, field),
                          .use = use,
                          .nullable = use == OPENAPI_BODY && !required};
    openapi_open(o, '{');
    if (field->map)
        put_map(o, &value);
    else if (field->repeated)
        put_list(o, &value);
    else
        put_value(o, value);
    if (use == OPENAPI_HEADER && !openapi_rules_have(openapi_typed_rules(value.rules), "pattern"))
        openapi_put_text(o, "pattern", OPENAPI_HEADER_CHARS "+$");
    if (use == OPENAPI_BODY || use == OPENAPI_ANSWER)
        put_field_description(o, field, use);
    openapi_close(o, '}');
}

/* Messages */

bool openapi_is_bound(const struct ink_template *template, const char *path)
{
    for (size_t i = 0; template != NULL && i < template->n_variables; i++)
        if (strcmp(template->variables[i].field_path, path) == 0)
            return true;
    return false;
}

/* Whether a variable is somewhere below `prefix`. */
static bool is_bound_below(const struct ink_template *template, const char *prefix)
{
    size_t size = strlen(prefix);
    for (size_t i = 0; template != NULL && i < template->n_variables; i++) {
        const char *path = template->variables[i].field_path;
        if (size == 0 || (strncmp(path, prefix, size) == 0 && path[size] == '.'))
            return true;
    }
    return false;
}

/* An answer has all that can be zero; what a message lacks is left out. */
static bool must_be_there(struct openapi *o, const struct ink_field *field, enum openapi_use use)
{
    if (use == OPENAPI_BODY)
        return openapi_is_required(o, field);
    bool proto2 = field->c->label == PROTOBUF_C_LABEL_OPTIONAL;
    return field->repeated || field->map ||
           (field->message == NULL && field->oneof == NULL && !proto2);
}

/* Where a message has fields of the path in it, it is described in place and without them. */
struct object {
    const struct ink_message *type;
    enum openapi_use use;
    const struct ink_template *template;
    const char *prefix;
};

static const char *path_of(struct openapi *o, const struct object *object,
                           const struct ink_field *field)
{
    return *object->prefix == '\0'
               ? field->name
               : ink_arena_printf(o->arena, "%s.%s", object->prefix, field->name);
}

static bool is_shown(struct openapi *o, const struct object *object, const struct ink_field *field)
{
    return field->header == NULL && !openapi_is_bound(object->template, path_of(o, object, field));
}

static void put_properties(struct openapi *o, const struct object *object)
{
    openapi_open_member(o, "properties", '{');
    for (size_t i = 0; i < object->type->n_fields; i++) {
        const struct ink_field *field = &object->type->fields[i];
        const char *path = path_of(o, object, field);
        if (!is_shown(o, object, field))
            continue;
        openapi_name(o, field->json_name);
        if (is_bound_below(object->template, path))
            openapi_body_schema(o, field->message, object->template, path);
        else
            openapi_field_schema(o, field, object->use, must_be_there(o, field, object->use));
    }
    openapi_close(o, '}');
}

static void put_required(struct openapi *o, const struct object *object)
{
    bool any = false;
    for (size_t i = 0; i < object->type->n_fields; i++) {
        const struct ink_field *field = &object->type->fields[i];
        if (!is_shown(o, object, field) || !must_be_there(o, field, object->use))
            continue;
        if (!any)
            openapi_open_member(o, "required", '[');
        any = true;
        openapi_text(o, field->json_name);
    }
    if (any)
        openapi_close(o, ']');
}

static void put_object(struct openapi *o, const struct object *object)
{
    openapi_open(o, '{');
    openapi_put_text(o, "type", "object");
    openapi_put_description(o, object->type->comment);
    put_properties(o, object);
    put_required(o, object);
    if (object->use == OPENAPI_BODY)
        openapi_put_raw(o, "additionalProperties", "false");
    openapi_close(o, '}');
}

void openapi_message_schema(struct openapi *o, const struct ink_message *type, enum openapi_use use)
{
    struct ink_field whole = {.message = (struct ink_message *)type, .c = NULL};
    if (type->well_known == INK_WRAPPER) {
        openapi_field_schema(o, &type->fields[0], use, true);
        return;
    }
    struct value value = {.field = &whole, .use = use};
    openapi_open(o, '{');
    put_kind(o, &value);
    openapi_close(o, '}');
}

void openapi_body_schema(struct openapi *o, const struct ink_message *type,
                         const struct ink_template *template, const char *prefix)
{
    struct object object = {type, OPENAPI_BODY, template, prefix};
    if (type->well_known == INK_NOT_WELL_KNOWN && is_bound_below(template, prefix))
        put_object(o, &object);
    else
        openapi_message_schema(o, type, OPENAPI_BODY);
}

static void put_component(struct openapi *o, const struct ink_message *type, enum openapi_use use)
{
    struct object object = {type, use, NULL, ""};
    openapi_name(o, component_name(o, type, use));
    put_object(o, &object);
}

void openapi_schema_components(struct openapi *o)
{
    for (size_t i = 0; i < o->outputs.count; i++)
        put_component(o, o->outputs.list[i], OPENAPI_ANSWER);
    for (size_t i = 0; i < o->bodies.count; i++) /* which grows meanwhile */
        put_component(o, o->bodies.list[i], OPENAPI_BODY);
}
