#include "gateway/openapi/internal.h"
#include "lib/base/alloc.h"

bool openapi_types_have(const struct openapi_types *types, const struct ink_message *type)
{
    for (size_t i = 0; i < types->count; i++)
        if (types->list[i] == type)
            return true;
    return false;
}

void openapi_types_add(struct openapi_types *types, const struct ink_message *type)
{
    if (openapi_types_have(types, type))
        return;
    types->list = ink_realloc(types->list, (types->count + 1) * sizeof(*types->list));
    types->list[types->count++] = type;
}

void openapi_types_reach(struct openapi_types *types, const struct ink_message *type)
{
    if (type->well_known != INK_NOT_WELL_KNOWN || openapi_types_have(types, type))
        return;
    if (!type->map_entry)
        openapi_types_add(types, type);
    for (size_t i = 0; i < type->n_fields; i++)
        if (type->fields[i].message != NULL)
            openapi_types_reach(types, type->fields[i].message);
}
