/* One route of the contract as an operation. */
#include <string.h>

#include "gateway/openapi/internal.h"
#include "lib/transcode/problem.h"

const char *openapi_verb(const struct ink_route *route)
{
    static const struct {
        const char *method;
        const char *verb;
    } verbs[] = {{"GET", "get"},         {"PUT", "put"},   {"POST", "post"},   {"DELETE", "delete"},
                 {"OPTIONS", "options"}, {"HEAD", "head"}, {"PATCH", "patch"}, {"TRACE", "trace"}};
    for (size_t i = 0; i < INK_COUNT(verbs); i++)
        if (strcmp(verbs[i].method, route->method) == 0)
            return verbs[i].verb;
    return NULL;
}

/* "/v1/{book.name=shelves/?*}:read" becomes "/v1/{book.name}:read". */
static const char *path_of(struct openapi *o, const struct ink_route *route)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf out = INK_BUF_INIT;
    for (const char *c = route->template_text; *c != '\0'; c++) {
        ink_buf_putc(&out, *c);
        if (*c != '{')
            continue;
        size_t size = strcspn(c + 1, "=}");
        ink_buf_puts(&out, ink_path_to_json(o->arena, route->rpc->input,
                                            ink_arena_strndup(o->arena, c + 1, size)));
        ink_buf_putc(&out, '}');
        c += strcspn(c, "}");
    }
    return ink_arena_strndup(o->arena, out.data, out.len);
}

/* The service's name; with its package, where another service is called that too. */
static const char *service_name(const struct openapi *o, const struct ink_service *service)
{
    size_t count, same = 0;
    const struct ink_service *const *services = ink_contract_services(o->contract, &count);
    for (size_t i = 0; i < count; i++)
        same += strcmp(services[i]->name, service->name) == 0;
    return same > 1 ? service->full_name : service->name;
}

/* Routes come in the order of their method's rule and its additional_bindings. */
void openapi_operation_init(struct openapi *o, struct openapi_operation *operation,
                            const struct ink_route *route)
{
    size_t same = 0;
    const struct ink_method *rpc = route->rpc;
    operation->route = route;
    for (struct openapi_operation *other = o->operations; other < operation; other++) {
        if (other->route->rpc != rpc)
            continue;
        if (same++ == 0)
            operation->alias_of = other;
    }
    operation->path = path_of(o, route);
    operation->id = ink_arena_printf(o->arena, "%s_%s", service_name(o, rpc->service), rpc->name);
    if (same > 0)
        operation->id = ink_arena_printf(o->arena, "%s_%zu", operation->id, same + 1);
}

static const char *who(const struct ink_route *route)
{
    switch (route->rpc->options == NULL ? 0 : route->rpc->options->access) {
    case INKMESH__OPTIONS__V1__ACCESS__ACCESS_USER:
        return "For signed-in users.";
    case INKMESH__OPTIONS__V1__ACCESS__ACCESS_SERVICE:
        return "For other services of the mesh only.";
    case INKMESH__OPTIONS__V1__ACCESS__ACCESS_USER_OR_SERVICE:
        return "For signed-in users and other services of the mesh.";
    default:
        return "For anyone.";
    }
}

static const char *how_often(const struct ink_route *route)
{
    const Inkmesh__Options__V1__MethodOptions *options = route->rpc->options;
    if (options == NULL || options->rate_limit == 0)
        return "";
    return options->rate_limit_account[0] == '\0'
               ? "An address may do this only so often."
               : "An address may do this only so often, and fail even less often.";
}

static void add_paragraph(struct ink_buf *text, const char *paragraph)
{
    if (*paragraph == '\0')
        return;
    if (text->len > 0)
        ink_buf_puts(text, "\n\n");
    ink_buf_puts(text, paragraph);
}

/* The comment; who may call, and how often; whose alias it is, and how it differs. */
static void put_texts(struct openapi *o, const struct openapi_operation *operation)
{
    INK_CLEANUP(ink_buf_release) struct ink_buf text = INK_BUF_INIT;
    const struct ink_route *route = operation->route;
    const struct openapi_operation *first = operation->alias_of;
    const struct ink_field *alone = ink_binding_response_field(route->binding);
    add_paragraph(&text, openapi_put_summary(o, route->rpc->comment));
    add_paragraph(&text, who(route));
    add_paragraph(&text, how_often(route));
    if (first != NULL)
        add_paragraph(&text, ink_arena_printf(o->arena, "Another way to ask for `%s %s`.",
                                              first->route->method, first->path));
    if (alone != NULL)
        add_paragraph(&text,
                      ink_arena_printf(o->arena, "Answers with `%s` alone.", alone->json_name));
    if (text.len > 0)
        openapi_put_text(o, "description", text.data);
    openapi_put_text(o, "operationId", operation->id);
    if (first != NULL)
        openapi_put_text(o, "x-alias-of", first->id);
    openapi_put_text(o, "x-rpc", route->rpc->path + 1);
}

bool openapi_is_for_anyone(const struct ink_method *rpc)
{
    return rpc->options != NULL &&
           rpc->options->access == INKMESH__OPTIONS__V1__ACCESS__ACCESS_ANYONE;
}

/* Whether a body that is not there would be refused. */
static bool needs_body(struct openapi *o, const struct openapi_operation *operation)
{
    const struct ink_message *type = operation->route->rpc->input;
    const char *body = operation->route->rule->body;
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct ink_field *field = &type->fields[i];
        if (field->header == NULL && !openapi_is_bound(&operation->template, field->name) &&
            (strcmp(body, "*") == 0 || strcmp(body, field->name) == 0) &&
            openapi_is_required(o, field))
            return true;
    }
    return false;
}

static void put_body_schema(struct openapi *o, const struct openapi_operation *operation)
{
    const struct ink_message *type = operation->route->rpc->input;
    const char *body = operation->route->rule->body;
    if (strcmp(body, "*") == 0) {
        openapi_body_schema(o, type, &operation->template, "");
        return;
    }
    const struct ink_field *field = ink_message_field(type, body, strlen(body));
    if (field->message != NULL && !field->repeated && !field->map)
        openapi_body_schema(o, field->message, &operation->template, body);
    else
        openapi_field_schema(o, field, OPENAPI_BODY, true);
}

static void put_body(struct openapi *o, const struct openapi_operation *operation)
{
    if (!ink_binding_takes_body(operation->route->binding))
        return;
    openapi_open_member(o, "requestBody", '{');
    if (needs_body(o, operation))
        openapi_put_true(o, "required");
    openapi_open_member(o, "content", '{');
    openapi_open_member(o, "application/json", '{');
    openapi_name(o, "schema");
    put_body_schema(o, operation);
    openapi_close(o, '}');
    openapi_close(o, '}');
    openapi_close(o, '}');
}

void openapi_operation(struct openapi *o, const struct openapi_operation *operation)
{
    openapi_open(o, '{');
    openapi_open_member(o, "tags", '[');
    openapi_text(o, service_name(o, operation->route->rpc->service));
    openapi_close(o, ']');
    put_texts(o, operation);
    openapi_put_raw(o, "security",
                    openapi_is_for_anyone(operation->route->rpc) ? "[]" : "[{\"bearer\":[]}]");
    openapi_put_parameters(o, operation);
    put_body(o, operation);
    openapi_put_responses(o, operation);
    openapi_close(o, '}');
}

void openapi_put_tag(struct openapi *o, const struct ink_service *service)
{
    openapi_open(o, '{');
    openapi_put_text(o, "name", service_name(o, service));
    openapi_put_description(o, service->comment);
    openapi_close(o, '}');
}
