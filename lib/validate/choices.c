/* Rules over several fields: the oneofs of a message, and its own `oneof` rules. */
#include <string.h>

#include "lib/validate/plan.h"

static const char *names_of(struct ink_arena *arena, const struct ink_field *const *fields,
                            size_t count)
{
    const char *names = fields[0]->name;
    for (size_t i = 1; i < count; i++)
        names = ink_arena_printf(arena, "%s, %s", names, fields[i]->name);
    return names;
}

static bool contains(const struct ink_field *const *fields, size_t count,
                     const struct ink_field *field)
{
    for (size_t i = 0; i < count; i++)
        if (fields[i] == field)
            return true;
    return false;
}

/* A message's `oneof` rule, over fields of any kind. */
static void compile_choice(struct ink_compiler *c, const struct ink_message *message,
                           const Buf__Validate__MessageOneofRule *rule,
                           struct ink_choice_plan *plan)
{
    struct ink_arena *arena = &c->validator->arena;
    ink_compile_unknown(c, &rule->base);
    if (rule->n_fields == 0)
        ink_compile_refuse(c, "the rule oneof names no field");
    const struct ink_field **fields = ink_arena_calloc(arena, rule->n_fields, sizeof(*fields));
    for (size_t i = 0; i < rule->n_fields; i++) {
        const char *name = rule->fields[i];
        fields[i] = ink_message_field(message, name, strlen(name));
        if (fields[i] == NULL)
            ink_compile_refuse(c, "the rule oneof names %s, which is no field", name);
        else if (contains(fields, i, fields[i]))
            ink_compile_refuse(c, "the rule oneof names %s twice", name);
    }
    if (c->failed)
        return;
    const char *names = names_of(arena, fields, rule->n_fields);
    plan->fields = fields;
    plan->n_fields = rule->n_fields;
    plan->required = rule->has_required && rule->required;
    plan->missing = ink_arena_printf(arena, "must have one of %s", names);
    plan->too_many = ink_arena_printf(arena, "must have only one of %s", names);
}

/* The `required` rule of a oneof: false when it has none. */
static bool compile_oneof(struct ink_compiler *c, const struct ink_oneof *oneof,
                          struct ink_choice_plan *plan)
{
    c->field = oneof->name;
    const Buf__Validate__OneofRules *rules = (const Buf__Validate__OneofRules *)ink_compile_unpack(
        c, (const ProtobufCMessage *)oneof->proto->options,
        &buf__validate__oneof_rules__descriptor);
    c->field = "";
    if (rules == NULL || !rules->has_required || !rules->required)
        return false;
    plan->name = oneof->name;
    plan->fields = oneof->fields;
    plan->n_fields = oneof->n_fields;
    plan->required = true;
    plan->missing =
        ink_arena_printf(&c->validator->arena, "must have one of %s",
                         names_of(&c->validator->arena, oneof->fields, oneof->n_fields));
    return true;
}

void ink_compile_choices(struct ink_compiler *c, struct ink_message_plan *plan)
{
    const struct ink_message *message = plan->message;
    const Buf__Validate__MessageRules *rules =
        (const Buf__Validate__MessageRules *)ink_compile_unpack(
            c, (const ProtobufCMessage *)message->proto->options,
            &buf__validate__message_rules__descriptor);
    if (rules != NULL && rules->n_cel != 0)
        ink_compile_refuse(c, "the rule cel is not supported");
    size_t n_rules = rules == NULL ? 0 : rules->n_oneof;
    plan->choices =
        ink_arena_calloc(&c->validator->arena, n_rules + message->n_oneofs, sizeof(*plan->choices));
    for (size_t i = 0; i < n_rules; i++)
        compile_choice(c, message, rules->oneof[i], &plan->choices[plan->n_choices++]);
    for (size_t i = 0; i < message->n_oneofs; i++)
        plan->n_choices += compile_oneof(c, &message->oneofs[i], &plan->choices[plan->n_choices]);
}

bool ink_plan_chooses(const struct ink_message_plan *plan, const struct ink_field *field)
{
    for (size_t i = 0; i < plan->n_choices; i++)
        if (plan->choices[i].name == NULL &&
            contains(plan->choices[i].fields, plan->choices[i].n_fields, field))
            return true;
    return false;
}
