/* The rules messages of all types are walked alike, by their descriptors, as lib/validate does:
 * what a rule is called says which keyword it becomes. What JSON Schema cannot say ("at most 72
 * bytes") is there as an extension: "x-max-bytes". */
#include <math.h>
#include <string.h>

#include "gateway/openapi/internal.h"
#include "lib/transcode/to_json.h"
#include "lib/validate/value.h"

#define RULES_EXTENSION 1159 /* of FieldOptions: buf.validate.field */

static const char *const length_rules[] = {"len",       "min_len",   "max_len", "len_bytes",
                                           "min_bytes", "max_bytes", NULL};
static const char *const range_rules[] = {"lt", "lte", "gt", "gte", NULL};
static const char *const part_rules[] = {"prefix",       "suffix", "contains",
                                         "not_contains", "not_in", NULL};

/* One rule that is set. */
struct rule {
    const ProtobufCFieldDescriptor *field;
    const char *name;
    const void *at; /* the first value */
    size_t count;   /* how many values it has */
    const struct ink_enum *enum_type;
};

const Buf__Validate__FieldRules *openapi_rules_of(struct openapi *o, const struct ink_field *field)
{
    uint8_t *data;
    size_t size;
    const ProtobufCMessage *options = (const ProtobufCMessage *)field->proto->options;
    if (options == NULL || !ink_option_bytes(o->arena, options, RULES_EXTENSION, &data, &size))
        return NULL;
    const Buf__Validate__FieldRules *rules =
        (const Buf__Validate__FieldRules *)protobuf_c_message_unpack(
            &buf__validate__field_rules__descriptor, ink_arena_allocator(o->arena), size, data);
    bool ignored =
        rules != NULL && rules->has_ignore && rules->ignore == BUF__VALIDATE__IGNORE__IGNORE_ALWAYS;
    return ignored ? NULL : rules;
}

const ProtobufCMessage *openapi_typed_rules(const Buf__Validate__FieldRules *rules)
{
    if (rules == NULL || rules->type_case == BUF__VALIDATE__FIELD_RULES__TYPE__NOT_SET)
        return NULL;
    return (const ProtobufCMessage *)rules->float_; /* all members of the union are pointers */
}

/* The n-th rule of the type; false when it is not set. */
static bool rule_at(const ProtobufCMessage *typed, unsigned n, struct rule *ret_rule)
{
    const ProtobufCFieldDescriptor *field = &typed->descriptor->fields[n];
    if (!ink_field_is_set(field, typed))
        return false;
    *ret_rule = (struct rule){
        .field = field,
        .name = field->name,
        .at = (const char *)typed + field->offset,
        .count = 1,
    };
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        ret_rule->count = *(const size_t *)((const char *)typed + field->quantifier_offset);
        ret_rule->at = *(const void *const *)ret_rule->at;
    }
    return true;
}

static bool find_rule(const ProtobufCMessage *typed, const char *name, struct rule *ret_rule)
{
    for (unsigned i = 0; i < typed->descriptor->n_fields; i++)
        if (strcmp(typed->descriptor->fields[i].name, name) == 0)
            return rule_at(typed, i, ret_rule);
    return false;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

/* Numbers that JSON writes as numbers: keywords can compare them. */
static bool is_number(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return true;
    default:
        return false;
    }
}

/* Those that JSON writes as texts, and that may be numbers in requests. */
static bool is_wide(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return true;
    default:
        return false;
    }
}

static struct ink_value load(const struct rule *rule, size_t i)
{
    const char *at = (const char *)rule->at + i * ink_value_stride(rule->field->type);
    return ink_value_load(ink_value_kind_of(rule->field), rule->field->type, at);
}

static void put_float(struct openapi *o, const struct rule *rule, double value)
{
    if (isfinite(value))
        openapi_rawf(o, rule->field->type == PROTOBUF_C_TYPE_FLOAT ? "%.9g" : "%.17g", value);
    else
        openapi_text(o, isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
}

static void put_bytes(struct openapi *o, const struct ink_value *value)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf text = INK_BUF_INIT;
    ink_buf_base64(&text, value->text.data, value->text.size);
    openapi_text_size(o, text.data == NULL ? "" : text.data, text.len);
}

/* A Timestamp, a Duration, a FieldMask. */
static void put_message(struct openapi *o, const struct rule *rule, size_t i)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf json = INK_BUF_INIT;
    const ProtobufCMessage *message = ((ProtobufCMessage *const *)rule->at)[i];
    const struct ink_message *type = ink_contract_message_of(o->contract, message->descriptor);
    bool ok =
        type != NULL && ink_is_ok(ink_to_json(o->contract, o->arena, type, message, 0, &json));
    openapi_raw(o, ok ? json.data : "null");
}

static void put_integer(struct openapi *o, const struct rule *rule, size_t i, const char *quote)
{
    struct ink_value value = load(rule, i);
    if (ink_value_kind_of(rule->field) == INK_VALUE_UINT)
        openapi_rawf(o, "%s%llu%s", quote, (unsigned long long)value.u, quote);
    else
        openapi_rawf(o, "%s%lld%s", quote, (long long)value.i, quote);
}

/* The i-th value of a rule, as JSON has such values. */
static void put_value(struct openapi *o, const struct rule *rule, size_t i)
{
    enum ink_value_kind kind = ink_value_kind_of(rule->field);
    if (rule->field->type == PROTOBUF_C_TYPE_MESSAGE) {
        put_message(o, rule, i);
        return;
    }
    struct ink_value value = load(rule, i);
    const ProtobufCEnumValue *named =
        rule->enum_type == NULL
            ? NULL
            : protobuf_c_enum_descriptor_get_value(rule->enum_type->c, (int)value.i);
    if (named != NULL)
        openapi_text(o, named->name);
    else if (kind == INK_VALUE_STRING)
        openapi_text_size(o, value.text.data, value.text.size);
    else if (kind == INK_VALUE_BYTES)
        put_bytes(o, &value);
    else if (kind == INK_VALUE_FLOAT)
        put_float(o, rule, value.d);
    else if (kind == INK_VALUE_BOOL)
        openapi_raw(o, value.i != 0 ? "true" : "false");
    else
        put_integer(o, rule, i, is_number(rule->field) ? "" : "\"");
}

static void put_values(struct openapi *o, const char *keyword, const struct rule *rule)
{
    openapi_open_member(o, keyword, '[');
    for (size_t i = 0; i < rule->count; i++)
        put_value(o, rule, i);
    openapi_close(o, ']');
}

/* All that a value may be, in each form that it may have. */
static void put_enum(struct openapi *o, const struct rule *rule)
{
    openapi_open_member(o, "enum", '[');
    for (size_t i = 0; i < rule->count; i++) {
        put_value(o, rule, i);
        if (is_wide(rule->field))
            put_integer(o, rule, i, "");
    }
    openapi_close(o, ']');
}

static char *dashed(struct openapi *o, const char *prefix, const char *name)
{
    char *text = ink_arena_printf(o->arena, "%s%s", prefix, name);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '_')
            *c = '-';
    return text;
}

/* "max_bytes" becomes "x-max-bytes". */
static void put_extension(struct openapi *o, const struct rule *rule)
{
    const char *name = dashed(o, "x-", rule->name);
    if (is_one_of(rule->name, length_rules)) {
        openapi_put_int(o, name, (int64_t)load(rule, 0).u);
        return;
    }
    if (rule->field->label == PROTOBUF_C_LABEL_REPEATED) {
        put_values(o, name, rule);
        return;
    }
    openapi_name(o, name);
    put_value(o, rule, 0);
}

/* Lengths */

struct lengths {
    uint64_t min;
    uint64_t max;
};

static void narrow(struct lengths *lengths, uint64_t min, uint64_t max)
{
    if (min > lengths->min)
        lengths->min = min;
    if (max < lengths->max)
        lengths->max = max;
}

/* `scale` is how many characters a unit of the rule has at most: of UTF-8 a byte is at most one
 * character and a character at most four bytes; of base64 three bytes are four characters. */
static void gather_length(const ProtobufCMessage *typed, const char *name, struct lengths *lengths)
{
    struct rule rule;
    bool base64 = typed->descriptor == &buf__validate__bytes_rules__descriptor;
    if (!find_rule(typed, name, &rule))
        return;
    uint64_t value = load(&rule, 0).u, least = value, most = value;
    if (base64) {
        least = value + (value + 2) / 3;
        most = (value + 2) / 3 * 4;
    } else if (strstr(name, "bytes") != NULL) {
        least = (value + 3) / 4;
    }
    narrow(lengths, strncmp(name, "max", 3) == 0 ? 0 : least,
           strncmp(name, "min", 3) == 0 ? UINT64_MAX : most);
}

static void put_lengths(struct openapi *o, const ProtobufCMessage *typed)
{
    struct lengths lengths = {0, UINT64_MAX};
    for (size_t i = 0; length_rules[i] != NULL; i++)
        gather_length(typed, length_rules[i], &lengths);
    if (lengths.min > 0)
        openapi_put_int(o, "minLength", (int64_t)lengths.min);
    if (lengths.max < UINT64_MAX)
        openapi_put_int(o, "maxLength", (int64_t)lengths.max);
}

/* Ranges */

static void put_bound(struct openapi *o, const ProtobufCMessage *typed, const char *name,
                      const char *keyword)
{
    struct rule rule;
    if (!find_rule(typed, name, &rule))
        return;
    openapi_name(o, keyword);
    put_value(o, &rule, 0);
}

static bool bound_of(const ProtobufCMessage *typed, const char *open, const char *closed,
                     struct rule *ret_rule)
{
    return find_rule(typed, open, ret_rule) || find_rule(typed, closed, ret_rule);
}

/* lt below gt means outside of the two (validate.proto): not between them, each end the other way
 * round. */
static bool is_outside(const ProtobufCMessage *typed)
{
    struct rule lower, upper;
    if (!bound_of(typed, "gt", "gte", &lower) || !bound_of(typed, "lt", "lte", &upper))
        return false;
    struct ink_value low = load(&lower, 0), high = load(&upper, 0);
    return ink_value_compare(ink_value_kind_of(lower.field), &high, &low) < 0;
}

static void put_range(struct openapi *o, const ProtobufCMessage *typed)
{
    struct rule rule;
    if (!(bound_of(typed, "lt", "lte", &rule) || bound_of(typed, "gt", "gte", &rule)) ||
        !is_number(rule.field))
        return;
    bool outside = is_outside(typed);
    if (outside) {
        openapi_open_member(o, "not", '{');
        openapi_put_text(o, "type", "number");
    }
    put_bound(o, typed, "gt", outside ? "maximum" : "exclusiveMinimum");
    put_bound(o, typed, "gte", outside ? "exclusiveMaximum" : "minimum");
    put_bound(o, typed, "lt", outside ? "minimum" : "exclusiveMaximum");
    put_bound(o, typed, "lte", outside ? "exclusiveMinimum" : "maximum");
    if (outside)
        openapi_close(o, '}');
}

/* Patterns */

/* Whether what RE2 and ECMA-262 (which JSON Schema asks for) have in common is all that is used. */
static bool is_common_pattern(const char *pattern)
{
    for (const char *c = pattern; *c != '\0'; c++) {
        if (*c == '(' && c[1] == '?' && c[2] != ':')
            return false;
        if (*c == '[' && c[1] == '[')
            return false;
        if (*c == '\\') {
            if (c[1] != '\0' && strchr("AzCQEpPa", c[1]) != NULL)
                return false;
            c += c[1] != '\0';
        }
    }
    return true;
}

/* {"pattern":...} for a part of a text. */
static void put_part(struct openapi *o, const struct rule *rule)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf pattern = INK_BUF_INIT;
    if (strcmp(rule->name, "prefix") == 0)
        ink_buf_putc(&pattern, '^');
    for (const char *c = load(rule, 0).text.data; *c != '\0'; c++) {
        if (strchr("\\^$.*+?()[]{}|/", *c) != NULL)
            ink_buf_putc(&pattern, '\\');
        ink_buf_putc(&pattern, *c);
    }
    if (strcmp(rule->name, "suffix") == 0)
        ink_buf_putc(&pattern, '$');
    openapi_open(o, '{');
    openapi_put_text(o, "pattern", pattern.data == NULL ? "" : pattern.data);
    openapi_close(o, '}');
}

static void put_part_of(struct openapi *o, const struct rule *rule)
{
    bool not = strncmp(rule->name, "not_", 4) == 0;
    if (not ) {
        openapi_open(o, '{');
        openapi_name(o, "not");
    }
    if (strcmp(rule->name, "not_in") == 0) {
        openapi_open(o, '{');
        put_enum(o, rule);
        openapi_close(o, '}');
    } else {
        put_part(o, rule);
    }
    if (not )
        openapi_close(o, '}');
}

static bool is_part(const struct rule *rule)
{
    return is_one_of(rule->name, part_rules) &&
           (rule->field->type == PROTOBUF_C_TYPE_STRING || strcmp(rule->name, "not_in") == 0);
}

/* Those that would need one keyword several times. */
static void put_parts(struct openapi *o, const ProtobufCMessage *typed)
{
    struct rule rule;
    bool any = false;
    for (size_t i = 0; part_rules[i] != NULL; i++) {
        if (!find_rule(typed, part_rules[i], &rule) || !is_part(&rule))
            continue;
        if (!any)
            openapi_open_member(o, "allOf", '[');
        any = true;
        put_part_of(o, &rule);
    }
    if (any)
        openapi_close(o, ']');
}

/* Formats */

/* "uri_ref" is "uri-reference" in JSON Schema, which knows some of the others by the same name. */
static void put_format(struct openapi *o, const struct rule *rule)
{
    bool reference = strcmp(rule->name, "uri_ref") == 0;
    openapi_put_text(o, "format", reference ? "uri-reference" : dashed(o, "", rule->name));
}

/* Of what is left when put_rule() has come to it. */
static bool is_format(const struct rule *rule)
{
    return rule->field->type == PROTOBUF_C_TYPE_BOOL && strstr(rule->name, "now") == NULL;
}

/* All others, one by one. */

static void put_rule(struct openapi *o, const struct rule *rule)
{
    static const char *const elsewhere[] = {"strict", "finite", "defined_only", "example", NULL};
    if (is_one_of(rule->name, elsewhere) || is_part(rule))
        return;
    if (is_one_of(rule->name, range_rules) && is_number(rule->field))
        return;
    if (strcmp(rule->name, "const") == 0 && !is_wide(rule->field)) {
        openapi_name(o, "const");
        put_value(o, rule, 0);
    } else if (strcmp(rule->name, "in") == 0 || strcmp(rule->name, "const") == 0) {
        put_enum(o, rule);
    } else if (strcmp(rule->name, "pattern") == 0 && is_common_pattern(load(rule, 0).text.data)) {
        openapi_put_text(o, "pattern", load(rule, 0).text.data);
    } else if (is_format(rule)) {
        if (load(rule, 0).i != 0)
            put_format(o, rule);
    } else if (!is_one_of(rule->name, length_rules) || strstr(rule->name, "bytes") != NULL) {
        put_extension(o, rule);
    }
}

void openapi_put_rules(struct openapi *o, const ProtobufCMessage *typed,
                       const struct ink_enum *enum_type)
{
    if (typed == NULL)
        return;
    put_lengths(o, typed);
    put_range(o, typed);
    put_parts(o, typed);
    for (unsigned i = 0; i < typed->descriptor->n_fields; i++) {
        struct rule rule;
        if (!rule_at(typed, i, &rule))
            continue;
        rule.enum_type = enum_type;
        put_rule(o, &rule);
    }
}

bool openapi_rules_have(const ProtobufCMessage *typed, const char *name)
{
    struct rule rule;
    return typed != NULL && find_rule(typed, name, &rule);
}

void openapi_put_examples(struct openapi *o, const ProtobufCMessage *typed, const char *otherwise)
{
    static const struct {
        const char *rule;
        const char *example;
    } known[] = {{"uuid", "\"0198f0c4-6f3a-7cc2-9d56-3b2f7b8e4a11\""},
                 {"email", "\"ada@example.com\""}};
    struct rule rule;
    if (typed != NULL && find_rule(typed, "example", &rule)) {
        put_values(o, "examples", &rule);
        return;
    }
    for (size_t i = 0; typed != NULL && i < INK_COUNT(known); i++)
        if (find_rule(typed, known[i].rule, &rule) && load(&rule, 0).i != 0)
            otherwise = known[i].example;
    if (otherwise != NULL)
        openapi_put_raw(o, "examples", ink_arena_printf(o->arena, "[%s]", otherwise));
}
