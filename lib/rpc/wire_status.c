/* struct ink_status as google.rpc.Status with typed details (google/rpc/error_details.proto). */
#include <string.h>

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "lib/rpc/wire.h"

#define TYPE_PREFIX "type.googleapis.com/"
#define DOMAIN "inkmesh"
#define MOST_DETAILS 3
#define VIOLATION_OVERHEAD 8 /* tags and lengths */

static void add_detail(struct ink_arena *arena, Google__Rpc__Status *to,
                       const ProtobufCMessage *detail)
{
    Google__Protobuf__Any *any = ink_arena_alloc(arena, sizeof(*any));
    google__protobuf__any__init(any);
    any->type_url = ink_arena_printf(arena, TYPE_PREFIX "%s", detail->descriptor->name);
    any->value.len = protobuf_c_message_get_packed_size(detail);
    any->value.data = ink_arena_alloc(arena, any->value.len);
    protobuf_c_message_pack(detail, any->value.data);
    to->details[to->n_details++] = any;
}

static void add_bad_request(struct ink_arena *arena, Google__Rpc__Status *to,
                            const struct ink_violation *violations)
{
    Google__Rpc__BadRequest detail = GOOGLE__RPC__BAD_REQUEST__INIT;
    size_t count = 0;
    for (const struct ink_violation *v = violations; v != NULL; v = v->next)
        count++;
    detail.field_violations = ink_arena_calloc(arena, count, sizeof(void *));
    size_t left = INK_WIRE_MOST_DETAILS;
    for (const struct ink_violation *v = violations; v != NULL; v = v->next) {
        size_t size = strlen(v->field) + strlen(v->message) + VIOLATION_OVERHEAD;
        if (size > left)
            break;
        left -= size;
        Google__Rpc__BadRequest__FieldViolation *one = ink_arena_alloc(arena, sizeof(*one));
        google__rpc__bad_request__field_violation__init(one);
        one->field = (char *)v->field;
        one->description = (char *)v->message;
        detail.field_violations[detail.n_field_violations++] = one;
    }
    add_detail(arena, to, &detail.base);
}

static void add_error_info(struct ink_arena *arena, Google__Rpc__Status *to, const char *reason)
{
    Google__Rpc__ErrorInfo detail = GOOGLE__RPC__ERROR_INFO__INIT;
    detail.reason = (char *)reason;
    detail.domain = (char *)DOMAIN;
    add_detail(arena, to, &detail.base);
}

static void add_retry_info(struct ink_arena *arena, Google__Rpc__Status *to, int64_t ms)
{
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
    Google__Rpc__RetryInfo detail = GOOGLE__RPC__RETRY_INFO__INIT;
    delay.seconds = ms / 1000;
    delay.nanos = (int32_t)(ms % 1000) * 1000000;
    detail.retry_delay = &delay;
    add_detail(arena, to, &detail.base);
}

void ink_wire_pack_details(struct ink_arena *arena, struct ink_status status, uint8_t **ret_data,
                           size_t *ret_size)
{
    Google__Rpc__Status whole = GOOGLE__RPC__STATUS__INIT;
    Google__Protobuf__Any *details[MOST_DETAILS];
    whole.code = (int32_t)status.code;
    whole.message = (char *)status.message;
    whole.details = details;
    if (status.violations != NULL)
        add_bad_request(arena, &whole, status.violations);
    if (status.reason != NULL)
        add_error_info(arena, &whole, status.reason);
    if (status.retry_after_ms > 0)
        add_retry_info(arena, &whole, status.retry_after_ms);
    *ret_size = 0;
    if (whole.n_details == 0)
        return;
    *ret_size = google__rpc__status__get_packed_size(&whole);
    *ret_data = ink_arena_alloc(arena, *ret_size);
    google__rpc__status__pack(&whole, *ret_data);
}

/* The detail as `type`, or NULL when it is something else. */
static ProtobufCMessage *as(struct ink_arena *arena, const Google__Protobuf__Any *any,
                            const ProtobufCMessageDescriptor *type)
{
    const char *slash = strrchr(any->type_url, '/');
    if (slash == NULL || strcmp(slash + 1, type->name) != 0)
        return NULL;
    return protobuf_c_message_unpack(type, ink_arena_allocator(arena), any->value.len,
                                     any->value.data);
}

void ink_wire_unpack_details(struct ink_arena *arena, const uint8_t *data, size_t size,
                             struct ink_status *status)
{
    Google__Rpc__Status *whole =
        google__rpc__status__unpack(ink_arena_allocator(arena), size, data);
    if (whole == NULL)
        return;
    for (size_t i = 0; i < whole->n_details; i++) {
        const Google__Protobuf__Any *any = whole->details[i];
        Google__Rpc__BadRequest *bad =
            (void *)as(arena, any, &google__rpc__bad_request__descriptor);
        Google__Rpc__ErrorInfo *info = (void *)as(arena, any, &google__rpc__error_info__descriptor);
        Google__Rpc__RetryInfo *retry =
            (void *)as(arena, any, &google__rpc__retry_info__descriptor);
        if (bad != NULL)
            for (size_t v = 0; v < bad->n_field_violations; v++)
                ink_violation_add(arena, &status->violations, bad->field_violations[v]->field,
                                  bad->field_violations[v]->description);
        if (info != NULL)
            status->reason = info->reason;
        if (retry != NULL && retry->retry_delay != NULL && retry->retry_delay->seconds >= 0 &&
            retry->retry_delay->seconds < 1000000)
            status->retry_after_ms =
                retry->retry_delay->seconds * 1000 + retry->retry_delay->nanos / 1000000;
    }
}
