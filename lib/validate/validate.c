/* Walks a message along its plan. */
#include "lib/validate/validate.h"

#include <stdlib.h>

#include "lib/validate/check.h"
#include "lib/validate/plan.h"

/* Where we are; rendered only when something is wrong. */
struct place {
    const struct place *up;
    const char *name;
    enum { PLAIN, INDEXED, KEYED } subscript;
    size_t index;
    const struct ink_value_plan *key_plan;
    const struct ink_value *key;
};

struct walk {
    struct ink_arena *arena;
    struct ink_violation *violations;
    size_t n_violations;
    unsigned depth;
};

static void walk_message(struct walk *walk, const struct ink_message_plan *plan,
                         const ProtobufCMessage *message, const struct place *up);

static void print_place(struct ink_buf *buf, const struct place *place)
{
    if (place == NULL)
        return;
    print_place(buf, place->up);
    if (buf->len != 0)
        ink_buf_putc(buf, '.');
    ink_buf_puts(buf, place->name);
    if (place->subscript == INDEXED)
        ink_buf_printf(buf, "[%zu]", place->index);
    if (place->subscript == KEYED) {
        ink_buf_putc(buf, '[');
        ink_value_print(buf, place->key_plan->kind, NULL, place->key);
        ink_buf_putc(buf, ']');
    }
}

static bool full(const struct walk *walk)
{
    return walk->n_violations >= INK_VALIDATE_MAX_VIOLATIONS;
}

static void report(struct walk *walk, const struct place *place, const char *message)
{
    if (full(walk))
        return;
    struct ink_buf path = INK_BUF_INIT;
    print_place(&path, place);
    ink_violation_add(walk->arena, &walk->violations, path.len == 0 ? "" : path.data, message);
    ink_buf_release(&path);
    walk->n_violations++;
}

static void report_value(struct walk *walk, const struct place *place, bool is_key,
                         const char *message)
{
    report(walk, place, is_key ? ink_arena_printf(walk->arena, "key %s", message) : message);
}

/* The value's checks; what it contains comes afterwards. */
static void walk_checks(struct walk *walk, const struct ink_value_plan *plan,
                        const struct ink_value *value, const struct place *place, bool is_key)
{
    if (plan->kind == INK_VALUE_STRING && !ink_text_is_utf8(value->text.data, value->text.size)) {
        report_value(walk, place, is_key, "must be valid UTF-8");
        return;
    }
    for (size_t i = 0; i < plan->n_checks; i++)
        if (!ink_check_passes(&plan->checks[i], plan->kind, value))
            report_value(walk, place, is_key, plan->checks[i].message);
}

/* Reads the value that `at` holds, out of its wrapper if it has one. False when the message that
 * should hold it is missing (which only a map's entry can be). */
static bool load(const struct ink_value_plan *plan, const void *at, struct ink_value *ret_value)
{
    if (plan->outer_type == PROTOBUF_C_TYPE_MESSAGE) {
        const char *message = *(const char *const *)at;
        if (message == NULL)
            return false;
        if (plan->wrapped)
            at = message + plan->wrapped_offset;
    }
    *ret_value = ink_value_load(plan->kind, plan->type, at);
    return true;
}

static void walk_value(struct walk *walk, const struct ink_value_plan *plan, const void *at,
                       const struct place *place)
{
    struct ink_value value;
    if (!load(plan, at, &value)) {
        report(walk, place, "must have a value");
        return;
    }
    bool plain_zero = plan->ignore_zero && plan->outer_type != PROTOBUF_C_TYPE_MESSAGE &&
                      ink_value_is_zero(plan->kind, &value);
    if (!plain_zero)
        walk_checks(walk, plan, &value, place, false);
    if (plan->message != NULL)
        walk_message(walk, plan->message, *(const ProtobufCMessage *const *)at, place);
}

static void walk_list(struct walk *walk, const struct ink_field_plan *plan, const char *items,
                      size_t count, struct place *place)
{
    size_t stride = ink_value_stride(plan->field->c->type);
    if (plan->unique && !ink_list_is_unique(&plan->value, items, count))
        report(walk, place, "must have no item twice");
    place->subscript = INDEXED;
    for (size_t i = 0; i < count && !full(walk); i++) {
        place->index = i;
        walk_value(walk, &plan->value, items + i * stride, place);
    }
}

static void walk_map(struct walk *walk, const struct ink_field_plan *plan,
                     ProtobufCMessage *const *entries, size_t count, struct place *place)
{
    const struct ink_field *fields = plan->field->message->fields;
    place->subscript = KEYED;
    place->key_plan = &plan->key;
    for (size_t i = 0; i < count && !full(walk); i++) {
        const char *entry = (const char *)entries[i];
        struct ink_value key =
            ink_value_load(plan->key.kind, plan->key.type, entry + fields[0].c->offset);
        place->key = &key;
        if (!plan->key.ignore_zero || !ink_value_is_zero(plan->key.kind, &key))
            walk_checks(walk, &plan->key, &key, place, true);
        walk_value(walk, &plan->value, entry + fields[1].c->offset, place);
    }
}

static void walk_many(struct walk *walk, const struct ink_field_plan *plan,
                      const ProtobufCMessage *message, struct place *place)
{
    const char *base = (const char *)message;
    size_t count = *(const size_t *)(base + plan->field->c->quantifier_offset);
    const void *items = *(const void *const *)(base + plan->field->c->offset);
    if (plan->has_count && count < plan->count.min)
        report(walk, place, plan->too_few);
    if (plan->has_count && count > plan->count.max)
        report(walk, place, plan->too_many);
    if (plan->shape == INK_FIELD_LIST)
        walk_list(walk, plan, items, count, place);
    else
        walk_map(walk, plan, items, count, place);
}

static void walk_field(struct walk *walk, const struct ink_field_plan *plan,
                       const ProtobufCMessage *message, const struct place *up)
{
    struct place place = {.up = up, .name = plan->field->name};
    if ((plan->required || plan->skip_unset) && !ink_field_is_set(plan->field->c, message)) {
        if (plan->required)
            report(walk, &place, "is required");
        if (plan->required || plan->skip_unset)
            return;
    }
    if (plan->shape == INK_FIELD_SINGLE)
        walk_value(walk, &plan->value, (const char *)message + plan->field->c->offset, &place);
    else
        walk_many(walk, plan, message, &place);
}

static void walk_choice(struct walk *walk, const struct ink_choice_plan *plan,
                        const ProtobufCMessage *message, const struct place *up)
{
    size_t set = 0;
    for (size_t i = 0; i < plan->n_fields; i++)
        set += ink_field_is_set(plan->fields[i]->c, message);
    struct place place = {.up = up, .name = plan->name};
    const struct place *where = plan->name == NULL ? up : &place;
    if (plan->required && set == 0)
        report(walk, where, plan->missing);
    if (set > 1)
        report(walk, where, plan->too_many);
}

static void walk_message(struct walk *walk, const struct ink_message_plan *plan,
                         const ProtobufCMessage *message, const struct place *up)
{
    if (walk->depth == INK_VALIDATE_MAX_DEPTH) {
        report(walk, up, "is nested too deeply");
        return;
    }
    walk->depth++;
    for (size_t i = 0; i < plan->n_choices; i++)
        walk_choice(walk, &plan->choices[i], message, up);
    for (size_t i = 0; i < plan->n_fields && !full(walk); i++)
        walk_field(walk, &plan->fields[i], message, up);
    walk->depth--;
}

static int compare_root(const void *key, const void *element)
{
    uintptr_t message = (uintptr_t)key;
    uintptr_t other = (uintptr_t)(*(struct ink_message_plan *const *)element)->message;
    return (message > other) - (message < other);
}

struct ink_status ink_validate(const struct ink_validator *validator, struct ink_arena *arena,
                               const struct ink_message *type, const ProtobufCMessage *message)
{
    struct ink_message_plan *const *root = bsearch(type, validator->roots, validator->n_roots,
                                                   sizeof(*validator->roots), compare_root);
    if (root == NULL)
        return ink_error_cause(arena, INK_INTERNAL, "the request could not be checked",
                               "no validation plan for %s", type->full_name);
    struct walk walk = {.arena = arena};
    walk_message(&walk, *root, message, NULL);
    return walk.violations == NULL ? ink_ok() : ink_violations_status(arena, walk.violations);
}
