/* What a request takes besides its body, as lib/transcode/request_weaver.h says: the variables of
 * the path, the parameters of the query, and the headers that stand for fields. */
#include <string.h>

#include "gateway/openapi/internal.h"
#include "lib/transcode/problem.h"

#define DEPTH 8 /* of a parameter's name: "author.name" has 2 */

struct parameter {
    const char *name;
    const char *in;
    const struct ink_field *field;
    bool required;
};

static void put_parameter(struct openapi *o, const struct parameter *parameter)
{
    openapi_open(o, '{');
    openapi_put_text(o, "name", parameter->name);
    openapi_put_text(o, "in", parameter->in);
    openapi_put_description(o, parameter->field->comment);
    if (parameter->required)
        openapi_put_true(o, "required");
    openapi_name(o, "schema");
    openapi_field_schema(o, parameter->field,
                         strcmp(parameter->in, "header") == 0 ? OPENAPI_HEADER : OPENAPI_TEXT,
                         true);
    openapi_close(o, '}');
}

/* The field that a variable leads to. */
static const struct ink_field *follow(const struct ink_message *type, const char *path)
{
    for (;;) {
        size_t size = strcspn(path, ".");
        const struct ink_field *field = ink_message_field(type, path, size);
        if (path[size] == '\0')
            return field;
        type = field->message;
        path += size + 1;
    }
}

static void put_path(struct openapi *o, const struct openapi_operation *operation)
{
    for (size_t i = 0; i < operation->template.n_variables; i++) {
        const struct ink_message *type = operation->route->rpc->input;
        const char *path = operation->template.variables[i].field_path;
        struct parameter parameter = {.name = ink_path_to_json(o->arena, type, path),
                                      .in = "path",
                                      .field = follow(type, path),
                                      .required = true};
        put_parameter(o, &parameter);
    }
}

/* The way down to a parameter. */
struct way {
    const struct ink_message *types[DEPTH];
    size_t depth;
    const char *names; /* as the parameter has them: "author." */
    const char *path;  /* in proto names */
};

static bool has_text_form(const struct ink_field *field)
{
    if (field->map || (field->repeated && field->message != NULL))
        return false;
    if (field->message == NULL)
        return true;
    switch (field->message->well_known) {
    case INK_TIMESTAMP:
    case INK_DURATION:
    case INK_FIELD_MASK:
    case INK_WRAPPER:
        return true;
    default:
        return false;
    }
}

static bool is_on(const struct way *way, const struct ink_message *type)
{
    for (size_t i = 0; i < way->depth; i++)
        if (way->types[i] == type)
            return true;
    return false;
}

static void put_query(struct openapi *o, const struct openapi_operation *operation,
                      const struct way *way);

/* A message that contains itself is followed no further, though the gateway would. */
static void put_inner(struct openapi *o, const struct openapi_operation *operation,
                      const struct way *way, const struct ink_field *field)
{
    if (field->repeated || field->map || field->message == NULL ||
        field->message->well_known != INK_NOT_WELL_KNOWN || way->depth == DEPTH ||
        is_on(way, field->message))
        return;
    struct way inner = *way;
    inner.types[inner.depth++] = field->message;
    inner.names = ink_arena_printf(o->arena, "%s%s.", way->names, field->json_name);
    inner.path = ink_arena_printf(o->arena, "%s%s.", way->path, field->name);
    put_query(o, operation, &inner);
}

static void put_query(struct openapi *o, const struct openapi_operation *operation,
                      const struct way *way)
{
    const struct ink_message *type = way->types[way->depth - 1];
    const char *body = operation->route->rule->body;
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct ink_field *field = &type->fields[i];
        const char *path = ink_arena_printf(o->arena, "%s%s", way->path, field->name);
        if (field->header != NULL || openapi_is_bound(&operation->template, path) ||
            (body != NULL && strcmp(body, path) == 0))
            continue;
        if (!has_text_form(field)) {
            put_inner(o, operation, way, field);
            continue;
        }
        struct parameter parameter = {
            .name = ink_arena_printf(o->arena, "%s%s", way->names, field->json_name),
            .in = "query",
            .field = field,
            .required = way->depth == 1 && openapi_is_required(o, field)};
        put_parameter(o, &parameter);
    }
}

/* One that stands for no field. */
static void put_header(struct openapi *o, const char *name, const char *description)
{
    openapi_open(o, '{');
    openapi_put_text(o, "name", name);
    openapi_put_text(o, "in", "header");
    openapi_put_description(o, description);
    openapi_open_member(o, "schema", '{');
    openapi_put_text(o, "type", "string");
    openapi_put_text(o, "pattern", OPENAPI_HEADER_CHARS "*$");
    openapi_close(o, '}');
    openapi_close(o, '}');
}

static void put_headers(struct openapi *o, const struct openapi_operation *operation)
{
    const struct ink_method *rpc = operation->route->rpc;
    for (size_t i = 0; i < rpc->input->n_fields; i++) {
        const struct ink_field *field = &rpc->input->fields[i];
        struct parameter parameter = {.name = field->header,
                                      .in = "header",
                                      .field = field,
                                      .required = openapi_is_required(o, field)};
        if (field->header != NULL)
            put_parameter(o, &parameter);
    }
    if (openapi_is_conditional(operation))
        put_header(o, "If-None-Match",
                   "What the client has already, by its ETag: answered with 304 if it is still the "
                   "same (RFC 9110, section 13.1.2).");
    const char *resume = "last_event_id";
    if (rpc->server_streaming && ink_message_field(rpc->input, resume, strlen(resume)) != NULL)
        put_header(o, "Last-Event-ID",
                   "Where to go on, as clients of server-sent events say it when they come back; "
                   "the same as last_event_id, which wins.");
}

void openapi_put_parameters(struct openapi *o, const struct openapi_operation *operation)
{
    const struct ink_route *route = operation->route;
    struct way way = {.types = {route->rpc->input}, .depth = 1, .names = "", .path = ""};
    openapi_open_member(o, "parameters", '[');
    put_path(o, operation);
    if (route->rule->body == NULL || strcmp(route->rule->body, "*") != 0)
        put_query(o, operation, &way);
    put_headers(o, operation);
    openapi_close(o, ']');
}
