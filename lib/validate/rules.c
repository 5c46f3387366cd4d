/* From the rules of one value to its checks. The rules messages of all types are walked alike, by
 * their descriptors: what a rule is called says what it does. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "lib/base/alloc.h"
#include "lib/base/uuid.h"
#include "lib/validate/formats.h"
#include "lib/validate/plan.h"

#define LISTED_VALUES 10 /* how many a message spells out */

/* The rules of one value while they are compiled. */
struct builder {
    struct ink_compiler *compiler;
    struct ink_arena *arena; /* the validator's */
    enum ink_value_kind kind;
    const ProtobufCEnumDescriptor *enum_type;
    bool loose; /* StringRules.strict is false */
    struct ink_check *checks;
    size_t n_checks;
    struct ink_check range; /* gathers lt, lte, gt, gte */
};

/* One rule that is set, and its first or only value. */
struct rule {
    const ProtobufCFieldDescriptor *field;
    const void *at; /* the first element of a repeated rule */
    size_t count;
    struct ink_value value;
};

static struct ink_check *add(struct builder *b, enum ink_check_op op, const char *message)
{
    struct ink_check *check = &b->checks[b->n_checks++];
    check->op = op;
    check->message = message;
    return check;
}

static const char *text_of(struct builder *b, const struct ink_value *value)
{
    struct ink_buf buf = INK_BUF_INIT;
    ink_value_print(&buf, b->kind, b->enum_type, value);
    const char *text = ink_arena_strndup(b->arena, buf.data, buf.len);
    ink_buf_release(&buf);
    return text;
}

static const char *list_of(struct builder *b, const struct ink_value *values, size_t count)
{
    struct ink_buf buf = INK_BUF_INIT;
    for (size_t i = 0; i < count && i < LISTED_VALUES; i++) {
        ink_buf_puts(&buf, i == 0 ? "" : ", ");
        ink_value_print(&buf, b->kind, b->enum_type, &values[i]);
    }
    if (count > LISTED_VALUES)
        ink_buf_puts(&buf, ", ...");
    const char *text = ink_arena_strndup(b->arena, buf.data, buf.len);
    ink_buf_release(&buf);
    return text;
}

static void add_set(struct builder *b, enum ink_check_op op, const struct rule *rule,
                    const char *intro)
{
    struct ink_value *values = ink_arena_calloc(b->arena, rule->count, sizeof(*values));
    enum ink_value_kind kind = ink_value_kind_of(rule->field);
    for (size_t i = 0; i < rule->count; i++)
        values[i] =
            ink_value_load(kind, rule->field->type,
                           (const char *)rule->at + i * ink_value_stride(rule->field->type));
    const char *list = list_of(b, values, rule->count);
    struct ink_check *check = add(b, op, ink_arena_printf(b->arena, "%s %s", intro, list));
    check->set.values = values;
    check->set.n_values = rule->count;
}

static void rule_const(struct builder *b, const struct rule *rule)
{
    add_set(b, INK_CHECK_IN, rule, "must be");
}

static void rule_in(struct builder *b, const struct rule *rule)
{
    add_set(b, INK_CHECK_IN, rule, rule->count == 1 ? "must be" : "must be one of");
}

static void rule_not_in(struct builder *b, const struct rule *rule)
{
    add_set(b, INK_CHECK_NOT_IN, rule, rule->count == 1 ? "must not be" : "must not be one of");
}

static void bound(struct builder *b, const struct rule *rule, struct ink_bound *side)
{
    if (b->kind == INK_VALUE_FLOAT && isnan(rule->value.d))
        ink_compile_refuse(b->compiler, "the rule %s is not a number", rule->field->name);
    side->set = true;
    side->inclusive = rule->field->name[strlen(rule->field->name) - 1] == 'e';
    side->value = rule->value;
}

static void rule_upper(struct builder *b, const struct rule *rule)
{
    bound(b, rule, &b->range.range.upper);
}

static void rule_lower(struct builder *b, const struct rule *rule)
{
    bound(b, rule, &b->range.range.lower);
}

static const char *limit(struct builder *b, const struct ink_bound *side, const char *open,
                         const char *closed)
{
    return ink_arena_printf(b->arena, "%s %s", side->inclusive ? closed : open,
                            text_of(b, &side->value));
}

/* After all rules were seen: lt and gt together mean between, or outside when they are crossed. */
static void add_range(struct builder *b)
{
    struct ink_bound *lower = &b->range.range.lower, *upper = &b->range.range.upper;
    if (!lower->set && !upper->set)
        return;
    const char *low = lower->set ? limit(b, lower, "greater than", "at least") : "";
    const char *high = upper->set ? limit(b, upper, "less than", "at most") : "";
    const char *both = "";
    if (lower->set && upper->set) {
        b->range.range.inverted = ink_value_compare(b->kind, &upper->value, &lower->value) < 0;
        both = b->range.range.inverted ? " or " : " and ";
    }
    struct ink_check *check =
        add(b, INK_CHECK_RANGE, ink_arena_printf(b->arena, "must be %s%s%s", low, both, high));
    check->range = b->range.range;
}

static void rule_finite(struct builder *b, const struct rule *rule)
{
    if (rule->value.i != 0)
        add(b, INK_CHECK_FINITE, "must be a finite number");
}

/* A length: of characters for the rules ..._len of a string, of bytes for the others. */
static void add_length(struct builder *b, const struct rule *rule, const char *how, uint64_t min,
                       uint64_t max)
{
    bool bytes = b->kind == INK_VALUE_BYTES || strstr(rule->field->name, "bytes") != NULL;
    const char *unit = bytes ? "byte" : "character";
    const char *plural = rule->value.u == 1 ? "" : "s";
    const char *message = ink_arena_printf(b->arena, "must be %s %llu %s%s", how,
                                           (unsigned long long)rule->value.u, unit, plural);
    struct ink_check *check = add(b, bytes ? INK_CHECK_BYTES : INK_CHECK_CHARACTERS, message);
    check->count.min = min;
    check->count.max = max;
}

static void rule_length(struct builder *b, const struct rule *rule)
{
    add_length(b, rule, "exactly", rule->value.u, rule->value.u);
}

static void rule_min_length(struct builder *b, const struct rule *rule)
{
    add_length(b, rule, "at least", rule->value.u, UINT64_MAX);
}

static void rule_max_length(struct builder *b, const struct rule *rule)
{
    add_length(b, rule, "at most", 0, rule->value.u);
}

static void keep_pattern(struct ink_validator *validator, struct ink_pattern *pattern)
{
    validator->patterns = ink_realloc(validator->patterns,
                                      (validator->n_patterns + 1) * sizeof(*validator->patterns));
    validator->patterns[validator->n_patterns++] = pattern;
}

static void rule_pattern(struct builder *b, const struct rule *rule)
{
    const char *error = "";
    struct ink_pattern *pattern =
        ink_pattern_new(rule->value.text.data, b->compiler->arena, &error);
    if (pattern == NULL) {
        ink_compile_refuse(b->compiler, "the pattern %s is not usable: %s", rule->value.text.data,
                           error);
        return;
    }
    keep_pattern(b->compiler->validator, pattern);
    const char *message =
        ink_arena_printf(b->arena, "must match the pattern %s", rule->value.text.data);
    add(b, INK_CHECK_PATTERN, message)->pattern = pattern;
}

static void add_part(struct builder *b, enum ink_check_op op, const struct rule *rule,
                     const char *intro)
{
    const char *message = ink_arena_printf(b->arena, "%s %s", intro, text_of(b, &rule->value));
    add(b, op, message)->value = rule->value;
}

static void rule_prefix(struct builder *b, const struct rule *rule)
{
    add_part(b, INK_CHECK_PREFIX, rule, "must start with");
}

static void rule_suffix(struct builder *b, const struct rule *rule)
{
    add_part(b, INK_CHECK_SUFFIX, rule, "must end with");
}

static void rule_contains(struct builder *b, const struct rule *rule)
{
    add_part(b, INK_CHECK_CONTAINS, rule, "must contain");
}

static void rule_not_contains(struct builder *b, const struct rule *rule)
{
    add_part(b, INK_CHECK_NOT_CONTAINS, rule, "must not contain");
}

static void rule_defined(struct builder *b, const struct rule *rule)
{
    if (rule->value.i != 0)
        add(b, INK_CHECK_DEFINED, "must be one of the defined values")->enum_type = b->enum_type;
}

static void rule_before_now(struct builder *b, const struct rule *rule)
{
    if (rule->value.i != 0)
        add(b, INK_CHECK_BEFORE_NOW, "must be in the past");
}

static void rule_after_now(struct builder *b, const struct rule *rule)
{
    if (rule->value.i != 0)
        add(b, INK_CHECK_AFTER_NOW, "must be in the future");
}

static void rule_within(struct builder *b, const struct rule *rule)
{
    struct ink_buf buf = INK_BUF_INIT;
    ink_value_print(&buf, INK_VALUE_DURATION, NULL, &rule->value);
    const char *message = ink_arena_printf(b->arena, "must be within %s of now", buf.data);
    ink_buf_release(&buf);
    add(b, INK_CHECK_WITHIN, message)->value = rule->value;
}

static void rule_known_regex(struct builder *b, const struct rule *rule)
{
    switch (rule->value.i) {
    case BUF__VALIDATE__KNOWN_REGEX__KNOWN_REGEX_UNSPECIFIED:
        break;
    case BUF__VALIDATE__KNOWN_REGEX__KNOWN_REGEX_HTTP_HEADER_NAME:
        add(b, INK_CHECK_FORMAT, "must be a valid HTTP header name")->format =
            b->loose ? ink_is_header_name_loose : ink_is_header_name;
        break;
    case BUF__VALIDATE__KNOWN_REGEX__KNOWN_REGEX_HTTP_HEADER_VALUE:
        add(b, INK_CHECK_FORMAT, "must be a valid HTTP header value")->format =
            b->loose ? ink_is_header_value_loose : ink_is_header_value;
        break;
    default:
        ink_compile_refuse(b->compiler, "the rule well_known_regex has an unknown value");
    }
}

static void rule_nothing(struct builder *b, const struct rule *rule)
{
    (void)b;
    (void)rule;
}

/* A rule of the same name does the same for each type. */
static const struct {
    const char *name;
    void (*compile)(struct builder *b, const struct rule *rule);
} rules[] = {
    {"const", rule_const},
    {"in", rule_in},
    {"not_in", rule_not_in},
    {"lt", rule_upper},
    {"lte", rule_upper},
    {"gt", rule_lower},
    {"gte", rule_lower},
    {"finite", rule_finite},
    {"len", rule_length},
    {"min_len", rule_min_length},
    {"max_len", rule_max_length},
    {"len_bytes", rule_length},
    {"min_bytes", rule_min_length},
    {"max_bytes", rule_max_length},
    {"pattern", rule_pattern},
    {"prefix", rule_prefix},
    {"suffix", rule_suffix},
    {"contains", rule_contains},
    {"not_contains", rule_not_contains},
    {"well_known_regex", rule_known_regex},
    {"strict", rule_nothing}, /* read before the others */
    {"defined_only", rule_defined},
    {"lt_now", rule_before_now},
    {"gt_now", rule_after_now},
    {"within", rule_within},
    {"example", rule_nothing},
};

static const struct {
    const char *name;
    enum ink_value_kind kind;
    bool (*test)(const char *text, size_t size);
    const char *what;
} formats[] = {
    {"email", INK_VALUE_STRING, ink_is_email, "email address"},
    {"hostname", INK_VALUE_STRING, ink_is_hostname, "hostname"},
    {"ip", INK_VALUE_STRING, ink_is_ip, "IP address"},
    {"ipv4", INK_VALUE_STRING, ink_is_ipv4, "IPv4 address"},
    {"ipv6", INK_VALUE_STRING, ink_is_ipv6, "IPv6 address"},
    {"uri", INK_VALUE_STRING, ink_is_uri, "URI"},
    {"uri_ref", INK_VALUE_STRING, ink_is_uri_ref, "URI reference"},
    {"address", INK_VALUE_STRING, ink_is_address, "hostname or IP address"},
    {"uuid", INK_VALUE_STRING, ink_uuid_valid, "UUID"},
    {"tuuid", INK_VALUE_STRING, ink_is_tuuid, "UUID without hyphens"},
    {"ip_with_prefixlen", INK_VALUE_STRING, ink_is_ip_with_prefixlen,
     "IP address with prefix length"},
    {"ipv4_with_prefixlen", INK_VALUE_STRING, ink_is_ipv4_with_prefixlen,
     "IPv4 address with prefix length"},
    {"ipv6_with_prefixlen", INK_VALUE_STRING, ink_is_ipv6_with_prefixlen,
     "IPv6 address with prefix length"},
    {"ip_prefix", INK_VALUE_STRING, ink_is_ip_prefix, "IP prefix"},
    {"ipv4_prefix", INK_VALUE_STRING, ink_is_ipv4_prefix, "IPv4 prefix"},
    {"ipv6_prefix", INK_VALUE_STRING, ink_is_ipv6_prefix, "IPv6 prefix"},
    {"host_and_port", INK_VALUE_STRING, ink_is_host_and_port, "host and port pair"},
    {"ip", INK_VALUE_BYTES, ink_is_ip_bytes, "IP address"},
    {"ipv4", INK_VALUE_BYTES, ink_is_ipv4_bytes, "IPv4 address"},
    {"ipv6", INK_VALUE_BYTES, ink_is_ipv6_bytes, "IPv6 address"},
};

static bool compile_format(struct builder *b, const struct rule *rule)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (formats[i].kind != b->kind || strcmp(formats[i].name, rule->field->name) != 0)
            continue;
        if (rule->value.i != 0)
            add(b, INK_CHECK_FORMAT,
                ink_arena_printf(b->arena, "must be a valid %s", formats[i].what))
                ->format = formats[i].test;
        return true;
    }
    return false;
}

static void compile_rule(struct builder *b, const struct rule *rule)
{
    if (compile_format(b, rule))
        return;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (strcmp(rules[i].name, rule->field->name) == 0) {
            rules[i].compile(b, rule);
            return;
        }
    }
    ink_compile_refuse(b->compiler, "the rule %s is not supported", rule->field->name);
}

static struct rule rule_at(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
    struct rule rule = {.field = field, .at = (const char *)message + field->offset, .count = 1};
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        rule.count = *(const size_t *)((const char *)message + field->quantifier_offset);
        rule.at = *(const void *const *)rule.at;
    }
    rule.value = ink_value_load(ink_value_kind_of(field), field->type, rule.at);
    return rule;
}

static bool is_loose(const ProtobufCMessage *rules)
{
    if (rules->descriptor != &buf__validate__string_rules__descriptor)
        return false;
    const Buf__Validate__StringRules *text = (const Buf__Validate__StringRules *)rules;
    return text->has_strict && !text->strict;
}

void ink_compile_checks(struct ink_compiler *compiler, struct ink_value_plan *plan,
                        const ProtobufCEnumDescriptor *enum_type, const ProtobufCMessage *rules)
{
    if (rules == NULL)
        return;
    ink_compile_unknown(compiler, rules);
    struct builder b = {.compiler = compiler,
                        .arena = &compiler->validator->arena,
                        .kind = plan->kind,
                        .enum_type = enum_type,
                        .loose = is_loose(rules)};
    size_t room = rules->descriptor->n_fields + 1; /* and the check that a time is one */
    b.checks = ink_arena_calloc(b.arena, room, sizeof(*b.checks));
    if (plan->kind == INK_VALUE_TIMESTAMP)
        add(&b, INK_CHECK_TIME_VALID, "must be a valid timestamp");
    if (plan->kind == INK_VALUE_DURATION)
        add(&b, INK_CHECK_TIME_VALID, "must be a valid duration");
    for (unsigned i = 0; i < rules->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &rules->descriptor->fields[i];
        if (!ink_field_is_set(field, rules))
            continue;
        struct rule rule = rule_at(field, rules);
        compile_rule(&b, &rule);
    }
    add_range(&b);
    plan->checks = b.checks;
    plan->n_checks = b.n_checks;
}
