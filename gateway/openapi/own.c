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

static const struct {
    const char *path;
    const char *id;
    const char *summary;
    const char *media_type;
    const char *schema;
    const char *unready; /* when it answers 503, or NULL */
    const char *known;   /* when it answers 304, or NULL */
} own_paths[] = {
    {"/health", "Gateway_Health", "Whether the gateway runs", JSON, STATUS, NULL, NULL},
    {"/livez", "Gateway_Live", "Whether the gateway is alive", JSON, STATUS, NULL, NULL},
    {"/readyz", "Gateway_Ready", "Whether the gateway can reach every service", JSON, CHECKS,
     "A service cannot be reached, or the gateway is stopping.", NULL},
    {"/openapi.json", "Gateway_Describe", "This document", JSON, "{\"type\":\"object\"}", NULL,
     "The client has it already."},
    {"/docs", "Gateway_Explore", "A page that shows this document and makes calls", "text/html",
     "{\"type\":\"string\"}", NULL, "The client has it already."},
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
        openapi_put_text(o, "operationId", own_paths[i].id);
        openapi_put_raw(o, "security", "[]");
        openapi_open_member(o, "responses", '{');
        put_answer(o, "200", "OK", own_paths[i].media_type, own_paths[i].schema);
        if (own_paths[i].known != NULL) {
            put_answer(o, "304", own_paths[i].known, NULL, NULL);
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
