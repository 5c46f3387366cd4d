/* How an operation can end: its success, and each problem that it or the gateway may answer with.
 */
#include <string.h>
#include <strings.h>

#include "gateway/openapi/internal.h"
#include "lib/base/http_status.h"
#include "lib/transcode/problem.h"
#include "lib/transcode/stream.h"

/* When an operation can end in a problem. */
enum when {
    ALWAYS,
    SECURED,     /* somebody may not */
    HAS_PATH,    /* it names something, which may not be there */
    HAS_BODY,    /* it takes a body */
    WRITES,      /* it is more than a look */
    CONDITIONAL, /* it has an If-Match or If-None-Match */
    SAID,        /* only if the contract says so */
};

static const struct {
    int status;
    enum when when;
    const char *description;
} problems[] = {
    {400, ALWAYS, "The request is malformed or breaks a rule; `errors` names each field."},
    {401, SECURED, "There is no bearer token, or it is not valid (any more)."},
    {403, SECURED, "The caller may not do this."},
    {404, HAS_PATH, "There is no such thing."},
    {408, HAS_BODY, "The request took too long to arrive."},
    {409, WRITES, "It exists already, or another change came first."},
    {412, CONDITIONAL,
     "Its entity tag is none of those in If-Match (it has changed), or one of those in "
     "If-None-Match."},
    {413, HAS_BODY, "The request is too large."},
    {414, ALWAYS, "The request's target is longer than 8 KiB, as it was sent."},
    {415, HAS_BODY, "The request's body is not application/json, or is compressed."},
    {429, ALWAYS, "The caller asks too often, or for too much at once."},
    {431, ALWAYS, "The request's header is too large."},
    {500, ALWAYS, "Something went wrong on our side."},
    {503, ALWAYS, "A service that is needed is away or overloaded; come back later."},
    {504, ALWAYS, "There was no answer in time."},
};

const struct ink_field *openapi_header_field(const struct ink_message *type, const char *header)
{
    for (size_t i = 0; i < type->n_fields; i++)
        if (type->fields[i].header != NULL && strcasecmp(type->fields[i].header, header) == 0)
            return &type->fields[i];
    return NULL;
}

static int success_of(const struct ink_method *rpc)
{
    return rpc->options == NULL || rpc->options->success_status == 0 ? 200
                                                                     : rpc->options->success_status;
}

bool openapi_is_conditional(const struct openapi_operation *operation)
{
    const struct ink_method *rpc = operation->route->rpc;
    return strcmp(operation->route->method, "GET") == 0 && success_of(rpc) == 200 &&
           openapi_header_field(rpc->output, "ETag") != NULL;
}

static bool says(const struct ink_method *rpc, int status)
{
    for (size_t i = 0; rpc->options != NULL && i < rpc->options->n_problems; i++)
        if (rpc->options->problems[i] == status)
            return true;
    return false;
}

static bool can_happen(const struct openapi_operation *operation, enum when when)
{
    const struct ink_method *rpc = operation->route->rpc;
    const Google__Protobuf__MethodOptions *options = rpc->proto->options;
    switch (when) {
    case ALWAYS:
        return true;
    case SECURED:
        return !openapi_is_for_anyone(rpc);
    case HAS_PATH:
        return operation->template.n_variables > 0;
    case HAS_BODY:
        return ink_binding_takes_body(operation->route->binding);
    case WRITES:
        return options == NULL || !options->has_idempotency_level ||
               options->idempotency_level !=
                   GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__NO_SIDE_EFFECTS;
    case CONDITIONAL:
        return openapi_header_field(rpc->input, "If-Match") != NULL ||
               openapi_header_field(rpc->input, "If-None-Match") != NULL;
    case SAID:
        break;
    }
    return false;
}

/* "Not Found" becomes "NotFound". */
static const char *component_name(struct openapi *o, int status)
{
    char *name = ink_arena_strdup(o->arena, ink_http_status_text(status)), *end = name;
    for (const char *c = name; *c != '\0'; c++)
        if (*c != ' ' && *c != '-')
            *end++ = *c;
    *end = '\0';
    return name;
}

static void put_header_ref(struct openapi *o, const char *name)
{
    openapi_name(o, name);
    openapi_ref(o, "headers", name);
}

static void put_reply_headers(struct openapi *o, const struct openapi_operation *operation)
{
    const struct ink_method *rpc = operation->route->rpc;
    openapi_open_member(o, "headers", '{');
    put_header_ref(o, "X-Request-Id");
    put_header_ref(o, "RateLimit-Policy");
    put_header_ref(o, "RateLimit");
    if (rpc->options != NULL && rpc->options->location != NULL && *rpc->options->location != '\0')
        put_header_ref(o, "Location");
    for (size_t i = 0; i < rpc->output->n_fields; i++) {
        const struct ink_field *field = &rpc->output->fields[i];
        if (field->header == NULL)
            continue;
        openapi_open_member(o, field->header, '{');
        openapi_put_description(o, field->comment);
        openapi_put_raw(o, "schema", "{\"type\":\"string\"}");
        openapi_close(o, '}');
    }
    openapi_close(o, '}');
}

/* A stream is text to OpenAPI 3.1, which has no word for what its events hold. */
static void put_stream(struct openapi *o, const struct ink_message *type, const char *media,
                       const char *description)
{
    openapi_open_member(o, media, '{');
    openapi_open_member(o, "schema", '{');
    openapi_put_text(o, "type", "string");
    openapi_put_text(o, "description", description);
    openapi_close(o, '}');
    openapi_name(o, "x-item-schema");
    openapi_message_schema(o, type, OPENAPI_ANSWER);
    openapi_close(o, '}');
}

static void put_content(struct openapi *o, const struct ink_route *route)
{
    const struct ink_field *alone = ink_binding_response_field(route->binding);
    openapi_open_member(o, "content", '{');
    if (route->rpc->server_streaming) {
        put_stream(o, route->rpc->output, INK_SSE_CONTENT_TYPE,
                   "Server-sent events: the `data` of each is a message as JSON, and its `id` is "
                   "where to go on from. A comment now and then says that the stream is alive. A "
                   "stream that fails ends with an event `error`, whose `data` is a problem.");
        put_stream(o, route->rpc->output, INK_NDJSON_CONTENT_TYPE,
                   "For `Accept: " INK_NDJSON_CONTENT_TYPE "`: a message as JSON on each line. A "
                   "stream that fails ends with `{\"error\": PROBLEM}`.");
    } else {
        openapi_open_member(o, "application/json", '{');
        openapi_name(o, "schema");
        if (alone != NULL)
            openapi_field_schema(o, alone, OPENAPI_ANSWER, true);
        else
            openapi_message_schema(o, route->rpc->output, OPENAPI_ANSWER);
        openapi_close(o, '}');
    }
    openapi_close(o, '}');
}

static void put_success(struct openapi *o, const struct openapi_operation *operation)
{
    const struct ink_method *rpc = operation->route->rpc;
    int status = success_of(rpc);
    const char *comment = rpc->output->comment;
    openapi_open_member(o, ink_arena_printf(o->arena, "%d", status), '{');
    openapi_put_text(o, "description",
                     status == 204 || rpc->output->well_known != INK_NOT_WELL_KNOWN ||
                             *comment == '\0'
                         ? ink_http_status_text(status)
                         : openapi_prose(o, comment));
    put_reply_headers(o, operation);
    if (status != 204)
        put_content(o, operation->route);
    openapi_close(o, '}');
}

void openapi_put_responses(struct openapi *o, const struct openapi_operation *operation)
{
    openapi_open_member(o, "responses", '{');
    put_success(o, operation);
    if (openapi_is_conditional(operation)) {
        openapi_open_member(o, "304", '{');
        openapi_put_text(o, "description", "The client has it already.");
        put_reply_headers(o, operation);
        openapi_close(o, '}');
    }
    for (size_t i = 0; i < INK_COUNT(problems); i++) {
        int status = problems[i].status;
        if (!can_happen(operation, problems[i].when) && !says(operation->route->rpc, status))
            continue;
        openapi_name(o, ink_arena_printf(o->arena, "%d", status));
        openapi_ref(o, "responses", component_name(o, status));
    }
    openapi_close(o, '}');
}

/* Components */

static void put_problem(struct openapi *o, int status, const char *description)
{
    openapi_open_member(o, component_name(o, status), '{');
    openapi_put_text(o, "description", description);
    openapi_open_member(o, "headers", '{');
    put_header_ref(o, "X-Request-Id");
    if (status == 401)
        put_header_ref(o, "WWW-Authenticate");
    if (status == 429) {
        put_header_ref(o, "RateLimit-Policy");
        put_header_ref(o, "RateLimit");
    }
    if (status == 429 || status == 503)
        put_header_ref(o, "Retry-After");
    openapi_close(o, '}');
    openapi_open_member(o, "content", '{');
    openapi_open_member(o, INK_PROBLEM_CONTENT_TYPE, '{');
    openapi_name(o, "schema");
    openapi_ref(o, "schemas", OPENAPI_PROBLEM);
    openapi_close(o, '}');
    openapi_close(o, '}');
    openapi_close(o, '}');
}

static void put_headers(struct openapi *o)
{
    static const struct {
        const char *name;
        const char *description;
        const char *schema;
    } headers[] = {
        {"X-Request-Id", "Names this request in logs: what the client sent, or a new one.",
         "{\"type\":\"string\"}"},
        {"Location", "Where to find what was created.",
         "{\"type\":\"string\",\"format\":\"uri-reference\"}"},
        {"Retry-After", "After how many seconds to come back.",
         "{\"type\":\"integer\",\"minimum\":1}"},
        {"RateLimit-Policy",
         "The limits that this counted for: `q` requests in `w` seconds each "
         "(draft-ietf-httpapi-ratelimit-headers).",
         "{\"type\":\"string\",\"examples\":[\"\\\"address\\\";q=3000;w=60\"]}"},
        {"RateLimit", "What is left of them: `r` requests, and one more in `t` seconds.",
         "{\"type\":\"string\",\"examples\":[\"\\\"address\\\";r=2999;t=1\"]}"},
        {"WWW-Authenticate", "Which credentials are needed (RFC 6750).", "{\"type\":\"string\"}"},
    };
    openapi_open_member(o, "headers", '{');
    for (size_t i = 0; i < INK_COUNT(headers); i++) {
        openapi_open_member(o, headers[i].name, '{');
        openapi_put_text(o, "description", headers[i].description);
        openapi_put_raw(o, "schema", headers[i].schema);
        openapi_close(o, '}');
    }
    openapi_close(o, '}');
}

void openapi_response_components(struct openapi *o)
{
    openapi_open_member(o, "responses", '{');
    for (size_t i = 0; i < INK_COUNT(problems); i++)
        put_problem(o, problems[i].status, problems[i].description);
    openapi_close(o, '}');
    put_headers(o);
}

/* What ink_problem_write() makes. */
void openapi_problem_schema(struct openapi *o)
{
    static const struct {
        const char *name;
        const char *type;
        const char *example;
        const char *description;
    } members[] = {
        {"type", "string", "\"about:blank\"",
         "A URI that names the kind of problem; `about:blank` for the status'."},
        {"title", "string", "\"Bad Request\"", "The HTTP status in words."},
        {"status", "integer", "400", "The HTTP status."},
        {"detail", "string", "\"title: must be at least 3 characters\"",
         "What is wrong, for people."},
        {"instance", "string", "\"/api/v1/blogs\"", "The path of the request."},
        {"requestId", "string", "\"0198f0c4-7b1e-7d06-8a51-6f0c2b9d3e77\"",
         "The same as the header X-Request-Id."},
        {"error", "string", "\"title: must be at least 3 characters\"",
         "The same as `detail`, for clients of the older API."},
    };
    openapi_open_member(o, OPENAPI_PROBLEM, '{');
    openapi_put_text(o, "type", "object");
    openapi_put_text(o, "description", "What went wrong (RFC 9457).");
    openapi_open_member(o, "properties", '{');
    for (size_t i = 0; i < INK_COUNT(members); i++) {
        openapi_open_member(o, members[i].name, '{');
        openapi_put_text(o, "type", members[i].type);
        openapi_put_text(o, "description", members[i].description);
        openapi_put_raw(o, "examples", ink_arena_printf(o->arena, "[%s]", members[i].example));
        openapi_close(o, '}');
    }
    openapi_put_raw(o, "errors",
                    "{\"type\":\"array\",\"description\":\"Each rule that the request breaks.\","
                    "\"items\":{\"type\":\"object\",\"properties\":{\"field\":{\"type\":\"string\","
                    "\"description\":\"Where: `title`, `items[2].name`; empty for the whole.\","
                    "\"examples\":[\"title\"]},"
                    "\"message\":{\"type\":\"string\",\"description\":\"What is wrong with it.\","
                    "\"examples\":[\"must be at least 3 characters\"]}},"
                    "\"required\":[\"field\",\"message\"]}}");
    openapi_close(o, '}');
    openapi_put_raw(o, "required", "[\"type\",\"title\",\"status\",\"requestId\",\"error\"]");
    openapi_close(o, '}');
}
