#include "lib/transcode/binding.h"

#include <string.h>

#include "buf/validate/validate.pb-c.h"

#define RULES_EXTENSION 1159 /* of FieldOptions: buf.validate.field */

static struct ink_status mistake(struct ink_arena *arena, const struct ink_method *method,
                                 const struct ink_template *template, const char *what,
                                 const char *name)
{
    return ink_errorf(arena, INK_INVALID_ARGUMENT, "method %s, binding \"%s\": %s \"%s\"",
                      method->full_name, template->text, what, name);
}

/* Fields that a path variable may end with: those with one plain text. */
static bool is_leaf(const struct ink_field *field)
{
    if (field->repeated || field->map)
        return false;
    return !field->message || field->message->well_known == INK_WRAPPER;
}

/* Fields that a path may lead through. */
static bool is_inner(const struct ink_field *field)
{
    return field->message && !field->repeated && !field->map &&
           field->message->well_known == INK_NOT_WELL_KNOWN;
}

/* Whether the contract says that a field is a UUID, in which case has no meaning (RFC 9562,
 * section 4). */
static bool is_uuid(struct ink_arena *arena, const struct ink_field *field)
{
    uint8_t *data;
    size_t size;
    const ProtobufCMessage *options = (const ProtobufCMessage *)field->proto->options;
    if (!options || !ink_option_bytes(arena, options, RULES_EXTENSION, &data, &size))
        return false;
    const Buf__Validate__FieldRules *rules =
        (const Buf__Validate__FieldRules *)protobuf_c_message_unpack(
            &buf__validate__field_rules__descriptor, ink_arena_allocator(arena), size, data);
    return rules && rules->type_case == BUF__VALIDATE__FIELD_RULES__TYPE_STRING &&
           rules->string->well_known_case == BUF__VALIDATE__STRING_RULES__WELL_KNOWN_UUID &&
           rules->string->uuid;
}

/* What is wrong with a variable, or NULL. */
static const char *bind_variable(struct ink_arena *arena, const struct ink_message *message,
                                 const char *path, struct ink_bound_variable *ret_variable)
{
    size_t n_way = 1;
    for (const char *c = path; *c; c++)
        n_way += *c == '.';
    const struct ink_field **way = ink_arena_calloc(arena, n_way, sizeof(*way));
    const char *name = path;
    for (size_t i = 0; i < n_way; i++) {
        size_t size = strcspn(name, ".");
        way[i] = ink_message_field(message, name, size);
        if (!way[i])
            return "the request has no field for the path variable";
        if (i + 1 < n_way && !is_inner(way[i]))
            return "only plain messages have fields for the path variable";
        message = way[i]->message;
        name += size + 1;
    }
    if (!is_leaf(way[n_way - 1]))
        return "neither a list nor a message can be the path variable";
    *ret_variable = (struct ink_bound_variable){path, way, n_way, is_uuid(arena, way[n_way - 1])};
    return NULL;
}

static struct ink_status bind_variables(struct ink_arena *arena, const struct ink_method *method,
                                        const struct ink_template *template,
                                        struct ink_binding *binding)
{
    struct ink_bound_variable *variables =
        ink_arena_calloc(arena, template->n_variables + 1, sizeof(*variables));
    for (size_t i = 0; i < template->n_variables; i++) {
        const char *path = template->variables[i].field_path;
        const char *wrong = bind_variable(arena, method->input, path, &variables[i]);
        if (wrong)
            return mistake(arena, method, template, wrong, path);
    }
    binding->variables = variables;
    binding->n_variables = template->n_variables;
    return ink_ok();
}

static struct ink_status bind_body(struct ink_arena *arena, const struct ink_method *method,
                                   const Google__Api__HttpRule *rule,
                                   const struct ink_template *template, struct ink_binding *binding)
{
    const char *verb, *text;
    if (!rule->body || !*rule->body)
        return ink_ok();
    if (ink_http_rule_pattern(rule, &verb, &text) &&
        (!strcmp(verb, "GET") || !strcmp(verb, "HEAD")))
        return mistake(arena, method, template, "there can be no body in a", verb);
    if (!strcmp(rule->body, "*")) {
        binding->body_kind = INK_BODY_ALL;
        return ink_ok();
    }
    binding->body = ink_message_field(method->input, rule->body, strlen(rule->body));
    if (!binding->body)
        return mistake(arena, method, template, "the request has no field for the body",
                       rule->body);
    for (size_t i = 0; i < binding->n_variables; i++)
        if (binding->variables[i].n_way == 1 && binding->variables[i].way[0] == binding->body)
            return mistake(arena, method, template, "the path and the body both stand for",
                           rule->body);
    binding->body_kind = INK_BODY_FIELD;
    return ink_ok();
}

static struct ink_status bind_response(struct ink_arena *arena, const struct ink_method *method,
                                       const Google__Api__HttpRule *rule,
                                       const struct ink_template *template,
                                       struct ink_binding *binding)
{
    const char *name = rule->response_body;
    if (!name || !*name)
        return ink_ok();
    binding->response = ink_message_field(method->output, name, strlen(name));
    if (!binding->response)
        return mistake(arena, method, template, "the response has no field for the response body",
                       name);
    return ink_ok();
}

/* The field that PATCH fills in, unless the rule uses it otherwise. */
static const struct ink_field *update_mask(const struct ink_binding *binding)
{
    const struct ink_field *field =
        ink_message_field(binding->input, "update_mask", strlen("update_mask"));
    if (!field || !field->message || field->message->well_known != INK_FIELD_MASK)
        return NULL;
    return field->repeated || field->map || field == binding->body ? NULL : field;
}

bool ink_http_rule_pattern(const Google__Api__HttpRule *rule, const char **ret_method,
                           const char **ret_template)
{
    switch (rule->pattern_case) {
    case GOOGLE__API__HTTP_RULE__PATTERN_GET:
        *ret_method = "GET";
        *ret_template = rule->get;
        return true;
    case GOOGLE__API__HTTP_RULE__PATTERN_PUT:
        *ret_method = "PUT";
        *ret_template = rule->put;
        return true;
    case GOOGLE__API__HTTP_RULE__PATTERN_POST:
        *ret_method = "POST";
        *ret_template = rule->post;
        return true;
    case GOOGLE__API__HTTP_RULE__PATTERN_DELETE:
        *ret_method = "DELETE";
        *ret_template = rule->delete_;
        return true;
    case GOOGLE__API__HTTP_RULE__PATTERN_PATCH:
        *ret_method = "PATCH";
        *ret_template = rule->patch;
        return true;
    case GOOGLE__API__HTTP_RULE__PATTERN_CUSTOM:
        *ret_method = rule->custom->kind;
        *ret_template = rule->custom->path;
        return true;
    default:
        return false;
    }
}

struct ink_status ink_binding_new(struct ink_arena *arena, const struct ink_contract *contract,
                                  const struct ink_method *method,
                                  const Google__Api__HttpRule *rule,
                                  const struct ink_template *template,
                                  struct ink_binding **ret_binding)
{
    struct ink_binding *binding = ink_arena_calloc(arena, 1, sizeof(*binding));
    binding->contract = contract;
    binding->input = method->input;
    if (method->client_streaming)
        return mistake(arena, method, template, "there is no REST form of the client stream",
                       method->name);
    struct ink_status status = bind_variables(arena, method, template, binding);
    if (ink_is_ok(status))
        status = bind_body(arena, method, rule, template, binding);
    if (ink_is_ok(status))
        status = bind_response(arena, method, rule, template, binding);
    if (!ink_is_ok(status))
        return status;
    binding->update_mask = update_mask(binding);
    *ret_binding = binding;
    return ink_ok();
}

const struct ink_field *ink_binding_response_field(const struct ink_binding *binding)
{
    return binding->response;
}

bool ink_binding_takes_body(const struct ink_binding *binding)
{
    return binding->body_kind != INK_BODY_NONE;
}
