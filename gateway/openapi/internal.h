/* A document while it is written. Private to gateway/openapi. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buf/validate/validate.pb-c.h"
#include "gateway/openapi/openapi.h"
#include "lib/base/buf.h"
#include "lib/transcode/http_template.h"
#include "lib/validate/validate.h"

#define OPENAPI_PROBLEM "Problem" /* the schema of problems */

/* Message types, each once. */
struct openapi_types {
    const struct ink_message **list; /* on the heap */
    size_t count;
};

/* A route as the document shows it. */
struct openapi_operation {
    const struct ink_route *route;
    struct ink_template template;
    const char *path;                         /* "/api/v1/blogs/{id}" */
    const char *id;                           /* "BlogService_GetBlog" */
    const struct openapi_operation *alias_of; /* the method's own rule, or NULL */
};

struct openapi {
    const struct ink_contract *contract;
    const char *version;
    struct ink_arena *arena; /* for what is needed while writing */
    struct ink_buf *out;
    bool fresh; /* no comma is due before the next value */
    struct ink_validator *validator;
    struct openapi_types outputs; /* all that answers can contain */
    struct openapi_types inputs;  /* all that requests can contain */
    struct openapi_types bodies;  /* what bodies refer to */
    struct openapi_operation *operations;
    size_t n_operations;
};

/* A header with control characters does not arrive; one that stands for a field is not empty either
 * (gateway/field_headers.c). */
#define OPENAPI_HEADER_CHARS "^[^\\u0000-\\u001f\\u007f]"

/* json.c: JSON as it comes. A name is followed by one value; commas are seen to. */
void openapi_open(struct openapi *o, char bracket);
void openapi_close(struct openapi *o, char bracket);
void openapi_name(struct openapi *o, const char *name);
void openapi_text(struct openapi *o, const char *text);
void openapi_text_size(struct openapi *o, const char *text, size_t size);
/* A value that is JSON already. */
void openapi_raw(struct openapi *o, const char *json);
void openapi_rawf(struct openapi *o, const char *format, ...) INK_PRINTF(2, 3);
/* A name and its value. */
void openapi_put_text(struct openapi *o, const char *name, const char *text);
void openapi_put_int(struct openapi *o, const char *name, int64_t value);
void openapi_put_true(struct openapi *o, const char *name);
void openapi_put_raw(struct openapi *o, const char *name, const char *json);
void openapi_open_member(struct openapi *o, const char *name, char bracket);
/* {"$ref":"#/components/KIND/NAME"}; the second as a member of the open object. */
void openapi_ref(struct openapi *o, const char *kind, const char *name);
void openapi_put_ref(struct openapi *o, const char *kind, const char *name);

/* text.c: comments of the contract for readers of the REST API, who know its JSON names only. */
const char *openapi_prose(struct openapi *o, const char *comment);
/* Puts "summary", the first sentence, and returns the others ("" when there are none). */
const char *openapi_put_summary(struct openapi *o, const char *comment);
/* Puts "description" unless it would be empty. */
void openapi_put_description(struct openapi *o, const char *comment);

/* types.c */
bool openapi_types_have(const struct openapi_types *types, const struct ink_message *type);
void openapi_types_add(struct openapi_types *types, const struct ink_message *type);
/* Adds a type and all that it can contain, but for those with a JSON form of their own. */
void openapi_types_reach(struct openapi_types *types, const struct ink_message *type);

/* How a value travels. */
enum openapi_use {
    OPENAPI_ANSWER,
    OPENAPI_BODY,
    OPENAPI_TEXT, /* in a path or a query */
    OPENAPI_HEADER,
};

/* schema.c: the JSON Schema of a field of a message, with its description. */
void openapi_field_schema(struct openapi *o, const struct ink_field *field, enum openapi_use use,
                          bool required);
/* Of a message: a reference, where there is a component. */
void openapi_message_schema(struct openapi *o, const struct ink_message *type,
                            enum openapi_use use);
/* Of a body of this type in which the variables of the path need not be; `prefix` is the path that
 * leads to the message, "" for the request itself. */
void openapi_body_schema(struct openapi *o, const struct ink_message *type,
                         const struct ink_template *template, const char *prefix);
/* Members of components.schemas. */
void openapi_schema_components(struct openapi *o);
/* Whether a request without the field is refused. */
bool openapi_is_required(struct openapi *o, const struct ink_field *field);
/* Whether `path` is that of a variable of the template. */
bool openapi_is_bound(const struct ink_template *template, const char *path);

/* rules.c: buf.validate. The rules of a field, NULL when it has none (or says that they do not
 * matter). */
const Buf__Validate__FieldRules *openapi_rules_of(struct openapi *o, const struct ink_field *field);
/* Those of its type: StringRules, Int32Rules, ...; NULL when there are none. */
const ProtobufCMessage *openapi_typed_rules(const Buf__Validate__FieldRules *rules);
/* Puts them as keywords. `enum_type` is NULL but for enums. */
void openapi_put_rules(struct openapi *o, const ProtobufCMessage *typed,
                       const struct ink_enum *enum_type);
/* Whether they have one of this name. */
bool openapi_rules_have(const ProtobufCMessage *typed, const char *name);
/* Puts "examples": the rules' own, else one that fits them, if that is known. */
void openapi_put_examples(struct openapi *o, const ProtobufCMessage *typed, const char *otherwise);

/* parameters.c: the member "parameters" of an operation. */
void openapi_put_parameters(struct openapi *o, const struct openapi_operation *operation);

/* operation.c */
void openapi_operation_init(struct openapi *o, struct openapi_operation *operation,
                            const struct ink_route *route);
/* The lower-case method; NULL for one that OpenAPI has no word for. */
const char *openapi_verb(const struct ink_route *route);
/* Whether nobody is asked for a token. */
bool openapi_is_for_anyone(const struct ink_method *rpc);
/* An operation object. */
void openapi_operation(struct openapi *o, const struct openapi_operation *operation);
/* The tag object that the operations of a service share. */
void openapi_put_tag(struct openapi *o, const struct ink_service *service);

/* responses.c: the member "responses" of an operation; members of components.responses and
 * components.headers; the schema of a problem. */
void openapi_put_responses(struct openapi *o, const struct openapi_operation *operation);
void openapi_response_components(struct openapi *o);
void openapi_problem_schema(struct openapi *o);
/* Whether If-None-Match may make it a 304. */
bool openapi_is_conditional(const struct openapi_operation *operation);
/* The field of a message that travels in this header; NULL when there is none. */
const struct ink_field *openapi_header_field(const struct ink_message *type, const char *header);

/* own.c: members of "paths" for what the gateway answers by itself, and of "tags". */
void openapi_own_paths(struct openapi *o);
void openapi_own_tag(struct openapi *o);
