/* Any request to a contract that uses all of google.api.http: "METHOD-INDEX target NUL body". What
 * is woven has to survive protobuf's own encoding. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/transcode/router.h"
#include "route_contract.h"
#include "tests/fuzz/fuzz.h"

static struct ink_contract *contract;
static struct ink_router *router;

static void build(void)
{
    static struct ink_arena arena;
    ink_arena_init(&arena);
    CHECK(ink_is_ok(ink_contract_load(&route_contract, &arena, &contract)));
    CHECK(ink_is_ok(ink_router_new(contract, &arena, &router)));
}

static void check_message(struct ink_arena *arena, const ProtobufCMessage *message)
{
    CHECK(protobuf_c_message_check(message));
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = ink_arena_alloc(arena, size + 1);
    CHECK(protobuf_c_message_pack(message, packed) == size);
    CHECK(protobuf_c_message_unpack(message->descriptor, ink_arena_allocator(arena), size, packed));
}

static void send_request(const char *method, const char *target, size_t target_size,
                         const char *body, size_t body_size)
{
    struct ink_arena arena;
    ink_arena_init(&arena);
    const char *mark = memchr(target, '?', target_size);
    size_t path_size = mark ? (size_t)(mark - target) : target_size;
    struct ink_route_match match = ink_router_match(router, method, target, path_size, &arena);
    if (match.result == INK_PATH_FOUND) {
        ProtobufCMessage *message = NULL;
        struct ink_http_parts parts = {
            .method = method,
            .values = match.values,
            .query = mark ? mark + 1 : NULL,
            .query_size = mark ? target_size - path_size - 1 : 0,
            .body = body,
            .body_size = body_size,
        };
        struct ink_status status =
            ink_weave_request(match.route->binding, &parts, &arena, &message);
        CHECK(ink_is_ok(status) == (message != NULL));
        if (message)
            check_message(&arena, message);
    }
    ink_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "PATCH", "PURGE"};
    if (!router)
        build();
    if (size < 1)
        return 0;
    const char *target = (const char *)data + 1;
    const char *nul = memchr(target, '\0', --size);
    size_t target_size = nul ? (size_t)(nul - target) : size;
    const char *body = nul ? nul + 1 : NULL;
    send_request(methods[data[0] % INK_COUNT(methods)], target, target_size, body,
                 nul ? size - target_size - 1 : 0);
    return 0;
}
