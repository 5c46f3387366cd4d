/*
 * Weaves a request message out of the parts of an HTTP request, as an HttpRule says: variables of
 * the path, parameters of the query, and the JSON body.
 *
 * A binding is an HttpRule checked against its method's messages. It is made once, is constant
 * afterwards, and weaving is thread-safe (everything made lives in the caller's arena).
 *
 * What goes where (google/api/http.proto):
 * - body "*": the body is the whole message and the query has to be empty.
 * - body "field": the body is the value of that field (a message, a scalar, a list or a map).
 * - no body: a request that carries one is refused.
 * - An empty body leaves what it stands for unset.
 * - All else is in the query: "a.b=1" by proto or JSON names, "x=1&x=2" for lists, and the text
 * form of enums, wrappers, Timestamp, Duration and FieldMask. Maps, lists of messages and messages
 *   as such are refused, and so is a path of more than INK_QUERY_MAX_DEPTH names.
 *
 * One value has one place: a parameter given twice (unless for a list), two members of one oneof,
 * or a parameter that the path or the body already stands for is refused. A body may repeat a
 * variable of the path if it says the same (or has a zero value there, which is what clients that
 * write every field send).
 *
 * PATCH: when the input has a field `google.protobuf.FieldMask update_mask` that the client left
 * out, it is set to the proto paths that the body gives, in the order of the body: relative to the
 * body's message, nested messages by their members ("author.name"), lists, maps and messages with
 * a JSON form of their own as a whole, and without what the path stands for. A given null counts.
 * A body without fields gives a mask that is present and empty. A body that is not a message (a
 * list, a scalar) gives the name of its field.
 *
 * Every refusal is INVALID_ARGUMENT. Where a field or parameter can be named it is a violation.
 */
#pragma once

#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/status.h"
#include "lib/contract/contract.h"
#include "lib/transcode/http_template.h"

/* The most names in a query parameter's path. */
#define INK_QUERY_MAX_DEPTH 32

struct ink_binding;

/* The HTTP method and path template of a rule ("*" for any method); false when it has neither. */
bool ink_http_rule_pattern(const Google__Api__HttpRule *rule, const char **ret_method,
                           const char **ret_template) INK_MUST_CHECK;

/* Checks `rule` (which may be one of additional_bindings) against `method`. Path variables have to
 * name singular scalar, enum or wrapper fields, `body` and `response_body` fields of the request
 * and response. Otherwise INVALID_ARGUMENT with a message that names the method and what is
 * missing. The binding lives in `arena`; all that is given has to live as long. */
struct ink_status ink_binding_new(struct ink_arena *arena, const struct ink_contract *contract,
                                  const struct ink_method *method,
                                  const Google__Api__HttpRule *rule,
                                  const struct ink_template *template,
                                  struct ink_binding **ret_binding) INK_MUST_CHECK;

/* The field of the response that alone is the body of the answer; NULL for the whole message. */
const struct ink_field *ink_binding_response_field(const struct ink_binding *binding);
/* Whether the rule takes a body at all. */
bool ink_binding_takes_body(const struct ink_binding *binding);

struct ink_http_parts {
    const char *method;        /* of the request: "PATCH" fills in update_mask */
    const char *const *values; /* of the template's variables: ink_path_match.values */
    const char *query;         /* without its "?", still encoded; may be NULL when empty */
    size_t query_size;
    const char *body; /* JSON; may be NULL when empty */
    size_t body_size;
};

/* Makes the request message, of the method's input type, in `arena`. */
struct ink_status ink_weave_request(const struct ink_binding *binding,
                                    const struct ink_http_parts *parts, struct ink_arena *arena,
                                    ProtobufCMessage **ret_message) INK_MUST_CHECK;
