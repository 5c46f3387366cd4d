#include "gateway/request_id.h"

#include "lib/base/uuid.h"

bool gateway_request_id_valid(const char *id)
{
    size_t size = 0;
    for (; id[size] != '\0'; size++)
        if (id[size] <= ' ' || id[size] > '~' || size == GATEWAY_REQUEST_ID_MAX)
            return false;
    return size > 0;
}

const char *gateway_request_id(struct ink_arena *arena, const char *offered)
{
    if (offered != NULL && gateway_request_id_valid(offered))
        return offered;
    char *id = ink_arena_alloc(arena, INK_UUID_SIZE);
    ink_uuid_v7(id);
    return id;
}
