/* From the contract to plans: which messages are reachable, what each of their fields asks. */
#include <stdarg.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/validate/plan.h"
#include "lib/validate/validate.h"

#define RULES_EXTENSION 1159 /* of MessageOptions, OneofOptions and FieldOptions */
#define PREDEFINED_EXTENSION 1160

static const struct ink_message_plan *compile_message(struct ink_compiler *c,
                                                      const struct ink_message *message, bool bare);

void ink_compile_refuse(struct ink_compiler *c, const char *format, ...)
{
    if (c->failed)
        return;
    c->failed = true;
    va_list args;
    va_start(args, format);
    const char *what = ink_arena_vprintf(c->arena, format, args);
    va_end(args);
    c->error = ink_errorf(c->arena, INK_FAILED_PRECONDITION, "%s%s%s%s: %s", c->message,
                          c->field[0] != '\0' ? "." : "", c->field, c->part, what);
}

void ink_compile_unknown(struct ink_compiler *c, const ProtobufCMessage *rules)
{
    if (rules->n_unknown_fields != 0)
        ink_compile_refuse(c, "the rule with number %u of %s is not supported",
                           rules->unknown_fields[0].tag, rules->descriptor->name);
}

ProtobufCMessage *ink_compile_unpack(struct ink_compiler *c, const ProtobufCMessage *options,
                                     const ProtobufCMessageDescriptor *type)
{
    uint8_t *data;
    size_t size;
    struct ink_arena *arena = &c->validator->arena;
    if (options == NULL || c->failed)
        return NULL;
    if (ink_option_bytes(arena, options, PREDEFINED_EXTENSION, &data, &size))
        ink_compile_refuse(c, "the rule predefined is not supported");
    if (!ink_option_bytes(arena, options, RULES_EXTENSION, &data, &size))
        return NULL;
    ProtobufCMessage *rules =
        protobuf_c_message_unpack(type, ink_arena_allocator(arena), size, data);
    if (rules == NULL)
        ink_compile_refuse(c, "the buf.validate option is malformed");
    else
        ink_compile_unknown(c, rules);
    return rules;
}

/* Which member of FieldRules' `type` fits a value. */
static Buf__Validate__FieldRules__TypeCase
scalar_case(Google__Protobuf__FieldDescriptorProto__Type type)
{
    /* FieldRules numbers its scalars in an order of its own. */
    static const Buf__Validate__FieldRules__TypeCase cases[] = {
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE] =
            BUF__VALIDATE__FIELD_RULES__TYPE_DOUBLE,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT] =
            BUF__VALIDATE__FIELD_RULES__TYPE_FLOAT,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT64] =
            BUF__VALIDATE__FIELD_RULES__TYPE_INT64,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT64] =
            BUF__VALIDATE__FIELD_RULES__TYPE_UINT64,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT32] =
            BUF__VALIDATE__FIELD_RULES__TYPE_INT32,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED64] =
            BUF__VALIDATE__FIELD_RULES__TYPE_FIXED64,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED32] =
            BUF__VALIDATE__FIELD_RULES__TYPE_FIXED32,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL] =
            BUF__VALIDATE__FIELD_RULES__TYPE_BOOL,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING] =
            BUF__VALIDATE__FIELD_RULES__TYPE_STRING,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES] =
            BUF__VALIDATE__FIELD_RULES__TYPE_BYTES,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT32] =
            BUF__VALIDATE__FIELD_RULES__TYPE_UINT32,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM] =
            BUF__VALIDATE__FIELD_RULES__TYPE_ENUM,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED32] =
            BUF__VALIDATE__FIELD_RULES__TYPE_SFIXED32,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED64] =
            BUF__VALIDATE__FIELD_RULES__TYPE_SFIXED64,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT32] =
            BUF__VALIDATE__FIELD_RULES__TYPE_SINT32,
        [GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT64] =
            BUF__VALIDATE__FIELD_RULES__TYPE_SINT64,
    };
    return (size_t)type < sizeof(cases) / sizeof(cases[0])
               ? cases[type]
               : BUF__VALIDATE__FIELD_RULES__TYPE__NOT_SET;
}

static Buf__Validate__FieldRules__TypeCase fitting_case(const struct ink_value_plan *plan,
                                                        const struct ink_field *field)
{
    switch (plan->kind) {
    case INK_VALUE_TIMESTAMP:
        return BUF__VALIDATE__FIELD_RULES__TYPE_TIMESTAMP;
    case INK_VALUE_DURATION:
        return BUF__VALIDATE__FIELD_RULES__TYPE_DURATION;
    case INK_VALUE_ANY:
        return BUF__VALIDATE__FIELD_RULES__TYPE_ANY;
    case INK_VALUE_MESSAGE:
        return BUF__VALIDATE__FIELD_RULES__TYPE__NOT_SET;
    default:
        return scalar_case((plan->wrapped ? &field->message->fields[0] : field)->proto->type);
    }
}

/* The message that `type` of the rules holds; NULL when none is set. */
static const ProtobufCMessage *typed_rules(const Buf__Validate__FieldRules *rules)
{
    if (rules == NULL || rules->type_case == BUF__VALIDATE__FIELD_RULES__TYPE__NOT_SET)
        return NULL;
    return (const ProtobufCMessage *)rules->float_; /* all members of the union are pointers */
}

static bool ignored_always(const Buf__Validate__FieldRules *rules)
{
    return rules != NULL && rules->has_ignore &&
           rules->ignore == BUF__VALIDATE__IGNORE__IGNORE_ALWAYS;
}

static bool ignored_if_zero(const Buf__Validate__FieldRules *rules)
{
    return rules != NULL && rules->has_ignore &&
           rules->ignore == BUF__VALIDATE__IGNORE__IGNORE_IF_ZERO_VALUE;
}

/* What holds for the rules of fields, elements, keys and values alike. */
static void check_common(struct ink_compiler *c, const Buf__Validate__FieldRules *rules)
{
    if (rules == NULL)
        return;
    ink_compile_unknown(c, &rules->base);
    if (rules->n_cel != 0)
        ink_compile_refuse(c, "the rule cel is not supported");
    if (rules->has_ignore && protobuf_c_enum_descriptor_get_value(
                                 &buf__validate__ignore__descriptor, (int)rules->ignore) == NULL)
        ink_compile_refuse(c, "the rule ignore has an unknown value");
}

static void refuse_type(struct ink_compiler *c, const Buf__Validate__FieldRules *rules)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
        &buf__validate__field_rules__descriptor, (unsigned)rules->type_case);
    ink_compile_refuse(c, "the rule %s does not fit the field's type", field->name);
}

/* One value: a single field's, or an element of a list or map. `field` tells its type. */
static void compile_value(struct ink_compiler *c, const struct ink_field *field,
                          const Buf__Validate__FieldRules *rules, bool bare,
                          struct ink_value_plan *plan)
{
    const ProtobufCFieldDescriptor *inner = field->c;
    plan->outer_type = field->c->type;
    if (field->message != NULL && field->message->well_known == INK_WRAPPER) {
        plan->wrapped = true;
        inner = field->message->fields[0].c;
        plan->wrapped_offset = inner->offset;
    }
    plan->kind = ink_value_kind_of(inner);
    plan->type = inner->type;
    plan->ignore_zero = ignored_if_zero(rules);
    check_common(c, rules);
    if (ignored_always(rules)) {
        rules = NULL;
        bare = true;
    }
    const ProtobufCMessage *typed = typed_rules(rules);
    if (typed != NULL && rules->type_case != fitting_case(plan, field)) {
        refuse_type(c, rules);
        return;
    }
    const ProtobufCEnumDescriptor *enum_type =
        field->enum_type == NULL ? NULL : field->enum_type->c;
    ink_compile_checks(c, plan, enum_type, typed);
    if (field->message != NULL && !plan->wrapped)
        plan->message = compile_message(c, field->message, bare);
}

/* An element's rules say nothing about presence: it is always there. */
static void compile_element(struct ink_compiler *c, const struct ink_field *field, const char *part,
                            const Buf__Validate__FieldRules *rules, bool bare,
                            struct ink_value_plan *plan)
{
    c->part = part;
    compile_value(c, field, rules, bare, plan);
    c->part = "";
}

static void compile_count(struct ink_compiler *c, struct ink_field_plan *plan, bool has_min,
                          uint64_t min, bool has_max, uint64_t max, const char *one,
                          const char *many)
{
    struct ink_arena *arena = &c->validator->arena;
    plan->has_count = has_min || has_max;
    plan->count.min = has_min ? min : 0;
    plan->count.max = has_max ? max : UINT64_MAX;
    plan->too_few = ink_arena_printf(arena, "must have at least %llu %s", (unsigned long long)min,
                                     min == 1 ? one : many);
    plan->too_many = ink_arena_printf(arena, "must have at most %llu %s", (unsigned long long)max,
                                      max == 1 ? one : many);
}

static void compile_list(struct ink_compiler *c, const struct ink_field *field,
                         const Buf__Validate__FieldRules *rules, bool bare,
                         struct ink_field_plan *plan)
{
    const Buf__Validate__RepeatedRules *list = NULL;
    if (typed_rules(rules) != NULL) {
        if (rules->type_case != BUF__VALIDATE__FIELD_RULES__TYPE_REPEATED) {
            refuse_type(c, rules);
            return;
        }
        list = rules->repeated;
        ink_compile_unknown(c, &list->base);
        compile_count(c, plan, list->has_min_items, list->min_items, list->has_max_items,
                      list->max_items, "item", "items");
        plan->unique = list->has_unique && list->unique;
    }
    compile_element(c, field, ".items", list == NULL ? NULL : list->items, bare, &plan->value);
    if (plan->unique && field->message != NULL && !plan->value.wrapped)
        ink_compile_refuse(c, "the rule unique does not fit messages");
}

static void compile_map(struct ink_compiler *c, const struct ink_field *field,
                        const Buf__Validate__FieldRules *rules, bool bare,
                        struct ink_field_plan *plan)
{
    const Buf__Validate__MapRules *map = NULL;
    if (typed_rules(rules) != NULL) {
        if (rules->type_case != BUF__VALIDATE__FIELD_RULES__TYPE_MAP) {
            refuse_type(c, rules);
            return;
        }
        map = rules->map;
        ink_compile_unknown(c, &map->base);
        compile_count(c, plan, map->has_min_pairs, map->min_pairs, map->has_max_pairs,
                      map->max_pairs, "entry", "entries");
    }
    compile_element(c, &field->message->fields[0], ".keys", map == NULL ? NULL : map->keys, bare,
                    &plan->key);
    compile_element(c, &field->message->fields[1], ".values", map == NULL ? NULL : map->values,
                    bare, &plan->value);
}

/* Whether there is anything to look at in a value. */
static bool idle(const struct ink_value_plan *plan)
{
    return plan->n_checks == 0 && plan->message == NULL && plan->kind != INK_VALUE_STRING;
}

/* Fields of maps are never idle: an entry may lack its message. */
static bool field_idle(const struct ink_field_plan *plan)
{
    return plan->shape != INK_FIELD_MAP && !plan->required && !plan->has_count && !plan->unique &&
           idle(&plan->value);
}

/* False when nothing is asked of the field. */
static bool compile_field(struct ink_compiler *c, const struct ink_field *field, bool bare,
                          bool in_choice, struct ink_field_plan *plan)
{
    c->field = field->name;
    const Buf__Validate__FieldRules *rules = NULL;
    if (!bare)
        rules = (const Buf__Validate__FieldRules *)ink_compile_unpack(
            c, (const ProtobufCMessage *)field->proto->options,
            &buf__validate__field_rules__descriptor);
    check_common(c, rules);
    if (ignored_always(rules)) {
        rules = NULL;
        bare = true;
    }
    plan->field = field;
    plan->required = rules != NULL && rules->has_required && rules->required;
    plan->skip_unset = ink_field_has_presence(field->c) || ignored_if_zero(rules) ||
                       (in_choice && (rules == NULL || !rules->has_ignore));
    plan->shape = field->map ? INK_FIELD_MAP : field->repeated ? INK_FIELD_LIST : INK_FIELD_SINGLE;
    if (plan->shape == INK_FIELD_MAP)
        compile_map(c, field, rules, bare, plan);
    else if (plan->shape == INK_FIELD_LIST)
        compile_list(c, field, rules, bare, plan);
    else
        compile_value(c, field, rules, bare, &plan->value);
    c->field = "";
    return !field_idle(plan);
}

static struct ink_message_plan *find_plan(const struct ink_compiler *c,
                                          const struct ink_message *message, bool bare)
{
    struct ink_message_plan *plan = c->validator->plans;
    while (plan != NULL && (plan->message != message || plan->bare != bare))
        plan = plan->next;
    return plan;
}

static struct ink_message_plan *add_plan(struct ink_compiler *c, const struct ink_message *message,
                                         bool bare)
{
    struct ink_message_plan *plan = ink_arena_calloc(&c->validator->arena, 1, sizeof(*plan));
    plan->message = message;
    plan->bare = bare;
    plan->next = c->validator->plans;
    c->validator->plans = plan;
    return plan;
}

static void fill_plan(struct ink_compiler *c, struct ink_message_plan *plan)
{
    const struct ink_message *message = plan->message;
    plan->fields = ink_arena_calloc(&c->validator->arena, message->n_fields, sizeof(*plan->fields));
    if (!plan->bare)
        ink_compile_choices(c, plan);
    for (size_t i = 0; i < message->n_fields && !c->failed; i++) {
        const struct ink_field *field = &message->fields[i];
        struct ink_field_plan one = {0};
        if (compile_field(c, field, plan->bare, ink_plan_chooses(plan, field), &one))
            plan->fields[plan->n_fields++] = one;
    }
    plan->complete = true;
}

/* NULL when nothing is asked of such messages. One that contains itself is met again before it is
 * complete and is always walked, which also bounds its depth. */
static const struct ink_message_plan *compile_message(struct ink_compiler *c,
                                                      const struct ink_message *message, bool bare)
{
    struct ink_message_plan *plan = find_plan(c, message, bare);
    if (plan == NULL) {
        const char *outer_message = c->message, *outer_field = c->field, *outer_part = c->part;
        c->message = message->full_name;
        c->field = c->part = "";
        plan = add_plan(c, message, bare);
        fill_plan(c, plan);
        c->message = outer_message;
        c->field = outer_field;
        c->part = outer_part;
    }
    return plan->complete && plan->n_fields + plan->n_choices == 0 ? NULL : plan;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t)(*(struct ink_message_plan *const *)a)->message;
    uintptr_t right = (uintptr_t)(*(struct ink_message_plan *const *)b)->message;
    return (left > right) - (left < right);
}

static void collect_roots(struct ink_validator *validator)
{
    size_t count = 0;
    for (const struct ink_message_plan *plan = validator->plans; plan != NULL; plan = plan->next)
        count++;
    validator->roots = ink_arena_calloc(&validator->arena, count, sizeof(*validator->roots));
    for (const struct ink_message_plan *plan = validator->plans; plan != NULL; plan = plan->next)
        if (!plan->bare)
            validator->roots[validator->n_roots++] = plan;
    qsort(validator->roots, validator->n_roots, sizeof(*validator->roots), by_address);
}

struct ink_status ink_validator_new_for(const struct ink_contract *contract,
                                        const struct ink_message *const *types, size_t n_types,
                                        struct ink_arena *arena,
                                        struct ink_validator **ret_validator)
{
    struct ink_validator *validator = ink_calloc(1, sizeof(*validator));
    ink_arena_init(&validator->arena);
    struct ink_compiler c = {.contract = contract,
                             .validator = validator,
                             .arena = arena,
                             .message = "",
                             .field = "",
                             .part = ""};
    for (size_t i = 0; i < n_types && !c.failed; i++)
        (void)compile_message(&c, types[i], false);
    if (c.failed) {
        ink_validator_free(validator);
        return c.error;
    }
    collect_roots(validator);
    *ret_validator = validator;
    return ink_ok();
}

struct ink_status ink_validator_new(const struct ink_contract *contract, struct ink_arena *arena,
                                    struct ink_validator **ret_validator)
{
    size_t n_services, n_types = 0, at = 0;
    const struct ink_service *const *services = ink_contract_services(contract, &n_services);
    for (size_t i = 0; i < n_services; i++)
        n_types += services[i]->n_methods;
    const struct ink_message **types = ink_calloc(n_types + 1, sizeof(*types));
    for (size_t i = 0; i < n_services; i++)
        for (size_t m = 0; m < services[i]->n_methods; m++)
            types[at++] = services[i]->methods[m].input;
    struct ink_status status =
        ink_validator_new_for(contract, types, n_types, arena, ret_validator);
    free(types);
    return status;
}

void ink_validator_free(struct ink_validator *validator)
{
    if (validator == NULL)
        return;
    for (size_t i = 0; i < validator->n_patterns; i++)
        ink_pattern_free(validator->patterns[i]);
    free(validator->patterns);
    ink_arena_release(&validator->arena);
    free(validator);
}
