/*
 * Fields that travel in headers, as the contract's (inkmesh.options.v1.field).header says: If-Match
 * into a request, ETag out of a reply. With an ETag a client may keep the reply and ask whether it
 * is still good (RFC 9110, section 13; RFC 9111); without one it may keep nothing.
 */
#include <string.h>
#include <strings.h>

#include "gateway/exchange.h"
#include "lib/base/text.h"
#include "lib/etag/etag.h"

static char **member(const struct ink_field *field, const ProtobufCMessage *message)
{
    return (char **)((char *)(uintptr_t)message + field->c->offset);
}

const char *gateway_header_list(struct gateway_exchange *x, const char *name)
{
    const char *all = NULL, *one, *value;
    for (size_t i = 0; ink_http_header_at(x->http, i, &one, &value); i++)
        if (strcasecmp(one, name) == 0)
            all = all == NULL ? value : ink_arena_printf(x->ctx.arena, "%s, %s", all, value);
    return all;
}

/* An empty header is refused: the field would be as if the client had sent none, and a condition
 * that it meant to set would not be. */
static struct ink_status take(struct gateway_exchange *x, const struct ink_field *field,
                              ProtobufCMessage *request)
{
    const char *value = gateway_header_list(x, field->header);
    if (value == NULL)
        return ink_ok();
    if (*value == '\0')
        return ink_invalid_field(x->ctx.arena, field->name, "must not be empty");
    if (!ink_utf8_valid(value, strlen(value)))
        return ink_invalid_field(x->ctx.arena, field->name, "must be valid UTF-8");
    *member(field, request) = ink_arena_strdup(x->ctx.arena, value);
    return ink_ok();
}

struct ink_status gateway_take_headers(struct gateway_exchange *x, ProtobufCMessage *request)
{
    const struct ink_message *type = x->route->rpc->input;
    struct ink_status status = ink_ok();
    for (size_t i = 0; i < type->n_fields && ink_is_ok(status); i++)
        if (type->fields[i].header != NULL)
            status = take(x, &type->fields[i], request);
    return status;
}

/* Whether the client has a reply with this tag (section 13.1.2). */
static bool not_modified(struct gateway_exchange *x, const char *etag)
{
    const char *method = ink_http_method(x->http);
    const char *known = gateway_header_list(x, "If-None-Match");
    return known != NULL && x->made->success_status == 200 &&
           (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) &&
           ink_etag_list_has(known, etag);
}

bool gateway_set_headers(struct gateway_exchange *x, const ProtobufCMessage *reply)
{
    const struct ink_message *type = x->route->rpc->output;
    const char *etag = NULL;
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct ink_field *field = &type->fields[i];
        const char *value = field->header == NULL ? NULL : *member(field, reply);
        if (value == NULL || *value == '\0')
            continue;
        ink_http_set(x->http, field->header, value);
        if (strcasecmp(field->header, "ETag") == 0)
            etag = value;
    }
    bool open = x->made->access == INKMESH__OPTIONS__V1__ACCESS__ACCESS_ANYONE;
    ink_http_set_lines(x->http, etag == NULL ? "Cache-Control: no-store\r\n"
                                : open       ? "Cache-Control: no-cache\r\n"
                                             : "Cache-Control: private, no-cache\r\n");
    return etag != NULL && not_modified(x, etag);
}
