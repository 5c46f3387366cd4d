/* What the gateway answers by itself (gateway/own.c). */
#include "gateway/openapi/internal.h"

#define TAG "Gateway"
#define JSON "application/json"
#define STATUS                                                                                     \
    "{\"type\":\"object\",\"properties\":{\"status\":{\"type\":\"string\"}},"                      \
    "\"required\":[\"status\"]}"
#define CHECKS                                                                                     \
    "{\"type\":\"object\",\"properties\":{\"status\":{\"type\":\"string\"},\"checks\":{"           \
    "\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}},"                        \
    "\"required\":[\"status\",\"checks\"]}"
#define KEYS                                                                                       \
    "{\"type\":\"object\",\"properties\":{\"keys\":{\"type\":\"array\",\"items\":{"                \
    "\"type\":\"object\",\"properties\":{\"kty\":{\"type\":\"string\",\"enum\":[\"RSA\",\"EC\"]}," \
    "\"use\":{\"type\":\"string\",\"const\":\"sig\"},"                                             \
    "\"alg\":{\"type\":\"string\",\"enum\":[\"RS256\",\"ES256\"]},"                                \
    "\"kid\":{\"type\":\"string\"}},\"required\":[\"kty\",\"use\",\"alg\",\"kid\"]}}},"            \
    "\"required\":[\"keys\"]}"

static const struct {
    const char *path;
    const char *id;
    const char *summary;
    const char *description;
    const char *media_type;
    const char *schema;
    const char *unready; /* when it answers 503, or NULL */
    bool kept;           /* clients may keep it, and ask by its ETag */
} own_paths[] = {
    {.path = "/health",
     .id = "Gateway_Health",
     .summary = "Whether the gateway runs",
     .description = "As monitors of the older API ask.",
     .media_type = JSON,
     .schema = STATUS},
    {.path = "/livez",
     .id = "Gateway_Live",
     .summary = "Whether the gateway is alive",
     .description = "Says nothing about what is behind it.",
     .media_type = JSON,
     .schema = STATUS},
    {.path = "/readyz",
     .id = "Gateway_Ready",
     .summary = "Whether the gateway can reach every service",
     .description = "Each check stands there by its name.",
     .media_type = JSON,
     .schema = CHECKS,
     .unready = "A service cannot be reached, or the gateway is stopping."},
    {.path = "/openapi.json",
     .id = "Gateway_Describe",
     .summary = "This document",
     .description = "Made from the contract when the gateway starts.",
     .media_type = JSON,
     .schema = "{\"type\":\"object\"}",
     .kept = true},
    {.path = "/.well-known/jwks.json",
     .id = "Gateway_Keys",
     .summary = "The public keys that access tokens are signed with",
     .description = "A JSON Web Key Set (RFC 7517). It has no key when a secret signs them.",
     .media_type = "application/jwk-set+json",
     .schema = KEYS,
     .kept = true},
    {.path = "/docs",
     .id = "Gateway_Explore",
     .summary = "A page that shows this document and makes calls",
     .description = "Who signs in there is signed in for the calls that follow.",
     .media_type = "text/html",
     .schema = "{\"type\":\"string\"}",
     .kept = true},
};

static void put_answer(struct openapi *o, const char *status, const char *description,
                       const char *media_type, const char *schema)
{
    openapi_open_member(o, status, '{');
    openapi_put_text(o, "description", description);
    openapi_open_member(o, "headers", '{');
    openapi_name(o, "X-Request-Id");
    openapi_ref(o, "headers", "X-Request-Id");
    openapi_close(o, '}');
    if (schema != NULL) {
        openapi_open_member(o, "content", '{');
        openapi_open_member(o, media_type, '{');
        openapi_put_raw(o, "schema", schema);
        openapi_close(o, '}');
        openapi_close(o, '}');
    }
    openapi_close(o, '}');
}

void openapi_own_paths(struct openapi *o)
{
    for (size_t i = 0; i < INK_COUNT(own_paths); i++) {
        openapi_open_member(o, own_paths[i].path, '{');
        openapi_open_member(o, "get", '{');
        openapi_put_raw(o, "tags", "[\"" TAG "\"]");
        openapi_put_text(o, "summary", own_paths[i].summary);
        openapi_put_text(o, "description", own_paths[i].description);
        openapi_put_text(o, "operationId", own_paths[i].id);
        openapi_put_raw(o, "security", "[]");
        openapi_open_member(o, "responses", '{');
        put_answer(o, "200", "OK", own_paths[i].media_type, own_paths[i].schema);
        if (own_paths[i].kept) {
            put_answer(o, "304", "The client has it already.", NULL, NULL);
            openapi_name(o, "429"); /* which machines that ask how the gateway is do not get */
            openapi_ref(o, "responses", "TooManyRequests");
        }
        if (own_paths[i].unready != NULL)
            put_answer(o, "503", own_paths[i].unready, own_paths[i].media_type,
                       own_paths[i].schema);
        openapi_close(o, '}');
        openapi_close(o, '}');
        openapi_close(o, '}');
    }
}

void openapi_own_tag(struct openapi *o)
{
    openapi_open(o, '{');
    openapi_put_text(o, "name", TAG);
    openapi_put_text(o, "description", "The gateway itself.");
    openapi_close(o, '}');
}
